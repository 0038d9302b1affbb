// Bounded memory of values with the time at which each was learned. How long that is good enough is asked at every look, and
// what is too old is still there for whoever can do with it (grants.ts, while the database does not answer).
import { LRUCache } from 'lru-cache';
import type { CacheStats, NamedCache } from '../cache/cache.ts';

export interface Timed<T> {
  readonly value: T;
  /** Monotonic milliseconds. */
  readonly atMs: number;
}

const KEPT = 10_000;

export class TimedCache<T> implements NamedCache {
  readonly name: string;
  readonly #entries: LRUCache<string, Timed<T>>;
  readonly #onDrop: () => void;
  #hits = 0;
  #misses = 0;
  #evictions = 0;

  /** @param onDrop what was read before it must not be kept */
  constructor(name: string, onDrop: () => void, max = KEPT) {
    this.name = name;
    this.#onDrop = onDrop;
    this.#entries = new LRUCache({
      max,
      dispose: (_value, _key, reason) => {
        if (reason === 'evict') this.#evictions++;
      },
    });
  }

  /** However old it is. */
  peek(key: string): Timed<T> | undefined {
    return this.#entries.get(key);
  }

  /** However old it is; counts as a hit when it is younger than `ttlMs`. */
  look(key: string, nowMs: number, ttlMs: number): Timed<T> | undefined {
    const entry = this.#entries.get(key);
    if (entry !== undefined && nowMs - entry.atMs < ttlMs) this.#hits++;
    else this.#misses++;
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

  drop(key?: string): void {
    this.#onDrop();
    if (key === undefined) this.#entries.clear();
    else this.#entries.delete(key);
  }

  /** One that was answered without a look. */
  countHit(): void {
    this.#hits++;
  }

  stats(): CacheStats {
    const { size } = this.#entries;
    return { name: this.name, hits: this.#hits, misses: this.#misses, evictions: this.#evictions, size };
  }
}
