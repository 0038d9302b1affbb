// Whether an upstream answers, and which headers of clients go on to it.
import type { Kysely } from 'kysely';

export const gatewayHealth = { up, down };

async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('gateways')
    .addColumn('reachable', 'boolean', (column) => column.notNull().defaultTo(true))
    .execute();
  await db.schema.alterTable('gateways').addColumn('passthrough_headers', 'text').execute();
}

async function down(db: Kysely<unknown>): Promise<void> {
  for (const column of ['reachable', 'passthrough_headers']) {
    await db.schema.alterTable('gateways').dropColumn(column).execute();
  }
}
