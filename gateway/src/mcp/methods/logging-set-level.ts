// https://modelcontextprotocol.io/specification/2025-11-25/server/utilities/logging: kept in the session, told to its upstreams.
import { RpcError, rpcCodes } from '../rpc-error.ts';
import type { Method } from './method.ts';
import { requireSession } from './require-session.ts';

const levels: readonly unknown[] = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];

export const loggingSetLevel: Method = async ({ params, paramsJson, method }, ports, caller) => {
  const level = params?.['level'];
  if (typeof level !== 'string' || !levels.includes(level)) {
    throw new RpcError(rpcCodes.invalidParams, `Invalid params: level must be one of ${levels.join(', ')}`);
  }
  const session = requireSession(caller, method);
  session.logLevel = level;
  await ports.broadcast(session, method, paramsJson);
  return '{}';
};
