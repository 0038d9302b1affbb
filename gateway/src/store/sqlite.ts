// SQLite through better-sqlite3, behind the same door as PostgreSQL. Its calls are synchronous: a statement holds the whole
// process while it runs, so this is for development and small installations.
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type BetterSqlite3 from 'better-sqlite3';
import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  Kysely,
  type QueryResult,
  SqliteIntrospector,
} from 'kysely';
import { LRUCache } from 'lru-cache';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import type { DatabaseObserver } from '../telemetry/database-observer.ts';
import type { Connection } from './connection.ts';
import { toKyselyLog } from './observe.ts';
import type { PoolState } from './pool.ts';
import { PortableSqliteCompiler, TransactionalSqliteAdapter } from './sqlite-compiler.ts';
import { readerOf, toSqlite, toSqliteText } from './sqlite-values.ts';
import type { Database } from './tables.ts';

export function isSqlite(databaseUrl: string): boolean {
  return databaseUrl.startsWith('sqlite:');
}

/** As SQLAlchemy writes them: `sqlite:///relative.db`, `sqlite:////absolute.db`, `sqlite://` in memory. */
export function toSqlitePath(databaseUrl: string): string {
  const path = databaseUrl.replace(/^sqlite:(\/\/\/?)?/, '').replace(/\?.*$/, '');
  return path === '' ? ':memory:' : decodeURIComponent(path);
}

/** @throws GW_CONFIG_INVALID when better-sqlite3 is not installed; GW_DATABASE_UNAVAILABLE when the file cannot be opened */
export async function connectSqlite(config: Config, observer: DatabaseObserver | undefined): Promise<Connection> {
  const Sqlite = await load();
  const file = openFile(Sqlite, toSqlitePath(config.DATABASE_URL), config.DB_SQLITE_BUSY_TIMEOUT);
  file.pragma('busy_timeout = 0'); // from here on the driver waits, not SQLite
  file.pragma('synchronous = NORMAL'); // safe with WAL; at a power failure the last transactions may be lost, never the file
  file.pragma('foreign_keys = ON');
  file.function('date_trunc', { deterministic: true }, (unit, time) => truncate(String(unit), String(time)));
  const driver = new SqliteDriver(file, config, observer);
  const kyselyLog = toKyselyLog(observer);
  const db = new Kysely<Database>({
    dialect: {
      createAdapter: () => new TransactionalSqliteAdapter(),
      createDriver: () => driver,
      createIntrospector: (kysely) => new SqliteIntrospector(kysely),
      createQueryCompiler: () => new PortableSqliteCompiler(),
    },
    ...(kyselyLog === undefined ? {} : { log: kyselyLog }),
  });
  return {
    db,
    ping: async () => void file.prepare('select 1').get(),
    batch: undefined,
    copy: undefined,
    pool: () => driver.state(),
    resized: () => undefined, // there is one connection, whatever the sizes say
    async [Symbol.asyncDispose]() {
      await db.destroy();
      file.close();
    },
  };
}

function openFile(Sqlite: typeof BetterSqlite3, path: string, timeout: number): BetterSqlite3.Database {
  try {
    const file = new Sqlite(path, { timeout });
    file.pragma('journal_mode = WAL'); // readers of other processes are not stopped by a writer
    return file;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new GatewayError('GW_DATABASE_UNAVAILABLE', { detail: `${resolve(path)}: ${reason}`, cause: error });
  }
}

async function load(): Promise<typeof BetterSqlite3> {
  try {
    return (await import('better-sqlite3')).default;
  } catch (error) {
    const detail = 'DATABASE_URL names SQLite, and better-sqlite3 is not installed: `npm install better-sqlite3`';
    throw new GatewayError('GW_CONFIG_INVALID', { detail, cause: error });
  }
}

const units = ['year', 'month', 'day', 'hour', 'minute', 'second'];
const zeros = ['0000', '-01', '-01', 'T00', ':00', ':00'];

/** PostgreSQL's date_trunc, for times as they are kept here. */
function truncate(unit: string, time: string): string {
  const kept = units.indexOf(unit);
  if (kept === -1) throw new Error(`date_trunc: ${unit} is none of ${units.join(', ')}`);
  const parts = [
    time.slice(0, 4),
    time.slice(4, 7),
    time.slice(7, 10),
    time.slice(10, 13),
    time.slice(13, 16),
    time.slice(16, 19),
  ];
  return `${parts.map((part, at) => (at <= kept ? part : zeros[at])).join('')}.000Z`;
}

