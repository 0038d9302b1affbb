// When the processes over this database last did what one of them does for all.
import type { Kysely } from 'kysely';

export const upkeepTurns = { up, down };

async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('upkeep_turns')
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('at_ms', 'bigint', (column) => column.notNull())
    .execute();
}

async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropTable('upkeep_turns').execute();
}
