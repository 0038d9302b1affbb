// PostgreSQL through `pg`, and its connections.
import { createHash } from 'node:crypto';
import { Kysely, PostgresDialect, type PostgresPool, type PostgresPoolClient } from 'kysely';
import pg from 'pg';
import type { Config } from '../config.ts';
import type { DatabaseObserver } from '../telemetry/database-observer.ts';
import type { Connection, Log } from './connection.ts';
import { toKyselyLog } from './observe.ts';
import type { Database } from './tables.ts';

export function connectPostgres(config: Config, log: Log, observer: DatabaseObserver | undefined): Connection {
  const statementTimeoutMs = Math.round(config.DB_STATEMENT_TIMEOUT * 1000);
  return createConnection(
    new pg.Pool({
      ...server(config),
      min: config.DB_POOL_SIZE,
      max: config.DB_POOL_SIZE + config.DB_MAX_OVERFLOW,
      connectionTimeoutMillis: Math.round(config.DB_POOL_TIMEOUT * 1000),
      maxLifetimeSeconds: config.DB_POOL_RECYCLE,
      statement_timeout: statementTimeoutMs,
      query_timeout: statementTimeoutMs, // for a server that hangs and so cannot keep its own deadline
      idle_in_transaction_session_timeout: 2 * statementTimeoutMs,
    }),
    config,
    log,
    observer,
  );
}

/** For migrations: no deadline for a statement, since another process may hold the lock for as long as its migration takes. */
export function connectPostgresForMigration(config: Config, log: Log): Connection {
  return createConnection(new pg.Pool({ ...server(config), max: 2 }), config, log, undefined);
}

function server(config: Config): pg.PoolConfig {
  const connectTimeoutMs = Math.round(config.DB_CONNECT_TIMEOUT * 1000);
  return {
    connectionString: config.DATABASE_URL.replace(/^postgres(ql)?(\+psycopg[0-9]?)?:/, 'postgresql:'),
    application_name: 'gatebench-gateway',
    keepAlive: true,
    // pg-pool and the client share the name of one option: the wait for a free connection is longer than a connect may take.
    Client: class extends pg.Client {
      constructor(options?: pg.ClientConfig) {
        super({ ...options, connectionTimeoutMillis: connectTimeoutMs });
      }
    },
  } as pg.PoolConfig;
}

function createConnection(pool: pg.Pool, config: Config, log: Log, observer: DatabaseObserver | undefined): Connection {
  // An idle connection that breaks must not end the process: the pool drops it and opens another when asked.
  pool.on('error', (error) => log.warn({ error: error.message }, 'an idle database connection broke'));
  const toName = config.DB_PREPARED_STATEMENTS ? createStatementNames() : () => undefined;
  const kyselyPool: PostgresPool = {
    connect: async () => toPoolClient(await (observer === undefined ? pool.connect() : wait(pool, observer)), toName),
    end: () => pool.end(),
  };
  const kyselyLog = toKyselyLog(observer);
  const db = new Kysely<Database>({
    dialect: new PostgresDialect({ pool: kyselyPool }),
    ...(kyselyLog === undefined ? {} : { log: kyselyLog }),
  });
  return {
    db,
    async ping() {
      const client = toPoolClient(await pool.connect(), toName);
      try {
        await client.query('select 1', []);
      } finally {
        client.release();
      }
    },
    pool: () => ({ active: pool.totalCount - pool.idleCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    async [Symbol.asyncDispose]() {
      await db.destroy();
      // Kysely ends the pool only when it was asked something: after nothing but a ping the connection would stay.
      if (!pool.ending) await pool.end();
    },
  };
}

async function wait(pool: pg.Pool, observer: DatabaseObserver): Promise<pg.PoolClient> {
  const startedAt = performance.now();
  const client = await pool.connect();
  observer.waited(startedAt, performance.now());
  return client;
}

type ToName = (text: string) => string | undefined;

const NAMED_STATEMENTS_MAX = 200;

/** Names for statements, so that PostgreSQL parses and plans each once per connection; bounded, since texts could vary. */
function createStatementNames(): ToName {
  const names = new Map<string, string>();
  return (text) => {
    let name = names.get(text);
    if (name === undefined && names.size < NAMED_STATEMENTS_MAX) {
      name = `gw_${createHash('sha1').update(text).digest('hex').slice(0, 24)}`;
      names.set(text, name);
    }
    return name;
  };
}

/**
 * A connection whose query ran into the client's own deadline is still waiting for that answer, and one that broke while it
 * was lent out says so by an event that ends the process when nobody listens: both are closed when released.
 */
function toPoolClient(client: pg.PoolClient, toName: ToName): PostgresPoolClient {
  let broken: Error | undefined;
  const onError = (error: Error) => {
    broken = error;
  };
  client.on('error', onError);
  async function query(text: string, values: readonly unknown[]): Promise<pg.QueryResult> {
    const name = values.length > 0 ? toName(text) : undefined;
    try {
      return await client.query({ text, values: [...values], ...(name === undefined ? {} : { name }) });
    } catch (error) {
      if (error instanceof Error && error.message === 'Query read timeout') broken = error;
      throw error;
    }
  }
  function release(): void {
    client.off('error', onError);
    client.release(broken);
  }
  // Kysely's second signature of `query` is for cursors, which are not used; the rows have the type that Kysely asks for.
  return { query, release } as unknown as PostgresPoolClient;
}
