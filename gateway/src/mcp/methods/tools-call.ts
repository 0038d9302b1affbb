// https://modelcontextprotocol.io/specification/2025-11-25/server/tools#error-handling: an unknown tool is -32602.
import { RpcError, rpcCodes } from '../rpc-error.ts';
import { createForward } from './forward.ts';

export const toolsCall = createForward(
  { kind: 'tools', method: 'tools/call', nameMember: 'name' },
  (name) => new RpcError(rpcCodes.invalidParams, `Unknown tool: ${name}`),
);
