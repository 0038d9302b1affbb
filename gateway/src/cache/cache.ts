// The cache port. A cache has a name, a TTL and a size that are read at use (they may change while the gateway runs), one flight
// per key however many ask, and counts for /metrics. Its key names everything that the value depends on: where that is who
// asks, the identity is part of the key, so that nobody is ever served what was made for somebody else.

/** Turns a value into text and back, for the level that processes share. */
export interface Codec<V> {
  toText(value: V): string;
  /** @returns undefined for a text that is not one of ours: it counts as a miss */
  fromText(text: string): V | undefined;
}

export interface CacheOptions<V> {
  /** Lower case with underscores; the label of its metrics: `cache_hits_total{cache="…"}`. */
  name: string;
  /** Read at each use. Off: every call loads, nothing is kept or counted. */
  isEnabled?: () => boolean;
  /** Read at each use: a shorter TTL shortens the life of what is kept already. */
  ttlMs: () => number;
  /** Entries that are kept, read at each insertion. */
  max: () => number;
  /** When a load fails, what is too old by at most this is served instead. 0, the default: the failure is told. */
  staleMs?: () => number;
  /** What it says no to is handed out and not kept: values that are too large. */
  isKept?: (value: V) => boolean;
  /** With it the value also lies in Redis (CACHE_TYPE=redis), for the other processes. Never for secrets. */
  codec?: Codec<V>;
  /** Monotonic milliseconds. */
  now?: () => number;
}

/** What `/metrics` and the admin pages show of a cache. */
export interface CacheStats {
  name: string;
  hits: number;
  misses: number;
  /** Pushed out by others before their time. */
  evictions: number;
  size: number;
}

/** Whatever is kept under a name and can be declared wrong; `Cache` is the usual one. */
export interface NamedCache {
  readonly name: string;
  /** Drops one entry, or all; what is being loaded just now will not be kept either. This process only: see `Caches`. */
  drop(key?: string): void;
  stats(): CacheStats;
}

/** The level behind memory that processes share. Never throws and never waits for long: what it has not got is a miss. */
export interface SecondLevel {
  /** `generation` goes back into `write`, so that what was loaded before an invalidation is not kept after it. */
  read(name: string, key: string): Promise<{ text: string | undefined; generation: string | undefined }>;
  write(name: string, key: string, text: string, ttlMs: number, generation: string): void;
}

interface Entry<V> {
  value: V;
  loadedAtMs: number;
  /** Asked for since it was last weighed for eviction. */
  isUsed: boolean;
}

interface Flight<V> {
  promise: Promise<V>;
  /** Cleared by an invalidation: its value is for those who wait already, and kept for nobody. */
  isKept: boolean;
}

export class Cache<V> implements NamedCache {
  readonly name: string;
  /** Set by `Caches` while processes share a level. */
  secondLevel: SecondLevel | undefined;
  readonly #options: CacheOptions<V>;
  readonly #entries = new Map<string, Entry<V>>();
  readonly #flights = new Map<string, Flight<V>>();
  readonly #now: () => number;
  #hits = 0;
  #misses = 0;
  #evictions = 0;

  constructor(options: CacheOptions<V>) {
    this.name = options.name;
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** What memory holds, if it is not too old: for callers that make the value themselves. */
  get(key: string): V | undefined {
    if (this.#options.isEnabled?.() === false) return undefined;
    const entry = this.#entries.get(key);
    if (entry === undefined || this.#now() - entry.loadedAtMs >= this.#options.ttlMs()) {
      this.#misses++;
      return undefined;
    }
    this.#hits++;
    entry.isUsed = true;
    return entry.value;
  }

  /** Only for a value that was read after the last `drop` of its key; `getOrLoad` sees to that itself. */
  set(key: string, value: V): void {
    if (this.#options.isEnabled?.() === false) return;
    this.#entries.delete(key);
    this.#entries.set(key, { value, loadedAtMs: this.#now(), isUsed: false });
    this.#shrink();
  }

  /**
   * Synchronous on a hit. Otherwise one load per key serves all who ask meanwhile; a load that fails is not remembered.
   * @throws what the loader throws
   */
  getOrLoad(key: string, load: () => Promise<V>): V | Promise<V> {
    if (this.#options.isEnabled?.() === false) return load();
    const kept = this.get(key);
    if (kept !== undefined) return kept;
    const flying = this.#flights.get(key);
    if (flying !== undefined) return flying.promise;
    const flight: Flight<V> = { promise: undefined as never, isKept: true };
    flight.promise = this.#fly(key, load, flight);
    this.#flights.set(key, flight);
    return flight.promise;
  }

  drop(key?: string): void {
    if (key === undefined) {
      for (const flight of this.#flights.values()) flight.isKept = false;
      this.#flights.clear();
      this.#entries.clear();
      return;
    }
    const flight = this.#flights.get(key);
    if (flight !== undefined) flight.isKept = false;
    this.#flights.delete(key);
    this.#entries.delete(key);
  }

  /** Drops the entries whose key it says yes to: for keys that hold the identity beside what was changed. */
  dropWhere(isGone: (key: string) => boolean): void {
    for (const key of [...this.#entries.keys(), ...this.#flights.keys()]) if (isGone(key)) this.drop(key);
  }

  stats(): CacheStats {
    return {
      name: this.name,
      hits: this.#hits,
      misses: this.#misses,
      evictions: this.#evictions,
      size: this.#entries.size,
    };
  }

  async #fly(key: string, load: () => Promise<V>, flight: Flight<V>): Promise<V> {
    const { codec } = this.#options;
    // A turn of its own: the flight must be known before the loader can call back into this cache.
    await undefined;
    try {
      const level = codec === undefined ? undefined : this.secondLevel;
      if (level === undefined || codec === undefined) return this.#keep(key, await load(), flight);
      const found = await level.read(this.name, key);
      const shared = found.text === undefined ? undefined : codec.fromText(found.text);
      if (shared !== undefined) return this.#keep(key, shared, flight);
      const value = this.#keep(key, await load(), flight);
      if (found.generation !== undefined && flight.isKept && this.#isKept(value)) {
        level.write(this.name, key, codec.toText(value), this.#options.ttlMs(), found.generation);
      }
      return value;
    } catch (error) {
      const stale = this.#entries.get(key);
      const staleMs = this.#options.staleMs?.() ?? 0;
      if (stale === undefined || this.#now() - stale.loadedAtMs >= this.#options.ttlMs() + staleMs) throw error;
      return stale.value;
    } finally {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    }
  }

  #keep(key: string, value: V, flight: Flight<V>): V {
    if (flight.isKept && this.#isKept(value)) this.set(key, value);
    return value;
  }

  #isKept(value: V): boolean {
    return this.#options.isKept?.(value) ?? true;
  }

  /** A clock: the oldest goes, unless it was asked for since the hand passed it last. A hit moves nothing in the map. */
  #shrink(): void {
    const max = Math.max(1, this.#options.max());
    while (this.#entries.size > max) {
      const [oldest] = this.#entries;
      if (oldest === undefined) return;
      const [key, entry] = oldest;
      this.#entries.delete(key);
      if (entry.isUsed && this.#now() - entry.loadedAtMs < this.#options.ttlMs()) {
        entry.isUsed = false;
        this.#entries.set(key, entry);
      } else {
        this.#evictions++;
      }
    }
  }
}
