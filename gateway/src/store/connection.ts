// What the store asks of a database, whichever it is: PostgreSQL (postgres.ts) or SQLite (sqlite.ts).
import type { Kysely } from 'kysely';
import type { RunBatch } from './batch.ts';
import type { PoolState } from './pool.ts';
import type { Database } from './tables.ts';

/** The part of a pino logger that is used below the HTTP edge. */
export interface Log {
  info(detail: object, message: string): void;
  warn(detail: object, message: string): void;
  error(detail: object, message: string): void;
}

export interface Connection extends AsyncDisposable {
  db: Kysely<Database>;
  ping(): Promise<void>;
  /** Undefined where statements cannot be sent together: then they go one by one. */
  batch: RunBatch | undefined;
  /** Undefined where there is no COPY. */
  copy: ((table: string, rows: readonly object[]) => Promise<void>) | undefined;
  pool(): PoolState;
  /** The sizes in the configuration were changed. */
  resized(): void;
}
