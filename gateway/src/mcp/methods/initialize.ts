// https://modelcontextprotocol.io/specification/2025-11-25/basic/lifecycle#initialization
import { productInfo } from '../../version.ts';
import { RpcError, rpcCodes } from '../rpc-error.ts';
import { negotiateVersion } from '../versions.ts';
import type { Method } from './method.ts';

/** Without a session there is no way to announce a change, and nothing that could be kept for the next request. */
const ofRequests = {
  tools: { listChanged: false },
  resources: { subscribe: false, listChanged: false },
  prompts: { listChanged: false },
  completions: {},
};

const ofSessions = {
  tools: { listChanged: true },
  resources: { subscribe: true, listChanged: true },
  prompts: { listChanged: true },
  completions: {},
  logging: {},
};

export const initialize: Method = ({ params }, _ports, { session }) => {
  const requested = params?.['protocolVersion'];
  if (typeof requested !== 'string') {
    throw new RpcError(rpcCodes.invalidParams, 'Invalid params: protocolVersion must be a string');
  }
  const capabilities = session === undefined ? ofRequests : ofSessions;
  return JSON.stringify({ protocolVersion: negotiateVersion(requested), capabilities, serverInfo: productInfo });
};
