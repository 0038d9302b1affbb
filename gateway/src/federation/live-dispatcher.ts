// Connections that are made after settings which may change: then new ones are made for what comes, and the old ones serve what
// they have begun.
import type { Dispatcher } from 'undici';
import type { Config } from '../config.ts';

export type ConnectionConfig = Pick<
  Config,
  'HTTPX_MAX_CONNECTIONS' | 'HTTPX_MAX_KEEPALIVE_CONNECTIONS' | 'HTTPX_KEEPALIVE_EXPIRY' | 'HTTPX_CONNECT_TIMEOUT'
>;

export class LiveDispatcher<D extends Dispatcher> {
  readonly #config: ConnectionConfig;
  readonly #make: () => D;
  readonly #leaving = new Set<D>();
  #current: D;
  #max = 0;
  #kept = 0;
  #expiry = 0;
  #connect = 0;

  /** @param make reads the settings */
  constructor(config: ConnectionConfig, make: () => D) {
    this.#config = config;
    this.#make = make;
    this.#current = this.#renew();
  }

  /** On the request path. */
  get current(): D {
    const config = this.#config;
    if (
      config.HTTPX_MAX_CONNECTIONS !== this.#max ||
      config.HTTPX_MAX_KEEPALIVE_CONNECTIONS !== this.#kept ||
      config.HTTPX_KEEPALIVE_EXPIRY !== this.#expiry ||
      config.HTTPX_CONNECT_TIMEOUT !== this.#connect
    ) {
      this.#leave(this.#current);
      this.#current = this.#renew();
    }
    return this.#current;
  }

  /** What still runs is cut off. */
  async destroy(): Promise<void> {
    await Promise.all([this.#current, ...this.#leaving].map((one) => one.destroy()));
  }

  #renew(): D {
    const config = this.#config;
    this.#max = config.HTTPX_MAX_CONNECTIONS;
    this.#kept = config.HTTPX_MAX_KEEPALIVE_CONNECTIONS;
    this.#expiry = config.HTTPX_KEEPALIVE_EXPIRY;
    this.#connect = config.HTTPX_CONNECT_TIMEOUT;
    return this.#make();
  }

  /** Closed when it has served all that it was given, also what waits in it for a connection. */
  #leave(one: D): void {
    this.#leaving.add(one);
    const leave = () => this.#leaving.delete(one);
    one.close().then(leave, leave);
  }
}
