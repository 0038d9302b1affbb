// https://modelcontextprotocol.io/specification/2025-11-25/server/resources#error-handling: not found is -32002.
import { RpcError, rpcCodes } from '../rpc-error.ts';
import { createForward } from './forward.ts';

export const resourcesRead = createForward(
  { kind: 'resources', method: 'resources/read', nameMember: 'uri' },
  (uri) => new RpcError(rpcCodes.resourceNotFound, `Resource not found: ${uri}`, { uri }),
);
