// What the store asks of a database, whichever it is: PostgreSQL (postgres.ts) or SQLite (sqlite.ts).
import type { Kysely } from 'kysely';
import type { Database } from './tables.ts';

/** The part of a pino logger that is used below the HTTP edge. */
export interface Log {
  info(detail: object, message: string): void;
  warn(detail: object, message: string): void;
  error(detail: object, message: string): void;
}

/** Connections of the pool, for /metrics and the administrator. */
export interface PoolState {
  active: number;
  idle: number;
  waiting: number;
}

export interface Connection extends AsyncDisposable {
  db: Kysely<Database>;
  ping(): Promise<void>;
  pool(): PoolState;
}
