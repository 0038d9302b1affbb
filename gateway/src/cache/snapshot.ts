// One value that is dear to make, kept in memory: made on demand by one flight for all who ask, made anew when it is old or
// was declared wrong, and served beyond its age when it cannot be made: nobody waits for an attempt that follows a failure.

export interface SnapshotOptions<T> {
  load: () => Promise<T>;
  /** Read at each use. Up to this age a value is simply served; up to twice this age it is served while another is made. */
  ttlMs: () => number;
  /** After a failure the stale value is served for this long before the next attempt. */
  retryMs: number;
  /** Monotonic milliseconds. */
  now: () => number;
  /** Told of each failure that a stale value covers. */
  onStale: (error: unknown) => void;
}

/** Look-ups that memory answered, and those that waited for the loader. */
export interface SnapshotCounts {
  hits: number;
  misses: number;
}

export class Snapshot<T> {
  readonly counts: SnapshotCounts = { hits: 0, misses: 0 };
  readonly #options: SnapshotOptions<T>;
  #kept: { value: T; version: number; loadedAtMs: number } | undefined;
  #flight: { promise: Promise<T>; version: number } | undefined;
  /** Counts the invalidations: what was being made before the last one does not count as fresh. */
  #version = 0;
  #failedAtMs: number | undefined;

  constructor(options: SnapshotOptions<T>) {
    this.#options = options;
  }

  /**
   * Synchronous when the value is in memory. Rejects with the loader's error when there is nothing to serve. One value may
   * serve several purposes, each with an age and counts of its own.
   */
  get(ttlMs = this.#options.ttlMs(), counts = this.counts): T | Promise<T> {
    const kept = this.#kept;
    if (kept === undefined) {
      counts.misses += 1;
      return this.#load();
    }
    const nowMs = this.#options.now();
    const ageMs = nowMs - kept.loadedAtMs;
    const isCurrent = kept.version === this.#version;
    if (isCurrent && ageMs < ttlMs) {
      counts.hits += 1;
      return kept.value;
    }
    if (this.#failedAtMs !== undefined && nowMs - this.#failedAtMs < this.#options.retryMs) {
      counts.hits += 1;
      return kept.value;
    }
    // What failed last may hang now, until its deadline: who asks meanwhile is answered with what there is.
    const hasFailed = this.#failedAtMs !== undefined;
    if (hasFailed || (isCurrent && ageMs < 2 * ttlMs)) {
      counts.hits += 1;
      if (!this.#isFlying()) this.#load().catch(this.#options.onStale);
      return kept.value;
    }
    counts.misses += 1;
    return this.#load().catch((error: unknown) => {
      this.#options.onStale(error);
      return kept.value;
    });
  }

  /** The value was changed where it comes from: who asks from now on waits for another. */
  invalidate(): void {
    this.#version += 1;
    this.#failedAtMs = undefined;
  }

  #isFlying(): boolean {
    return this.#flight?.version === this.#version;
  }

  #load(): Promise<T> {
    if (this.#flight !== undefined && this.#isFlying()) return this.#flight.promise;
    const flight = { promise: this.#fly(this.#version), version: this.#version };
    this.#flight = flight;
    const land = () => {
      if (this.#flight === flight) this.#flight = undefined;
    };
    flight.promise.then(land, land);
    return flight.promise;
  }

  async #fly(version: number): Promise<T> {
    try {
      const value = await this.#options.load();
      if (this.#kept === undefined || this.#kept.version <= version) {
        this.#kept = { value, version, loadedAtMs: this.#options.now() };
      }
      this.#failedAtMs = undefined;
      return value;
    } catch (error) {
      // One that began before an invalidation says nothing about the value that is wanted now.
      if (version === this.#version) this.#failedAtMs = this.#options.now();
      throw error;
    }
  }
}
