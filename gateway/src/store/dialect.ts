// The choice of the database by the scheme of DATABASE_URL.
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import type { DatabaseObserver } from '../telemetry/database-observer.ts';
import type { Connection, Log } from './connection.ts';
import { migrate } from './migrate.ts';
import { connectPostgres, connectPostgresForMigration } from './postgres.ts';
import { Replicas } from './replicas.ts';
import { connectSqlite, isSqlite } from './sqlite.ts';

/** A database that has every migration. */
export async function connect(config: Config, log: Log, observer: DatabaseObserver | undefined): Promise<Connection> {
  // One connection for both: a database in memory lasts as long as its connection.
  if (isSqlite(config.DATABASE_URL)) return await migrated(await connectSqlite(config, observer));
  await using forMigration = connectPostgresForMigration(config, log);
  await migrate(forMigration.db);
  return connectPostgres(config, config.DATABASE_URL, log, observer);
}

async function migrated(connection: Connection): Promise<Connection> {
  try {
    await migrate(connection.db);
    return connection;
  } catch (error) {
    await connection[Symbol.asyncDispose]();
    throw error;
  }
}

/** Undefined without DATABASE_REPLICA_URLS. @throws GW_CONFIG_INVALID for SQLite, which has none */
export async function connectReplicas(
  config: Config,
  primary: Connection,
  log: Log,
  observer: DatabaseObserver | undefined,
): Promise<Replicas | undefined> {
  const urls = config.DATABASE_REPLICA_URLS.split(',')
    .map((url) => url.trim())
    .filter((url) => url !== '');
  if (urls.length === 0) return undefined;
  if (isSqlite(config.DATABASE_URL) || urls.some(isSqlite)) {
    await primary[Symbol.asyncDispose]();
    throw new GatewayError('GW_CONFIG_INVALID', { detail: 'DATABASE_REPLICA_URLS: SQLite has no replicas' });
  }
  const replicas = urls.map((url) => connectPostgres(config, url, log, observer));
  const all = new Replicas({ primary, replicas, limits: config, log });
  all.check(); // until it has been seen to be good, no replica is asked
  return all;
}
