// What holds for all upstreams and was set while the gateway ran: it outlives a restart, and every instance reads it.
import type { Kysely } from 'kysely';

export const globalConfig = { up, down };

async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('global_config')
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('value_json', 'text', (column) => column.notNull())
    .execute();
}

async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropTable('global_config').execute();
}
