// Connections, lent one at a time: a number that stays open, an overflow for rushes, a queue in order of arrival. Knows nothing
// of PostgreSQL. Every number is read when it is used, so that all of them can change while the gateway runs.
import type { Config } from '../config.ts';

export type PoolSettings = Pick<
  Config,
  'DB_POOL_CLASS' | 'DB_POOL_SIZE' | 'DB_MAX_OVERFLOW' | 'DB_POOL_TIMEOUT' | 'DB_POOL_RECYCLE' | 'DB_POOL_PRE_PING'
>;

export interface PoolOptions<C> {
  settings: PoolSettings;
  open: () => Promise<C>;
  /** Must not throw and is not waited for. */
  close: (connection: C) => void;
  isBroken: (connection: C) => boolean;
  /** One round trip, for DB_POOL_PRE_PING; rejects when the connection is dead. */
  check: (connection: C) => Promise<void>;
  /** Monotonic milliseconds. */
  nowMs: () => number;
  /** Told how long each loan was waited for: for a connection to come free, to be opened or to be checked. */
  waited: (startedAtMs: number, endedAtMs: number) => void;
}

export interface PoolState {
  /** Connections that stay open when there is nothing to do (DB_POOL_SIZE). */
  size: number;
  active: number;
  idle: number;
  /** Requests without a connection yet. */
  waiting: number;
  /** Connections that are open beyond `size`. */
  overflow: number;
}

interface Slot<C> {
  connection: C;
  openedAtMs: number;
  idleSinceMs: number;
}

interface Waiter<C> {
  resolve: (slot: Slot<C>) => void;
  reject: (error: unknown) => void;
  timer: NodeJS.Timeout;
}

const OVERFLOW_IDLE_MS = 10_000;

export class Pool<C> {
  readonly #options: PoolOptions<C>;
  readonly #lent = new Map<C, Slot<C>>();
  readonly #idle: Slot<C>[] = [];
  readonly #waiters: Waiter<C>[] = [];
  /** Idle, lent, and those that are being opened or checked. */
  #count = 0;
  #isEnded = false;
  #sweep: NodeJS.Timeout | undefined;

  constructor(options: PoolOptions<C>) {
    this.#options = options;
  }

