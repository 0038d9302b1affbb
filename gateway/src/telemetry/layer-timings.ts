// Where the time of one request went. Sections (auth, route, serialize) follow each other, each with a beginning and an end of
// its own; what is waited for inside them (pool_wait, query, upstream) is timed by whoever waits, and is no part of them.

export const layers = ['auth', 'route', 'pool_wait', 'query', 'upstream', 'serialize', 'total'] as const;
export type Layer = (typeof layers)[number];
export type Section = 'auth' | 'route' | 'serialize';
export type Wait = 'pool_wait' | 'query' | 'upstream';

export class LayerTimings {
  readonly startedAt = performance.now();
  /** Milliseconds by layer; `total` is set at the end. */
  readonly ms: Record<Layer, number> = {
    auth: 0,
    route: 0,
    pool_wait: 0,
    query: 0,
    upstream: 0,
    serialize: 0,
    total: 0,
  };
  #section: Section | undefined;
  #openedAt = 0;
  /** Waited within the section that is open. */
  #waitedMs = 0;
  /** Waits that overlap (a batch) count once. */
  #waitedUntil = 0;
  #isEnded = false;

  open(section: Section): void {
    this.#section = section;
    this.#waitedMs = 0;
    this.#openedAt = performance.now();
  }

  /** Without an effect when none is open. */
  close(): void {
    if (this.#section === undefined) return;
    this.ms[this.#section] += Math.max(0, performance.now() - this.#openedAt - this.#waitedMs);
    this.#section = undefined;
  }

  isOpen(section: Section): boolean {
    return this.#section === section;
  }

  /** Told when a wait is over; times of `performance.now()`. */
  waited(wait: Wait, startedAt: number, endedAt: number): void {
    if (this.#isEnded) return;
    const ms = endedAt - Math.max(startedAt, this.#waitedUntil);
    if (ms <= 0) return;
    this.ms[wait] += ms;
    this.#waitedMs += ms;
    this.#waitedUntil = endedAt;
  }

  /** The answer is written. */
  end(): void {
    this.close();
    this.ms.total = performance.now() - this.startedAt;
    this.#isEnded = true;
  }

  /**
   * The value of `Server-Timing` (https://www.w3.org/TR/server-timing/), milliseconds; `total` up to now: the head goes out
   * before the body is written.
   */
  toHeader(): string {
    const now = performance.now();
    const open = this.#section === undefined ? 0 : Math.max(0, now - this.#openedAt - this.#waitedMs);
    return layers
      .map((layer) => {
        const ms = layer === 'total' ? now - this.startedAt : this.ms[layer] + (layer === this.#section ? open : 0);
        return `${layer};dur=${ms.toFixed(3)}`;
      })
      .join(', ');
  }
}
