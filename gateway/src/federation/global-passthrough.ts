// The headers that go on to all upstreams, as an administrator set them while the gateway ran. They lie in the database, so that they
// outlive a restart and hold in every instance; memory answers, and they are read anew in the background: a request never waits.
import { Type } from 'typebox';
import type { CacheStats, NamedCache } from '../cache/cache.ts';
import type { Config } from '../config.ts';
import { parse } from '../parse.ts';
import type { GlobalConfig } from '../store/global-config.ts';

const KEY = 'passthrough_headers';
/** How long a database that failed is left alone. */
const RETRY_MS = 1000;

/** RFC 9110 section 5.1: a field name is a token. */
export const HeaderNames = Type.Array(Type.String({ pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$" }), {
  maxItems: 100,
  uniqueItems: true,
});

export interface GlobalPassthroughOptions {
  stored: GlobalConfig;
  config: Pick<Config, 'GLOBAL_CONFIG_CACHE_TTL'>;
  /** Monotonic milliseconds. */
  now?: () => number;
}

export class GlobalPassthrough implements NamedCache {
  readonly name = 'global_config';
  readonly #options: GlobalPassthroughOptions;
  readonly #now: () => number;
  #names: readonly string[] | undefined;
  #dueAtMs = Number.NEGATIVE_INFINITY;
  #isLoading = false;
  /** Counts what was changed: what was being read meanwhile is not believed. */
  #version = 0;
  #hits = 0;
  #misses = 0;

  constructor(options: GlobalPassthroughOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Before the first request. @throws GW_DATABASE_UNAVAILABLE */
  async load(): Promise<void> {
    const version = this.#version;
    const json = await this.#options.stored.read(KEY);
    const names = json === undefined ? undefined : parse(HeaderNames, JSON.parse(json), KEY);
    if (version === this.#version) this.#keep(names);
  }

  /** On the request path, while headers are passed on at all. Undefined: nobody has set them, DEFAULT_PASSTHROUGH_HEADERS holds. */
  names(): readonly string[] | undefined {
    if (this.#now() < this.#dueAtMs) this.#hits++;
    else this.#renew();
    return this.#names;
  }

  /** As they are in the database now. @throws GW_DATABASE_UNAVAILABLE */
  async read(): Promise<readonly string[] | undefined> {
    await this.load();
    return this.#names;
  }

  /** @throws GW_DATABASE_UNAVAILABLE */
  async change(names: readonly string[] | undefined): Promise<void> {
    await this.#options.stored.write(KEY, names === undefined ? undefined : JSON.stringify(names));
    this.#version++;
    this.#keep(names);
  }

  /** Another process has changed them: they are read at once, whoever asks meanwhile gets the old ones. */
  drop(): void {
    this.#version++;
    this.#isLoading = false;
    this.#renew();
  }

  stats(): CacheStats {
    return { name: this.name, hits: this.#hits, misses: this.#misses, evictions: 0, size: 1 };
  }

  #renew(): void {
    if (this.#isLoading) return;
    this.#isLoading = true;
    this.#misses++;
    const version = this.#version;
    this.load()
      .catch(() => {
        this.#dueAtMs = this.#now() + RETRY_MS;
      })
      .finally(() => {
        if (version === this.#version) this.#isLoading = false;
      });
  }

  #keep(names: readonly string[] | undefined): void {
    this.#names = names;
    this.#dueAtMs = this.#now() + this.#options.config.GLOBAL_CONFIG_CACHE_TTL * 1000;
  }
}
