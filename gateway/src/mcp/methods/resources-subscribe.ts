// https://modelcontextprotocol.io/specification/2025-11-25/server/resources#subscriptions: by the upstream session of the client's
// session, which is told of updates.
import { RpcError, rpcCodes } from '../rpc-error.ts';
import { createForward } from './forward.ts';
import type { Method } from './method.ts';
import { requireSession } from './require-session.ts';

export const resourcesSubscribe = createSubscription('resources/subscribe');
export const resourcesUnsubscribe = createSubscription('resources/unsubscribe');

function createSubscription(method: 'resources/subscribe' | 'resources/unsubscribe'): Method {
  const forward = createForward(
    { kind: 'resources', method, nameMember: 'uri' },
    (uri) => new RpcError(rpcCodes.resourceNotFound, `Resource not found: ${uri}`, { uri }),
  );
  return (message, ports, caller) => {
    const session = requireSession(caller, method);
    return Promise.resolve(forward(message, ports, caller)).then((answer) => {
      session.subscribed?.(String(message.params?.['uri']), method === 'resources/subscribe');
      return answer;
    });
  };
}
