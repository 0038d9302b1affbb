// The database behind the registry. Opening it runs the migrations; every failure comes out as one of our errors.
import type { Kysely, Transaction } from 'kysely';
import type { Config } from '../config.ts';
import type { DatabaseObserver } from '../telemetry/database-observer.ts';
import type { Connection, Log, PoolState } from './connection.ts';
import { connect } from './dialect.ts';
import { toGatewayError } from './failure.ts';
import type { Database } from './tables.ts';

export type { Log, PoolState } from './connection.ts';

export interface Store extends AsyncDisposable {
  /** Runs queries outside a transaction. @throws GW_DATABASE_UNAVAILABLE, GW_CONFLICT, GW_INVALID_REQUEST */
  query<T>(run: (db: Kysely<Database>) => Promise<T>): Promise<T>;
  /** Runs queries in one transaction: all or nothing. Never wait for anything but the database inside. */
  transaction<T>(run: (db: Transaction<Database>) => Promise<T>): Promise<T>;
  /** One round trip, for /ready. @throws GW_DATABASE_UNAVAILABLE within two seconds */
  ping(): Promise<void>;
  pool(): PoolState;
}

/**
 * Several processes may open the same database at once: the migrations run under a lock.
 * @param observer told of every wait for a connection and of every statement; undefined: nothing is timed
 * @throws GW_DATABASE_UNAVAILABLE, GW_CONFIG_INVALID (SQLite without better-sqlite3)
 */
export async function openStore(config: Config, log: Log, observer?: DatabaseObserver): Promise<Store> {
  try {
    return createStore(await connect(config, log, observer));
  } catch (error) {
    throw toGatewayError(error);
  }
}

const PING_DEADLINE_MS = 2000;

function createStore(connection: Connection): Store {
  return {
    async query(run) {
      try {
        return await run(connection.db);
      } catch (error) {
        throw toGatewayError(error);
      }
    },
    async transaction(run) {
      try {
        return await connection.db.transaction().execute(run);
      } catch (error) {
        throw toGatewayError(error);
      }
    },
    async ping() {
      const deadline = AbortSignal.timeout(PING_DEADLINE_MS);
      const isLate = new Promise<never>((_, reject) => {
        deadline.addEventListener('abort', () => reject(new Error(`no answer within ${PING_DEADLINE_MS} ms`)), {
          once: true,
        });
      });
      try {
        await Promise.race([connection.ping(), isLate]);
      } catch (error) {
        throw toGatewayError(error);
      }
    },
    pool: () => connection.pool(),
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  };
}
