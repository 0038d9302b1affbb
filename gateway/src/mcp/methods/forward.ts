// What tools/call, resources/read and prompts/get share: read the name, hand the rest on untouched, hand the answer back.
import { isObject, type RpcMessage } from '../messages.ts';
import type { Forwarded } from '../ports.ts';
import { RpcError, rpcCodes } from '../rpc-error.ts';
import type { Method } from './method.ts';

type Target = Pick<Forwarded, 'kind' | 'method' | 'nameMember'>;

/** @param toUnknown the error when nothing of that name exists */
export function createForward(target: Target, toUnknown: (name: string) => RpcError): Method {
  const { kind, method, nameMember } = target;
  return async (message, ports, caller) => {
    const { params, paramsJson } = message;
    const name = params?.[nameMember];
    if (typeof name !== 'string' || params === undefined || paramsJson === undefined) {
      throw new RpcError(rpcCodes.invalidParams, `Invalid params: ${nameMember} must be a string`);
    }
    const args = params['arguments'];
    if (args !== undefined && kind !== 'resources' && !isObject(args)) {
      throw new RpcError(rpcCodes.invalidParams, 'Invalid params: arguments must be an object');
    }
    const answer = await ports.forward({ kind, name, method, nameMember, params, paramsJson }, caller);
    if (answer === undefined) throw toUnknown(name);
    if (answer.ok) return answer.resultJson;
    throw new RpcError(answer.error.code, answer.error.message, answer.error.data);
  };
}

/** The `tools/call` that a bare tool name as method stands for: its params are the arguments. */
export function toToolCall(message: RpcMessage): RpcMessage {
  return {
    idJson: message.idJson,
    method: 'tools/call',
    params: { name: message.method, arguments: message.params ?? {} },
    paramsJson: `{"name":${JSON.stringify(message.method)},"arguments":${message.paramsJson ?? '{}'}}`,
  };
}
