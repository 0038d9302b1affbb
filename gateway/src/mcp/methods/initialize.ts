// https://modelcontextprotocol.io/specification/2025-11-25/basic/lifecycle#initialization
import { productInfo } from '../../version.ts';
import { RpcError, rpcCodes } from '../rpc-error.ts';
import { negotiateVersion } from '../versions.ts';
import type { Method } from './method.ts';

/** Lists do not announce their changes, and nothing can be subscribed to: say so. */
const capabilities = {
  tools: { listChanged: false },
  resources: { subscribe: false, listChanged: false },
  prompts: { listChanged: false },
};

export const initialize: Method = ({ params }) => {
  const requested = params?.['protocolVersion'];
  if (typeof requested !== 'string') {
    throw new RpcError(rpcCodes.invalidParams, 'Invalid params: protocolVersion must be a string');
  }
  return JSON.stringify({ protocolVersion: negotiateVersion(requested), capabilities, serverInfo: productInfo });
};
