// PostgreSQL through `pg`, with the pool of pool.ts.
import { Kysely, PostgresDialect, type PostgresPoolClient } from 'kysely';
import type { Config } from '../config.ts';
import type { DatabaseObserver } from '../telemetry/database-observer.ts';
import { oneByOne } from './batch.ts';
import type { Connection, Log } from './connection.ts';
import { isConnectFailure } from './failure.ts';
import { toKyselyLog } from './observe.ts';
import { Pool, type PoolSettings } from './pool.ts';
import { openPostgresClient, type PostgresClient, type Route, toRoute } from './postgres-client.ts';
import { withRetries } from './retry.ts';
import { createStatementNames } from './statement-names.ts';
import type { Database } from './tables.ts';

/** A request that finds the database away tries again for this long: a restart may be over, an answer must not take a second. */
const SERVING_BUDGET_MS = 600;
const SERVING_INTERVAL_MS = 50;
const PAUSE_MAX_MS = 30_000;

/** The pool that serves requests. @param url DATABASE_URL or that of a replica */
export function connectPostgres(
  config: Config,
  url: string,
  log: Log,
  observer: DatabaseObserver | undefined,
): Connection {
  const route = toRoute(config);
  const toName = createStatementNames(() => config.DB_PREPARE_THRESHOLD);
  const open = () => openPostgresClient({ config, url: toPgUrl(url), route, deadlines: true, toName, broke });
  const pool: Pool<PostgresClient> = createPool(config, observer, () =>
    withRetries(open, {
      retries: config.DB_MAX_RETRIES,
      intervalMs: Math.min(SERVING_INTERVAL_MS, config.DB_RETRY_INTERVAL_MS),
      pauseMaxMs: config.DB_RETRY_INTERVAL_MS,
      budgetMs: SERVING_BUDGET_MS,
      isWorthIt: isConnectFailure,
    }),
  );
  function broke(client: PostgresClient, error: Error | undefined): void {
    if (error !== undefined) log.warn({ error: error.message }, 'a database connection broke');
    pool.forget(client);
  }
  return toConnection(pool, observer, route);
}

/**
 * For migrations: no deadline for a statement, since another process may hold the lock for as long as its migration takes;
 * and a database that is not up yet is waited for.
 */
export function connectPostgresForMigration(config: Config, log: Log): Connection {
  const route = toRoute(config);
  const url = toPgUrl(config.DATABASE_URL);
  const open = () =>
    openPostgresClient({ config, url, route, deadlines: false, toName: () => undefined, broke: () => undefined });
  const plan = {
    retries: config.DB_MAX_RETRIES,
    intervalMs: config.DB_RETRY_INTERVAL_MS,
    pauseMaxMs: PAUSE_MAX_MS,
    budgetMs: Number.POSITIVE_INFINITY,
    isWorthIt: isConnectFailure,
    failed: (error: unknown, pauseMs: number) =>
      log.warn({ error: String(error), pauseMs: Math.round(pauseMs) }, 'the database cannot be reached yet'),
  };
  const settings: PoolSettings = { ...config, DB_POOL_CLASS: 'queue', DB_POOL_SIZE: 1, DB_MAX_OVERFLOW: 1 };
  return toConnection(
    createPool(settings, undefined, () => withRetries(open, plan)),
    undefined,
    route,
  );
}

/** SQLAlchemy names the driver in the scheme. */
function toPgUrl(url: string): string {
  return url.replace(/^postgres(ql)?(\+psycopg[0-9]?)?:/, 'postgresql:');
}

function createPool(
  settings: PoolSettings,
  observer: DatabaseObserver | undefined,
  open: () => Promise<PostgresClient>,
): Pool<PostgresClient> {
  return new Pool({
    settings,
    open,
    close: (client) => client.close(),
    isBroken: (client) => client.isBroken,
    check: async (client) => void (await client.query('select 1', [])),
    nowMs: () => performance.now(),
    waited: (startedAt, endedAt) => observer?.waited(startedAt, endedAt),
  });
}

function toConnection(pool: Pool<PostgresClient>, observer: DatabaseObserver | undefined, route: Route): Connection {
  const connect = async (): Promise<PostgresPoolClient> => {
    const client = await pool.acquire();
    // Kysely's second signature of `query` is for cursors, which are not used; the rows have the type that Kysely asks for.
    return {
      query: (text: string, values: readonly unknown[]) => client.query(text, values),
      release: () => pool.release(client),
    } as unknown as PostgresPoolClient;
  };
  const kyselyLog = toKyselyLog(observer);
  const db = new Kysely<Database>({
    dialect: new PostgresDialect({ pool: { connect, end: async () => pool.end() } }),
    ...(kyselyLog === undefined ? {} : { log: kyselyLog }),
  });
  async function withClient<T>(use: (client: PostgresClient) => Promise<T>): Promise<T> {
    const client = await pool.acquire();
    try {
      return await use(client);
    } finally {
      pool.release(client);
    }
  }
  return {
    db,
    ping: () => withClient(async (client) => void (await client.query('select 1', []))),
    batch: (queries) =>
      // A pooler lends a server connection per transaction and need not expect the next before it has answered.
      route.isPooled ? oneByOne(db, queries) : withClient((client) => client.pipelined(queries)),
    copy: (table, rows) => withClient((client) => client.copy(table, rows)),
    pool: () => pool.state(),
    resized: () => pool.resized(),
    async [Symbol.asyncDispose]() {
      await db.destroy();
      pool.end(); // Kysely ends the pool only when it was asked something
    },
  };
}
