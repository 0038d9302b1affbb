// Rows that wait to be written in bulk. Whoever has one pays for a push; a stop writes all that waits; while the database is
// away what waits is bounded, and what is dropped is counted.
import { GatewayError } from '../errors.ts';
import type { Log } from '../store/store.ts';

export interface WriteBufferOptions<R> {
  /** For messages and /metrics. */
  table: string;
  /** All rows or none. @throws GW_DATABASE_UNAVAILABLE: they are kept and tried again; else they are dropped */
  write: (rows: R[]) => Promise<void>;
  /** So many rows are written without waiting; read at each push. */
  maxRows: () => number;
  intervalMs: () => number;
  /** Rows of one key are one row while they wait, so that what waits does not grow with the load. */
  fold?: Fold<R>;
  log: Log;
}

export interface Fold<R> {
  keyOf(row: R): string;
  /** Puts the second into the first. */
  add(into: R, row: R): void;
}

export interface BufferState {
  table: string;
  waiting: number;
  written: number;
  dropped: number;
}

/** Rows that are kept for a database that is away, as a multiple of what is written at once, and at least. */
const KEPT_FACTOR = 10;
const KEPT_MIN = 10_000;
const RETRY_MS = 1000;
/** A stop that finds the database away does not wait for ever. */
const STOP_ATTEMPTS = 3;

export class WriteBuffer<R> implements AsyncDisposable {
  readonly #options: WriteBufferOptions<R>;
  #rows: R[] = [];
  /** Of what waits since the last write began. */
  #byKey = new Map<string, R>();
  #pushed = 0;
  #writing: Promise<boolean> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #retryAtMs = 0;
  #written = 0;
  #dropped = 0;
  #isDroppingTold = false;

  constructor(options: WriteBufferOptions<R>) {
    this.#options = options;
    this.#arm(options.intervalMs());
  }

  get state(): BufferState {
    return {
      table: this.#options.table,
      waiting: this.#rows.length,
      written: this.#written,
      dropped: this.#dropped,
    };
  }

  /** On the request path. */
  push(row: R): void {
    if (!this.#isFolded(row)) this.#rows.push(row);
    if (++this.#pushed < this.#options.maxRows()) return;
    if (this.#rows.length > this.#kept) this.#bound();
    if (this.#writing === undefined && performance.now() >= this.#retryAtMs) void this.flush();
  }

  #isFolded(row: R): boolean {
    const { fold } = this.#options;
    if (fold === undefined) return false;
    const key = fold.keyOf(row);
    const known = this.#byKey.get(key);
    if (known === undefined) this.#byKey.set(key, row);
    else fold.add(known, row);
    return known !== undefined;
  }

  /** @returns false when the rows wait still; never rejects */
  flush(): Promise<boolean> {
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
      // What came meanwhile may be enough again.
      if (this.#pushed >= this.#options.maxRows() && performance.now() >= this.#retryAtMs) void this.flush();
    });
    return this.#writing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer);
    for (let attempt = 1; attempt <= STOP_ATTEMPTS; attempt++) {
      // What a write that was under way has left over, and what came meanwhile.
      await this.flush();
      if (this.#rows.length === 0 || (await this.flush())) return;
    }
    const { table, log } = this.#options;
    log.error({ table, lost: this.#rows.length }, 'records are lost: the database was away at the stop');
    this.#dropped += this.#rows.length;
    this.#take();
  }

  #take(): void {
    this.#rows = [];
    this.#byKey = new Map();
    this.#pushed = 0;
  }

  async #write(): Promise<boolean> {
    const rows = this.#rows;
    if (rows.length === 0) return true;
    this.#take();
    const { table, write, log } = this.#options;
    try {
      await write(rows);
      this.#written += rows.length;
      this.#isDroppingTold = false;
      return true;
    } catch (error) {
      if (error instanceof GatewayError && error.code === 'GW_DATABASE_UNAVAILABLE') {
        this.#rows = rows.concat(this.#rows);
        this.#retryAtMs = performance.now() + RETRY_MS;
        this.#bound();
        this.#arm(Math.min(RETRY_MS, this.#options.intervalMs()));
      } else {
        // Written again it would fail again, and hold up all that follows.
        this.#dropped += rows.length;
        log.error({ table, lost: rows.length, error: String(error) }, 'records are lost: they could not be written');
      }
      return false;
    }
  }

  get #kept(): number {
    return Math.max(KEPT_MIN, KEPT_FACTOR * this.#options.maxRows());
  }

  #bound(): void {
    const over = this.#rows.length - this.#kept;
    if (over <= 0) return;
    // The oldest: what is folded into is among them only when that much is new.
    for (const row of this.#rows.splice(0, over)) this.#forget(row);
    this.#dropped += over;
    if (this.#isDroppingTold) return;
    this.#isDroppingTold = true;
    this.#options.log.warn({ table: this.#options.table }, 'records are dropped: the database is away for too long');
  }

  #forget(row: R): void {
    const key = this.#options.fold?.keyOf(row);
    if (key !== undefined && this.#byKey.get(key) === row) this.#byKey.delete(key);
  }

  #arm(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#arm(this.#options.intervalMs());
      void this.flush();
    }, ms).unref();
  }
}
