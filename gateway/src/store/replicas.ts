// Read replicas: lists may be answered by one of them, in turn. One that does not answer or lags is left out until it is good
// again; with none left the primary answers. After a write nobody here is sent to a replica for a while: it may not have it yet.
import { sql } from 'kysely';
import type { Connection, Log } from './connection.ts';

export interface ReplicaOptions {
  primary: Connection;
  replicas: Connection[];
  /** Seconds that a replica may lag, and for which after a write the primary answers; read at each use. */
  limits: { readonly DATABASE_REPLICA_MAX_LAG: number; readonly DATABASE_REPLICA_READ_YOUR_WRITES: number };
  log: Log;
}

const CHECK_MS = 1000;
const SAMPLES_KEPT = 700; // ten minutes: a replica that lags more is as good as gone

/** Where the primary's log was, and when. */
export interface LogSample {
  position: bigint;
  atMs: number;
}

/** `16/B374D848`: high and low half, hexadecimal (PostgreSQL's pg_lsn). */
export function parseLogPosition(text: string): bigint {
  const [high = '0', low = '0'] = text.split('/');
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
}

/** Milliseconds since the primary was last where the replica is now; infinite when that is longer than the samples reach. */
export function lagOf(samples: readonly LogSample[], replayed: bigint): number {
  const newest = samples.at(-1);
  const reached = samples.findLast(({ position }) => position <= replayed);
  if (newest === undefined) return 0;
  return reached === undefined ? Number.POSITIVE_INFINITY : newest.atMs - reached.atMs;
}

export class Replicas implements AsyncDisposable {
  readonly #options: ReplicaOptions;
  readonly #good = new Set<Connection>();
  readonly #samples: LogSample[] = [];
  readonly #timer: NodeJS.Timeout;
  #checking: Promise<void> | undefined;
  #turn = 0;
  #wroteAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: ReplicaOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.check(), CHECK_MS).unref();
  }

  /** Undefined: ask the primary. */
  pick(): Connection | undefined {
    const stickMs = this.#options.limits.DATABASE_REPLICA_READ_YOUR_WRITES * 1000;
    if (this.#good.size === 0 || performance.now() - this.#wroteAtMs < stickMs) return undefined;
    this.#turn = (this.#turn + 1) % this.#good.size;
    return [...this.#good][this.#turn];
  }

  /** Something was written, here or (as an invalidation says) by another process. */
  wrote(): void {
    this.#wroteAtMs = performance.now();
  }

  leaveOut(replica: Connection, error: unknown): void {
    if (this.#good.delete(replica)) this.#options.log.warn({ error: String(error) }, 'a read replica is left out');
  }

  /** Never rejects; one at a time. */
  check(): Promise<void> {
    this.#checking ??= this.#checkAll().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#checking;
    for (const replica of this.#options.replicas) await replica[Symbol.asyncDispose]();
  }

  async #checkAll(): Promise<void> {
    try {
      const { rows } = await sql<{ at: string }>`select pg_current_wal_lsn()::text as at`.execute(
        this.#options.primary.db,
      );
      this.#samples.push({ position: parseLogPosition(rows[0]?.at ?? '0/0'), atMs: performance.now() });
      if (this.#samples.length > SAMPLES_KEPT) this.#samples.shift();
    } catch {
      // The primary is away or does not tell: what the replicas have is the newest there is.
    }
    await Promise.all(this.#options.replicas.map((replica) => this.#checkOne(replica)));
  }

  async #checkOne(replica: Connection): Promise<void> {
    try {
      // Null where it is no standby (logical replication, another pooler): then only its answers count.
      const { rows } = await sql<{ at: string | null }>`select pg_last_wal_replay_lsn()::text as at`.execute(
        replica.db,
      );
      const at = rows[0]?.at ?? null;
      const lagMs = at === null ? 0 : lagOf(this.#samples, parseLogPosition(at));
      if (lagMs <= this.#options.limits.DATABASE_REPLICA_MAX_LAG * 1000) this.#good.add(replica);
      else this.leaveOut(replica, new Error(`it lags by ${Math.round(lagMs)} ms`));
    } catch (error) {
      this.leaveOut(replica, error);
    }
  }
}
