// A subscription that no message of the client asks for just now: of a stream that needs one, of a session that was taken over.
import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { resourcesSubscribe } from '../mcp/methods/resources-subscribe.ts';
import type { McpPorts } from '../mcp/ports.ts';
import { RequestCaller } from './caller.ts';
import type { ClientSession } from './client-session.ts';

/** @throws as `resources/subscribe` */
export async function subscribeSession(
  session: ClientSession,
  uri: string,
  ports: McpPorts,
  headers: IncomingHttpHeaders = {},
): Promise<void> {
  const { serverId, identity, peer, calls: cancellable } = session;
  // No id that its client may give to a request.
  const idJson = JSON.stringify(randomUUID());
  const params = { uri };
  const message = { idJson, method: 'resources/subscribe', params, paramsJson: JSON.stringify(params) };
  const origin = { socket: undefined, serverId, identity, headers, session, peer, cancellable, isResumable: false };
  const caller = new RequestCaller(idJson, origin);
  try {
    await resourcesSubscribe(message, ports, caller);
  } finally {
    caller.end();
  }
}
