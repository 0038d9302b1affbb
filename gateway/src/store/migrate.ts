// Brings the database to the newest migration. Kysely's migrator takes an advisory lock, so several processes may start at once.
// Its version is exact in package.json: from 0.28.18 on the lock is the session's, which a pooler in transaction mode loses.
import { type Kysely, Migrator } from 'kysely';
import { GatewayError } from '../errors.ts';
import { migrations } from './migrations/index.ts';
import type { Database } from './tables.ts';

/** All migrations that are missing run in one transaction: a start that fails leaves the database as it was. @throws GW_DATABASE_MIGRATIONS */
export async function migrate(db: Kysely<Database>): Promise<void> {
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => migrations },
    migrationTableName: 'gateway_migrations',
    migrationLockTableName: 'gateway_migrations_lock',
  });
  const { error } = await migrator.migrateToLatest();
  // Kysely tells by message only: one that has run is not known here, or another comes before it.
  if (error instanceof Error && error.message.startsWith('corrupted migrations:')) {
    throw new GatewayError('GW_DATABASE_MIGRATIONS', { detail: error.message, cause: error });
  }
  if (error !== undefined) throw error;
}
