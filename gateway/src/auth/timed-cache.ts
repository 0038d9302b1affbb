// Bounded memory of values with the time at which each was learned. How long that is good enough is asked at every look:
// the settings may change while the gateway runs.
import { LRUCache } from 'lru-cache';

export interface Timed<T> {
  readonly value: T;
  /** Monotonic milliseconds. */
  readonly atMs: number;
}

export interface CacheStats {
  hits: number;
  misses: number;
}

export class TimedCache<T> implements CacheStats {
  hits = 0;
  misses = 0;
  readonly #entries: LRUCache<string, Timed<T>>;

  constructor(max: number) {
    this.#entries = new LRUCache({ max });
  }

  get size(): number {
    return this.#entries.size;
  }

  /** However old it is. */
  peek(key: string): Timed<T> | undefined {
    return this.#entries.get(key);
  }

  /** However old it is; counts as a hit when it is younger than `ttlMs`. */
  look(key: string, nowMs: number, ttlMs: number): Timed<T> | undefined {
    const entry = this.#entries.get(key);
    if (entry !== undefined && nowMs - entry.atMs < ttlMs) this.hits++;
    else this.misses++;
    return entry;
  }

  /** Only what is younger than `ttlMs`. */
  fresh(key: string, nowMs: number, ttlMs: number): T | undefined {
    const entry = this.look(key, nowMs, ttlMs);
    return entry !== undefined && nowMs - entry.atMs < ttlMs ? entry.value : undefined;
  }

  keep(key: string, value: T, atMs: number): void {
    this.#entries.set(key, { value, atMs });
  }

  forget(key: string): void {
    this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }
}
