// tools/list, resources/list, resources/templates/list and prompts/list are one method over four kinds of entry.
import type { ListKind } from '../ports.ts';
import { RpcError, rpcCodes } from '../rpc-error.ts';
import type { Method } from './method.ts';

export function createList(kind: ListKind): Method {
  return ({ params }, ports, caller) => {
    const cursor = params?.['cursor'];
    if (cursor !== undefined && typeof cursor !== 'string') {
      throw new RpcError(rpcCodes.invalidParams, 'Invalid params: cursor must be a string');
    }
    return ports.list(kind, cursor, caller.serverId, caller);
  };
}
