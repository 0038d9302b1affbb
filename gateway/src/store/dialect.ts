// The choice of the database by the scheme of DATABASE_URL.
import type { Config } from '../config.ts';
import type { DatabaseObserver } from '../telemetry/database-observer.ts';
import type { Connection, Log } from './connection.ts';
import { migrate } from './migrate.ts';
import { connectPostgres, connectPostgresForMigration } from './postgres.ts';
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
