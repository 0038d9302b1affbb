// https://modelcontextprotocol.io/specification/2025-11-25/server/utilities/completion: asked of whoever has the prompt or template.
import { isObject } from '../messages.ts';
import type { Forwarded } from '../ports.ts';
import { RpcError, rpcCodes } from '../rpc-error.ts';
import type { Method } from './method.ts';

type Target = Pick<Forwarded, 'kind' | 'name' | 'nameMember'>;

/** What an upstream without completion would say if it had it. */
const nothing = '{"completion":{"values":[],"total":0,"hasMore":false}}';

export const completionComplete: Method = async ({ params, paramsJson }, ports, caller) => {
  const target = readTarget(params?.['ref']);
  if (params === undefined || paramsJson === undefined || target === undefined || !isObject(params['argument'])) {
    const message =
      'Invalid params: ref must name a prompt (ref/prompt) or a URI (ref/resource), argument be an object';
    throw new RpcError(rpcCodes.invalidParams, message);
  }
  const answer = await ports.forward(
    { ...target, method: 'completion/complete', within: 'ref', params, paramsJson },
    caller,
  );
  if (answer === undefined) {
    const noun = target.kind === 'prompts' ? 'prompt' : 'resource';
    throw new RpcError(rpcCodes.invalidParams, `Unknown ${noun}: ${target.name}`);
  }
  if (answer.ok) return answer.resultJson;
  if (answer.error.code === rpcCodes.methodNotFound) return nothing;
  throw new RpcError(answer.error.code, answer.error.message, answer.error.data);
};

function readTarget(ref: unknown): Target | undefined {
  if (!isObject(ref)) return undefined;
  const { type, name, uri } = ref;
  if (type === 'ref/prompt' && typeof name === 'string') return { kind: 'prompts', name, nameMember: 'name' };
  if (type === 'ref/resource' && typeof uri === 'string') return { kind: 'resources', name: uri, nameMember: 'uri' };
  return undefined;
}
