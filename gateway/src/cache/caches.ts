// All caches of this process by name: counts, and invalidations that reach the other processes too.
import { Cache, type CacheOptions, type CacheStats, type NamedCache, type SecondLevel } from './cache.ts';

/** `key` undefined: the whole cache. */
export type OnInvalidate = (name: string, key: string | undefined) => void;

export class Caches {
  readonly #caches = new Map<string, NamedCache>();
  #dropped: (() => void) | undefined;
  readonly #listeners = new Set<OnInvalidate>();
  #secondLevel: SecondLevel | undefined;

  /** @throws when the name is taken: two caches of one name would share counts and invalidations */
  create<V>(options: CacheOptions<V>): Cache<V> {
    const cache = new Cache(options);
    cache.secondLevel = this.#secondLevel;
    return this.add(cache);
  }

  /** Something that is kept under a name but is no `Cache`. */
  add<T extends NamedCache>(cache: T): T {
    if (this.#caches.has(cache.name)) throw new Error(`there is a cache ${cache.name} already`);
    this.#caches.set(cache.name, cache);
    return cache;
  }

  /** After a write, once it is committed: nobody is served the old value from now on, here at once, elsewhere soon. */
  invalidate(name: string, key?: string): void {
    this.drop(name, key);
    for (const listener of this.#listeners) listener(name, key);
  }

  /** The same in this process only: for what another process invalidated. Unknown names are left alone. */
  drop(name: string, key?: string): void {
    this.#dropped?.();
    this.#caches.get(name)?.drop(key);
  }

  /** Everything in memory: when invalidations of others may have been missed. */
  dropAll(): void {
    this.#dropped?.();
    for (const cache of this.#caches.values()) cache.drop();
  }

  /** Told of each `invalidate`, never of a `drop`. @returns how to stop listening */
  onInvalidate(listener: OnInvalidate): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Told before anything is dropped here, whoever invalidated it: what is read next must be what was written. */
  onDrop(listener: () => void): void {
    this.#dropped = listener;
  }

  /** The level that processes share, for caches that have a codec. */
  useSecondLevel(level: SecondLevel | undefined): void {
    this.#secondLevel = level;
    for (const cache of this.#caches.values()) if (cache instanceof Cache) cache.secondLevel = level;
  }

  stats(): CacheStats[] {
    return [...this.#caches.values()].map((cache) => cache.stats());
  }
}
