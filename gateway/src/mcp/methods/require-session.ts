import type { Caller, McpSession } from '../ports.ts';
import { RpcError, rpcCodes } from '../rpc-error.ts';

/** For what would have no effect beyond its request. @throws RpcError -32601: without sessions there is no such method */
export function requireSession({ session }: Caller, method: string): McpSession {
  if (session !== undefined) return session;
  throw new RpcError(rpcCodes.methodNotFound, `Method not found: ${method} needs a session (USE_STATEFUL_SESSIONS)`);
}
