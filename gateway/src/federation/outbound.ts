// Connections to upstreams: one pool per origin and process, shared by all sessions there. A limit per origin, not over all: an
// upstream that hangs with all its connections leaves the others theirs.
import { Client, Pool } from 'undici';
import type { Config } from '../config.ts';
import { createAddressGuard, type SsrfConfig } from '../ssrf.ts';
import { type ConnectionConfig, LiveDispatcher } from './live-dispatcher.ts';

export type OutboundConfig = SsrfConfig & ConnectionConfig & Pick<Config, 'HTTPX_POOL_TIMEOUT'>;

/** A connection beyond those that are kept is closed when it was idle for this long: at once, but for calls in a rush. */
const SURPLUS_IDLE_MS = 250;

/** The upstream's host and port. */
export interface Origin {
  readonly poolTimeoutMs: number;
  /** @returns whether it has to wait for a connection */
  begin(isAside: boolean): boolean;
  end(isAside: boolean): void;
  /** Calls share a bounded number of connections; what stands open or must get through goes aside. */
  dispatcher(isAside: boolean): Pool;
  /** Held by a session; connections are closed some time after the last one let go. */
  retain(): void;
  release(): void;
}

export class Outbound implements AsyncDisposable {
  readonly #config: OutboundConfig;
  readonly #origins = new Map<string, PooledOrigin>();

  constructor(config: OutboundConfig) {
    this.#config = config;
  }

  origin(url: URL): Origin {
    const known = this.#origins.get(url.origin);
    if (known !== undefined) return known;
    const made = new PooledOrigin(url.origin, this.#config, () => this.#origins.delete(url.origin));
    this.#origins.set(url.origin, made);
    return made;
  }

  /** What still runs is cut off: sessions are closed before. */
  async [Symbol.asyncDispose](): Promise<void> {
    const all = [...this.#origins.values()];
    this.#origins.clear();
    await Promise.all(all.map((origin) => origin.destroy()));
  }
}

class PooledOrigin implements Origin {
  readonly #config: OutboundConfig;
  readonly #calls: LiveDispatcher<Pool>;
  readonly #aside: LiveDispatcher<Pool>;
  readonly #onUnused: () => void;
  #running = 0;
  #holders = 0;
  #unused: NodeJS.Timeout | undefined;

  /** @throws GW_ADDRESS_REFUSED for a host that is an address; names are judged when a connection is opened */
  constructor(origin: string, config: OutboundConfig, onUnused: () => void) {
    const guard = createAddressGuard(config);
    guard.checkLiteral(new URL(origin));
    this.#config = config;
    this.#onUnused = onUnused;
    const toOptions = () => ({
      keepAliveTimeout: config.HTTPX_KEEPALIVE_EXPIRY * 1000,
      // A server's own keep-alive hint is respected up to our setting, less the second that undici takes off.
      keepAliveMaxTimeout: config.HTTPX_KEEPALIVE_EXPIRY * 1000,
      connect: { timeout: config.HTTPX_CONNECT_TIMEOUT * 1000, lookup: guard.lookup },
      // The deadlines are ours (exchange.ts).
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    this.#calls = new LiveDispatcher(config, () => {
      const kept = config.HTTPX_MAX_KEEPALIVE_CONNECTIONS;
      let made = 0;
      return new Pool(origin, {
        ...toOptions(),
        connections: config.HTTPX_MAX_CONNECTIONS,
        // The pool fills connections in the order in which it made them: the last ones are those of a rush.
        factory(url, given) {
          const surplus = { keepAliveTimeout: SURPLUS_IDLE_MS, keepAliveMaxTimeout: SURPLUS_IDLE_MS };
          return new Client(url, ++made <= kept ? given : { ...given, ...surplus });
        },
      });
    });
    this.#aside = new LiveDispatcher(
      config,
      () => new Pool(origin, { ...toOptions(), keepAliveTimeout: SURPLUS_IDLE_MS }),
    );
  }

  get poolTimeoutMs(): number {
    return this.#config.HTTPX_POOL_TIMEOUT * 1000;
  }

  begin(isAside: boolean): boolean {
    return !isAside && ++this.#running > this.#config.HTTPX_MAX_CONNECTIONS;
  }

  end(isAside: boolean): void {
    if (!isAside) this.#running--;
  }

  dispatcher(isAside: boolean): Pool {
    return isAside ? this.#aside.current : this.#calls.current;
  }

  retain(): void {
    this.#holders++;
    clearTimeout(this.#unused);
  }

  release(): void {
    if (--this.#holders > 0) return;
    this.#unused = setTimeout(() => {
      this.#onUnused();
      void this.destroy();
    }, this.#config.HTTPX_KEEPALIVE_EXPIRY * 1000).unref();
  }

  async destroy(): Promise<void> {
    clearTimeout(this.#unused);
    await Promise.all([this.#calls.destroy(), this.#aside.destroy()]);
  }
}
