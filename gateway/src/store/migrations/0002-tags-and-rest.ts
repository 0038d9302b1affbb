// Tags on everything that is registered; tools that are HTTP APIs instead of an upstream's.
import { type Kysely, sql } from 'kysely';

export const tagsAndRest = { up, down };

const tagged = ['gateways', 'entries', 'servers'];
const restColumns = ['rest_url', 'rest_method', 'rest_headers'];

/** The gateway that tools of their own belong to: nobody registers it, and no list shows it. */
export const REST_GATEWAY_ID = 'rest';

async function up(db: Kysely<unknown>): Promise<void> {
  for (const table of tagged) {
    await db.schema
      .alterTable(table)
      .addColumn('tags', 'text', (column) => column.notNull().defaultTo('[]'))
      .execute();
  }
  for (const column of restColumns) await db.schema.alterTable('entries').addColumn(column, 'text').execute();
  await sql`
    insert into gateways (id, name, slug, url, transport, headers_json, capabilities_json)
    values (${REST_GATEWAY_ID}, ' rest', ' rest', '', 'REST', '{}', '{}')`.execute(db);
}

async function down(db: Kysely<unknown>): Promise<void> {
  await sql`delete from gateways where id = ${REST_GATEWAY_ID}`.execute(db);
  for (const column of restColumns) await db.schema.alterTable('entries').dropColumn(column).execute();
  for (const table of tagged) await db.schema.alterTable(table).dropColumn('tags').execute();
}
