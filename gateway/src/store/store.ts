// The database behind the gateway. Opening it runs the migrations; every failure comes out as one of our errors.
import type {
  Compilable,
  Insertable,
  Kysely,
  KyselyPlugin,
  PluginTransformQueryArgs,
  PluginTransformResultArgs,
  QueryResult,
  RootOperationNode,
  Transaction,
  UnknownRow,
} from 'kysely';
import type { Config } from '../config.ts';
import { type DatabaseObserver, joinObservers } from '../telemetry/database-observer.ts';
import { type BatchRows, runBatch } from './batch.ts';
import { COPY_FROM_ROWS, insertByValues, type TableName } from './bulk-insert.ts';
import type { Connection, Log } from './connection.ts';
import { connect, connectReplicas } from './dialect.ts';
import { isConflict, toGatewayError } from './failure.ts';
import type { PoolState } from './pool.ts';
import { QueryLog } from './query-log.ts';
import type { Replicas } from './replicas.ts';
import type { Database } from './tables.ts';

export type { Log } from './connection.ts';
export type { PoolState } from './pool.ts';

export interface Store extends AsyncDisposable {
  /** Runs queries outside a transaction. @throws GW_DATABASE_UNAVAILABLE, GW_CONFLICT, GW_INVALID_REQUEST */
  query<T>(run: (db: Kysely<Database>) => Promise<T>): Promise<T>;
  /** Runs queries in one transaction: all or nothing. Never wait for anything but the database inside. */
  transaction<T>(run: (db: Transaction<Database>) => Promise<T>): Promise<T>;
  /** Statements that do not depend on each other, in one transaction and in one round trip. */
  batch<const Q extends readonly Compilable<unknown>[]>(build: (db: Kysely<Database>) => Q): Promise<BatchRows<Q>>;
  /** All rows or none, by COPY where that is faster. Every row has the same columns. */
  bulkInsert<T extends TableName>(table: T, rows: readonly Insertable<Database[T]>[]): Promise<void>;
  /** As `query`, for lists: a read replica may answer, whose data may be DATABASE_REPLICA_MAX_LAG old. Never for writes. */
  read<T>(run: (db: Kysely<Database>) => Promise<T>): Promise<T>;
  /** Another process has written: for a while lists are read where it wrote. */
  wroteElsewhere(): void;
  /** For /ready: asks the database unless it has just answered. @throws GW_DATABASE_UNAVAILABLE within two seconds */
  ping(): Promise<void>;
  pool(): PoolState;
  /** DB_POOL_SIZE and DB_MAX_OVERFLOW from now on; connections in use are closed when they come back. */
  resize(size: number, overflow: number): void;
  /** Where DB_QUERY_LOG_ENABLED is on. */
  queryLog: QueryLog | undefined;
}

/**
 * Several processes may open the same database at once: the migrations run under a lock.
 * @param observer told of every wait for a connection and of every statement; undefined: nothing is timed
 * @throws GW_DATABASE_UNAVAILABLE, GW_CONFIG_INVALID (SQLite without better-sqlite3)
 */
export async function openStore(config: Config, log: Log, observer?: DatabaseObserver): Promise<Store> {
  const queryLog = config.DB_QUERY_LOG_ENABLED ? new QueryLog(log, () => config.DB_QUERY_LOG_N1_THRESHOLD) : undefined;
  try {
    const observers = joinObservers([observer, queryLog]);
    const primary = await connect(config, log, observers);
    const replicas = await connectReplicas(config, primary, log, observers);
    return createStore(primary, replicas, config, queryLog);
  } catch (error) {
    throw toGatewayError(error);
  }
}

const PING_DEADLINE_MS = 2000;
/** An answer within this time shows that the database is there: no connection is taken to ask again. */
const ANSWERED_LATELY_MS = 1000;

function createStore(
  connection: Connection,
  replicas: Replicas | undefined,
  config: Config,
  queryLog: QueryLog | undefined,
): Store {
  const writes = new WriteCount();
  const db = replicas === undefined ? connection.db : connection.db.withPlugin(writes);
  let answeredAtMs = Number.NEGATIVE_INFINITY;
  let pinging: Promise<void> | undefined;

  async function guarded<T>(run: () => Promise<T>): Promise<T> {
    const { count } = writes;
    try {
      const result = await run();
      answeredAtMs = performance.now();
      return result;
    } catch (error) {
      const told = toGatewayError(error);
      if (isGone(told)) answeredAtMs = Number.NEGATIVE_INFINITY;
      throw told;
    } finally {
      if (writes.count !== count) replicas?.wrote();
    }
  }

  async function read<T>(run: (db: Kysely<Database>) => Promise<T>): Promise<T> {
    const replica = replicas?.pick();
    if (replica === undefined) return await guarded(() => run(db));
    try {
      return await run(replica.db);
    } catch (error) {
      const told = toGatewayError(error);
      if (isGone(told)) replicas?.leaveOut(replica, error);
      // A conflict says nothing against the replica: the next list may well be its.
      else if (!isConflict(error)) throw told;
      return await guarded(() => run(db));
    }
  }

  return {
    read,
    wroteElsewhere: () => replicas?.wrote(),
    query: (run) => guarded(() => run(db)),
    transaction: (run) => guarded(() => db.transaction().execute(run)),
    batch: (build) => guarded(() => runBatch(db, connection.batch, build)),
    bulkInsert: (table, rows) =>
      guarded(() =>
        connection.copy === undefined || rows.length < COPY_FROM_ROWS
          ? insertByValues(db, table, rows)
          : connection.copy(table, rows).finally(() => replicas?.wrote()),
      ),
    async ping() {
      if (performance.now() - answeredAtMs < ANSWERED_LATELY_MS) return;
      // However many ask at once, one connection is enough to know.
      pinging ??= guarded(() => withDeadline(connection.ping())).finally(() => {
        pinging = undefined;
      });
      await pinging;
    },
    pool: () => connection.pool(),
    resize(size, overflow) {
      config.DB_POOL_SIZE = size;
      config.DB_MAX_OVERFLOW = overflow;
      connection.resized();
    },
    queryLog,
    async [Symbol.asyncDispose]() {
      await replicas?.[Symbol.asyncDispose]();
      await connection[Symbol.asyncDispose]();
    },
  };
}

/** Counts what is no `select`: whoever has written must not be sent to a replica. */
class WriteCount implements KyselyPlugin {
  count = 0;
  transformQuery({ node }: PluginTransformQueryArgs): RootOperationNode {
    if (node.kind !== 'SelectQueryNode') this.count += 1;
    return node;
  }
  async transformResult({ result }: PluginTransformResultArgs): Promise<QueryResult<UnknownRow>> {
    return result;
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'GW_DATABASE_UNAVAILABLE';
}

async function withDeadline(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${PING_DEADLINE_MS} ms`)), PING_DEADLINE_MS);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
