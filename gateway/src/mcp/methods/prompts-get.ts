// https://modelcontextprotocol.io/specification/2025-11-25/server/prompts#error-handling: an unknown prompt is -32602.
import { RpcError, rpcCodes } from '../rpc-error.ts';
import { createForward } from './forward.ts';

export const promptsGet = createForward(
  { kind: 'prompts', method: 'prompts/get', nameMember: 'name' },
  (name) => new RpcError(rpcCodes.invalidParams, `Unknown prompt: ${name}`),
);
