// The upstream sessions of clients that have a session themselves: one per client session and upstream, with that client's
// capabilities, for nobody else. They end with the client's.
import { isObject } from '../mcp/messages.ts';
import type { McpSession } from '../mcp/ports.ts';
import { isSameAddress, type UpstreamAddress } from './address.ts';
import type { SessionFor } from './dial.ts';
import { LoneUpstream, type LoneUpstreamOptions } from './lone-upstream.ts';
import type { RequestOptions, UpstreamAnswer } from './upstream.ts';
import type { UpstreamSession } from './upstream-session.ts';

export interface ClientSessionsOptions extends Pick<LoneUpstreamOptions, 'timeoutMs' | 'goodbyeMs' | 'observe'> {
  open: (address: UpstreamAddress, session: SessionFor) => Promise<UpstreamSession>;
}

interface Own {
  address: UpstreamAddress;
  upstream: ClientUpstream;
}

export class ClientSessions implements AsyncDisposable {
  readonly #options: ClientSessionsOptions;
  readonly #sessions = new Map<McpSession, Map<string, Own>>();

  constructor(options: ClientSessionsOptions) {
    this.#options = options;
  }

  /** Upstream sessions open at the moment. */
  get size(): number {
    let size = 0;
    for (const owned of this.#sessions.values())
      for (const { upstream } of owned.values()) if (upstream.session !== undefined) size++;
    return size;
  }

  /** @param passed headers of the request, for a session that has to be opened */
  of(address: UpstreamAddress, client: McpSession, passed: string[]): ClientUpstream {
    let owned = this.#sessions.get(client);
    if (owned === undefined) {
      owned = new Map();
      this.#sessions.set(client, owned);
      client.onEnd(() => this.#end(client));
    }
    const known = owned.get(address.id);
    if (known !== undefined && isSameAddress(known.address, address)) {
      known.address = address;
      return known.upstream;
    }
    if (known !== undefined) void known.upstream[Symbol.asyncDispose]();
    const { open, ...options } = this.#options;
    const upstream = new ClientUpstream({
      ...options,
      url: address.url,
      client,
      open: (timeoutMs) =>
        open(address, { clientCapabilities: client.clientCapabilities, peer: client.peer, passed, timeoutMs }),
    });
    owned.set(address.id, { address, upstream });
    return upstream;
  }

  /** Tells every upstream session of this client. Never rejects. */
  async broadcast(client: McpSession, method: string, paramsJson: string | undefined): Promise<void> {
    const told = [...(this.#sessions.get(client)?.values() ?? [])].map(({ upstream }) =>
      upstream.tell(method, paramsJson),
    );
    await Promise.allSettled(told);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#sessions.keys()].map((client) => this.#end(client)));
  }

  async #end(client: McpSession): Promise<void> {
    const owned = this.#sessions.get(client);
    this.#sessions.delete(client);
    await Promise.allSettled([...(owned?.values() ?? [])].map(({ upstream }) => upstream[Symbol.asyncDispose]()));
  }
}

/** Makes good in a new session what the client had set up in the lost one. */
class ClientUpstream extends LoneUpstream {
  readonly #client: McpSession;
  /** Parameters of `resources/subscribe`. */
  readonly #subscribed = new Set<string>();

  constructor({ client, open, ...options }: LoneUpstreamOptions & { client: McpSession }) {
    super({
      ...options,
      open: async (timeoutMs) => {
        const session = await open(timeoutMs);
        this.#prepare(session);
        return session;
      },
    });
    this.#client = client;
  }

  override async request(
    method: string,
    paramsJson: string | undefined,
    options?: RequestOptions,
    headers?: string[],
  ): Promise<UpstreamAnswer> {
    const answer = await super.request(method, paramsJson, options, headers);
    if (answer.ok && paramsJson !== undefined) {
      if (method === 'resources/subscribe') this.#subscribed.add(paramsJson);
      else if (method === 'resources/unsubscribe') this.#subscribed.delete(paramsJson);
    }
    return answer;
  }

  /** A request that the upstream has no capability for is not sent. */
  async tell(method: string, paramsJson: string | undefined): Promise<void> {
    const { session } = this;
    if (session === undefined) return;
    if (method.startsWith('notifications/')) session.notify(method, paramsJson);
    else if (method !== 'logging/setLevel' || isObject(session.capabilities['logging']))
      await this.request(method, paramsJson);
  }

  #prepare(session: UpstreamSession): void {
    session.listen();
    const { logLevel } = this.#client;
    if (logLevel !== undefined && isObject(session.capabilities['logging'])) {
      this.#ask(session, 'logging/setLevel', JSON.stringify({ level: logLevel }));
    }
    for (const paramsJson of this.#subscribed) this.#ask(session, 'resources/subscribe', paramsJson);
  }

  /** Ahead of the request that the session is opened for; what comes of it changes nothing for that one. */
  #ask(session: UpstreamSession, method: string, paramsJson: string): void {
    session.request(method, paramsJson, this.timeoutMs, undefined, undefined).catch(() => undefined);
  }
}
