// Updated resources for one stream of `subscriptions/listen`: upstreams of older versions tell them to whoever subscribed in a
// session, so the stream has one that nobody else can reach. It ends with the stream.
import { isObject } from '../mcp/messages.ts';
import type { CallerIdentity, McpPorts } from '../mcp/ports.ts';
import type { ClientSession } from './client-session.ts';
import type { Sessions } from './sessions.ts';
import { subscribeSession } from './subscribe-session.ts';

const UPDATED = 'notifications/resources/updated';

export interface WatchOptions {
  sessions: Sessions;
  ports: McpPorts;
  identity: CallerIdentity;
  serverId: string | undefined;
  updated: (method: string, params: Record<string, unknown>) => void;
}

export class ResourceWatch implements Disposable {
  readonly #options: WatchOptions;
  readonly #session: ClientSession;
  readonly #release: () => void;

  /** @throws GW_TOO_MANY_SESSIONS */
  constructor(options: WatchOptions) {
    this.#options = options;
    this.#session = options.sessions.open(options.identity, options.serverId);
    this.#release = this.#session.hold();
    this.#session.standing = { send: (json) => this.#take(json) };
  }

  /** @returns those that an upstream took */
  async subscribe(uris: string[]): Promise<string[]> {
    const outcomes = await Promise.allSettled(
      uris.map((uri) => subscribeSession(this.#session, uri, this.#options.ports)),
    );
    return uris.filter((_, at) => outcomes[at]?.status === 'fulfilled');
  }

  [Symbol.dispose](): void {
    this.#release();
    this.#options.sessions.close(this.#session);
  }

  /** Whatever else an upstream tells a session was not asked for. */
  #take(json: string): void {
    const message: unknown = JSON.parse(json);
    if (!isObject(message) || message['method'] !== UPDATED || !isObject(message['params'])) return;
    this.#options.updated(UPDATED, message['params']);
  }
}