  /** @throws what `open` throws; an error when none comes free within DB_POOL_TIMEOUT */
  async acquire(): Promise<C> {
    if (this.#isEnded) throw new Error('driver has already been destroyed');
    const { nowMs, waited } = this.#options;
    const startMs = nowMs();
    const slot = await this.#take();
    this.#lent.set(slot.connection, slot);
    waited(startMs, nowMs());
    return slot.connection;
  }

  release(connection: C): void {
    const slot = this.#lent.get(connection);
    if (slot === undefined) return;
    this.#lent.delete(connection);
    if (this.#isEnded || this.#isNull || this.#count > this.#max || !this.#isGood(slot)) {
      this.#drop(slot);
      return;
    }
    const waiter = this.#nextWaiter();
    if (waiter !== undefined) {
      waiter.resolve(slot);
      return;
    }
    slot.idleSinceMs = this.#options.nowMs();
    this.#idle.push(slot);
    if (this.#count > this.#options.settings.DB_POOL_SIZE) this.#sweepLater();
  }

  /** An idle connection was closed from outside: it is not kept. One that is lent is dropped when it comes back. */
  forget(connection: C): void {
    const at = this.#idle.findIndex((slot) => slot.connection === connection);
    const [slot] = at === -1 ? [] : this.#idle.splice(at, 1);
    if (slot !== undefined) this.#drop(slot);
  }

  /** The sizes in the settings were changed: closes what is too much and idle, opens for those who wait. */
  resized(): void {
    this.#closeIdle((slot) => slot !== undefined && this.#count > this.#max);
    this.#sweepLater();
    this.#serveWaiters();
  }

  state(): PoolState {
    const size = this.#isNull ? 0 : this.#options.settings.DB_POOL_SIZE;
    return {
      size,
      active: this.#count - this.#idle.length,
      idle: this.#idle.length,
      waiting: this.#waiters.length,
      overflow: Math.max(0, this.#count - size),
    };
  }

  /** Idle connections are closed now, lent ones when they come back. */
  end(): void {
    this.#isEnded = true;
    clearTimeout(this.#sweep);
    this.#closeIdle(() => true);
    this.#rejectWaiters(new Error('driver has already been destroyed'));
  }

  get #isNull(): boolean {
    return this.#options.settings.DB_POOL_CLASS === 'null';
  }

  get #max(): number {
    const { DB_POOL_SIZE, DB_MAX_OVERFLOW } = this.#options.settings;
    return this.#isNull ? Number.POSITIVE_INFINITY : DB_POOL_SIZE + DB_MAX_OVERFLOW;
  }

  #isGood(slot: Slot<C>): boolean {
    const { settings, nowMs, isBroken } = this.#options;
    if (isBroken(slot.connection)) return false;
    return settings.DB_POOL_RECYCLE === 0 || nowMs() - slot.openedAtMs < settings.DB_POOL_RECYCLE * 1000;
  }

  async #take(): Promise<Slot<C>> {
    // No `await` between looking for an idle one and queueing: what came back in between would not be seen.
    for (let slot = this.#popIdle(); slot !== undefined; slot = this.#popIdle()) {
      if (!this.#options.settings.DB_POOL_PRE_PING || (await this.#answers(slot))) return slot;
      this.#drop(slot);
    }
    return await (this.#count < this.#max ? this.#open() : this.#wait());
  }

  /** The one used last, so that those of a rush get old and are closed. */
  #popIdle(): Slot<C> | undefined {
    for (let slot = this.#idle.pop(); slot !== undefined; slot = this.#idle.pop()) {
      if (this.#isGood(slot)) return slot;
      this.#drop(slot);
    }
    return undefined;
  }

  async #answers(slot: Slot<C>): Promise<boolean> {
    try {
      await this.#options.check(slot.connection);
      return true;
    } catch {
      return false; // it is replaced; when the database is gone, opening another says so
    }
  }

  async #open(): Promise<Slot<C>> {
    this.#count += 1;
    try {
      const connection = await this.#options.open();
      const nowMs = this.#options.nowMs();
      return { connection, openedAtMs: nowMs, idleSinceMs: nowMs };
    } catch (error) {
      this.#count -= 1;
      // With connections lent, one will come back; without any, those who wait would wait in vain.
      if (this.#count === 0) this.#rejectWaiters(error);
      throw error;
    }
  }

  #wait(): Promise<Slot<C>> {
    const timeoutMs = Math.round(this.#options.settings.DB_POOL_TIMEOUT * 1000);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
        const { DB_POOL_SIZE: size, DB_MAX_OVERFLOW: overflow } = this.#options.settings;
        reject(
          new Error(`no connection came free within ${timeoutMs} ms (DB_POOL_SIZE ${size}, overflow ${overflow})`),
        );
      }, timeoutMs);
      const waiter: Waiter<C> = { resolve, reject, timer };
      this.#waiters.push(waiter);
    });
  }

  #nextWaiter(): Waiter<C> | undefined {
    const waiter = this.#waiters.shift();
    clearTimeout(waiter?.timer);
    return waiter;
  }

  #rejectWaiters(error: unknown): void {
    for (let waiter = this.#nextWaiter(); waiter !== undefined; waiter = this.#nextWaiter()) waiter.reject(error);
  }

  #serveWaiters(): void {
    while (!this.#isEnded && this.#count < this.#max) {
      const waiter = this.#nextWaiter();
      if (waiter === undefined) return;
      this.#open().then(waiter.resolve, waiter.reject);
    }
  }

  #drop(slot: Slot<C>): void {
    this.#count -= 1;
    this.#options.close(slot.connection);
    this.#serveWaiters();
  }

  /** From the one that is idle longest on, while `isTooMuch`. */
  #closeIdle(isTooMuch: (oldest: Slot<C> | undefined) => boolean): void {
    while (this.#idle.length > 0 && isTooMuch(this.#idle[0])) {
      const slot = this.#idle.shift();
      if (slot !== undefined) this.#drop(slot);
    }
  }

  #sweepLater(): void {
    if (this.#sweep !== undefined || this.#isEnded) return;
    this.#sweep = setTimeout(() => {
      this.#sweep = undefined;
      const { settings, nowMs } = this.#options;
      const isIdleFor = (slot: Slot<C> | undefined) =>
        slot !== undefined && nowMs() - slot.idleSinceMs >= OVERFLOW_IDLE_MS;
      this.#closeIdle((oldest) => this.#count > settings.DB_POOL_SIZE && isIdleFor(oldest));
      if (this.#count > settings.DB_POOL_SIZE) this.#sweepLater();
    }, OVERFLOW_IDLE_MS).unref();
  }
}
