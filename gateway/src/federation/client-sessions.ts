// The upstream sessions of clients that have a session themselves: one per client session and upstream, with that client's
// capabilities, for nobody else. They end with the client's.
import { isObject } from '../mcp/messages.ts';
import type { CancelSignal, McpSession } from '../mcp/ports.ts';
import { shownUrl } from '../shown-url.ts';
import { isSameAddress, type UpstreamAddress } from './address.ts';
import type { SessionFor } from './dial.ts';
import { LoneSession } from './lone-session.ts';
import type { SessionSource } from './session-source.ts';
import type { RequestOptions, RequestTarget, Upstream, UpstreamAnswer, UpstreamCatalog } from './upstream.ts';
import type { UpstreamSession } from './upstream-session.ts';

export interface ClientSessionsOptions {
  open: (address: UpstreamAddress, session: SessionFor) => Promise<UpstreamSession>;
  toUpstream: (address: UpstreamAddress, source: SessionSource, passed: string[]) => Upstream;
  /** Asks a session that is suspect whether it is good. Never rejects. */
  verify: (address: UpstreamAddress) => (session: UpstreamSession) => Promise<boolean>;
  timeoutMs: () => number;
  goodbyeMs: () => number;
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
    for (const owned of this.#sessions.values()) {
      for (const { upstream } of owned.values()) if (upstream.session !== undefined) size++;
    }
    return size;
  }

  /** @param passed headers of the request, for a session that has to be opened */
  of(address: UpstreamAddress, client: McpSession, passed: string[]): Upstream {
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
    const upstream = new ClientUpstream(this.#options, address, client, passed);
    owned.set(address.id, { address, upstream });
    return upstream;
  }

  /** Tells every upstream session of this client. Never rejects. */
  async broadcast(client: McpSession, method: string, paramsJson: string | undefined): Promise<void> {
    const all = [...(this.#sessions.get(client)?.values() ?? [])];
    await Promise.allSettled(all.map(({ upstream }) => upstream.tell(method, paramsJson)));
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
class ClientUpstream implements Upstream {
  readonly #options: ClientSessionsOptions;
  readonly #client: McpSession;
  readonly #source: LoneSession;
  readonly #upstream: Upstream;
  /** Parameters of `resources/subscribe`. */
  readonly #subscribed = new Set<string>();

  constructor(options: ClientSessionsOptions, address: UpstreamAddress, client: McpSession, passed: string[]) {
    this.#options = options;
    this.#client = client;
    const { clientCapabilities, peer } = client;
    this.#source = new LoneSession({
      url: shownUrl(address.url),
      goodbyeMs: options.goodbyeMs,
      verify: options.verify(address),
      open: async (timeoutMs) => {
        const session = await options.open(address, { clientCapabilities, peer, passed, timeoutMs });
        this.#prepare(session);
        return session;
      },
    });
    this.#upstream = options.toUpstream(address, this.#source, passed);
  }

  get session(): UpstreamSession | undefined {
    return this.#source.session;
  }

  request(
    method: string,
    paramsJson: string | undefined,
    options?: RequestOptions,
    target?: RequestTarget,
  ): Promise<UpstreamAnswer> {
    const answering = this.#upstream.request(method, paramsJson, options, target);
    if (paramsJson === undefined || !method.endsWith('subscribe')) return answering;
    return answering.then((answer) => {
      if (answer.ok && method === 'resources/subscribe') this.#subscribed.add(paramsJson);
      if (method === 'resources/unsubscribe') this.#subscribed.delete(paramsJson);
      return answer;
    });
  }

  discover(signal?: CancelSignal): Promise<UpstreamCatalog> {
    return this.#upstream.discover(signal);
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#upstream[Symbol.asyncDispose]();
  }

  /** A level that the upstream has no capability for is not sent. */
  async tell(method: string, paramsJson: string | undefined): Promise<void> {
    const { session } = this;
    if (session === undefined) return;
    if (method.startsWith('notifications/')) session.notify(method, paramsJson);
    else if (method !== 'logging/setLevel' || hasLogging(session)) await this.request(method, paramsJson);
  }

  #prepare(session: UpstreamSession): void {
    session.listen();
    const { logLevel } = this.#client;
    if (logLevel !== undefined && hasLogging(session)) {
      this.#ask(session, 'logging/setLevel', JSON.stringify({ level: logLevel }));
    }
    for (const paramsJson of this.#subscribed) this.#ask(session, 'resources/subscribe', paramsJson);
  }

  /** Ahead of the request that the session is opened for; what comes of it changes nothing for that one. */
  #ask(session: UpstreamSession, method: string, paramsJson: string): void {
    session.request(method, paramsJson, this.#options.timeoutMs(), undefined, undefined).catch(() => undefined);
  }
}

function hasLogging({ capabilities }: UpstreamSession): boolean {
  return isObject(capabilities['logging']);
}