const STATEMENTS_KEPT = 500;
const BUSY_PAUSE_MS = 5;

interface Statement {
  run(parameters: readonly unknown[]): QueryResult<unknown>;
}

/** One connection, lent to one at a time; who comes later waits in order. */
class SqliteDriver implements Driver {
  readonly #file: BetterSqlite3.Database;
  readonly #statements = new LRUCache<string, Statement>({ max: STATEMENTS_KEPT });
  readonly #waiting: (() => void)[] = [];
  readonly #connection: DatabaseConnection;
  readonly #observer: DatabaseObserver | undefined;
  #isLent = false;

  constructor(
    file: BetterSqlite3.Database,
    config: Pick<Config, 'DB_SQLITE_BUSY_TIMEOUT'>,
    observer: DatabaseObserver | undefined,
  ) {
    this.#file = file;
    this.#observer = observer;
    this.#connection = {
      executeQuery: async <R>({ sql, parameters }: CompiledQuery) =>
        (await this.#whenFree(
          () => this.#statement(sql).run(parameters),
          config.DB_SQLITE_BUSY_TIMEOUT,
        )) as QueryResult<R>,
      streamQuery: () => {
        throw new Error('streaming is not used');
      },
    };
  }

  state(): PoolState {
    return {
      size: 1,
      overflow: 0,
      active: this.#isLent ? 1 : 0,
      idle: this.#isLent ? 0 : 1,
      waiting: this.#waiting.length,
    };
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    const startMs = performance.now();
    if (this.#isLent) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#isLent = true;
    this.#observer?.waited(startMs, performance.now());
    return this.#connection;
  }

  async releaseConnection(): Promise<void> {
    const next = this.#waiting.shift();
    if (next === undefined) this.#isLent = false;
    else next();
  }

  /** `immediate`: the right to write is had from the start, so no statement in the middle can find it taken. */
  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('commit'));
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (this.#file.inTransaction) await connection.executeQuery(CompiledQuery.raw('rollback'));
  }

  async destroy(): Promise<void> {}

  /** Another process writes: SQLite would wait inside its call and hold this whole process, so the waiting is done here. */
  async #whenFree<T>(run: () => T, busyTimeoutMs: number): Promise<T> {
    for (const lateMs = performance.now() + busyTimeoutMs; ; ) {
      try {
        return run();
      } catch (error) {
        if (!isBusy(error) || performance.now() > lateMs) throw error;
        await sleep(BUSY_PAUSE_MS);
      }
    }
  }

  #statement(text: string): Statement {
    const known = this.#statements.get(text);
    if (known !== undefined) return known;
    const made = prepare(this.#file, toSqliteText(text));
    this.#statements.set(text, made);
    return made;
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_BUSY');
}

function prepare(file: BetterSqlite3.Database, text: string): Statement {
  const statement = file.prepare<unknown[], Record<string, unknown>>(text);
  if (!statement.reader) {
    return {
      run(parameters) {
        const { changes } = statement.run(...parameters.map(toSqlite));
        return { numAffectedRows: BigInt(changes), rows: [] };
      },
    };
  }
  const readers = statement.columns().flatMap((column) => {
    const read = readerOf(column, isIdentity(file, column));
    return read === undefined ? [] : [[column.name, read] as const];
  });
  return {
    run(parameters) {
      const rows = statement.all(...parameters.map(toSqlite));
      for (const row of rows) {
        for (const [name, read] of readers) if (row[name] !== null) row[name] = read(row[name]);
      }
      // For `insert … returning` and its kin: what came back is what was written.
      return { numAffectedRows: BigInt(rows.length), rows };
    },
  };
}

/** Identity columns are SQLite's primary key (sqlite-compiler.ts). */
function isIdentity(file: BetterSqlite3.Database, { table, column, type }: BetterSqlite3.ColumnDefinition): boolean {
  if (table === null || column === null || type?.toLowerCase() !== 'integer') return false;
  const known = file.prepare<unknown[], { pk: number }>('select pk from pragma_table_info(?) where name = ?');
  return known.get(table, column)?.pk === 1;
}
