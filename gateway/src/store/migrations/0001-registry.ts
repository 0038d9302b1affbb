// Gateways, what they offer, and virtual servers.
import { type Kysely, sql } from 'kysely';

export const registry = { up, down };

async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('gateways')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('seq', 'bigint', (column) => column.generatedAlwaysAsIdentity().notNull().unique())
    .addColumn('name', 'text', (column) => column.notNull().unique())
    .addColumn('slug', 'text', (column) => column.notNull().unique())
    .addColumn('url', 'text', (column) => column.notNull())
    .addColumn('transport', 'text', (column) => column.notNull())
    .addColumn('description', 'text')
    .addColumn('auth_type', 'text')
    .addColumn('headers_json', 'text', (column) => column.notNull())
    .addColumn('capabilities_json', 'text', (column) => column.notNull())
    .addColumn('enabled', 'boolean', (column) => column.notNull().defaultTo(true))
    .addColumn('last_seen', 'timestamptz', (column) => column.notNull().defaultTo(sql`now()`))
    .addColumn('created_at', 'timestamptz', (column) => column.notNull().defaultTo(sql`now()`))
    .addColumn('updated_at', 'timestamptz', (column) => column.notNull().defaultTo(sql`now()`))
    .execute();

  await db.schema
    .createTable('entries')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('seq', 'bigint', (column) => column.generatedAlwaysAsIdentity().notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('gateway_id', 'text', (column) => column.notNull().references('gateways.id').onDelete('cascade'))
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('original_name', 'text', (column) => column.notNull())
    .addColumn('mcp_json', 'text', (column) => column.notNull())
    .addColumn('discovered', 'boolean', (column) => column.notNull())
    .addColumn('enabled', 'boolean', (column) => column.notNull().defaultTo(true))
    .addColumn('created_at', 'timestamptz', (column) => column.notNull().defaultTo(sql`now()`))
    .addColumn('updated_at', 'timestamptz', (column) => column.notNull().defaultTo(sql`now()`))
    .execute();
  // Paging order of a list, and of the entries of one gateway.
  await db.schema.createIndex('entries_kind_seq').unique().on('entries').columns(['kind', 'seq']).execute();
  await db.schema.createIndex('entries_gateway').on('entries').columns(['gateway_id', 'kind', 'seq']).execute();
  // Virtual servers may name their members by the upstream's own names.
  await db.schema.createIndex('entries_original_name').on('entries').columns(['kind', 'original_name']).execute();
  // Public names identify tools and prompts; a resource is identified by its URI within its gateway.
  await db.schema
    .createIndex('entries_public_name')
    .unique()
    .on('entries')
    .columns(['kind', 'name'])
    .where('kind', 'in', sql`('tools', 'prompts')`)
    .execute();
  await db.schema
    .createIndex('entries_uri')
    .unique()
    .on('entries')
    .columns(['gateway_id', 'kind', 'original_name'])
    .where('kind', 'in', sql`('resources', 'resourceTemplates')`)
    .execute();

  await db.schema
    .createTable('servers')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('seq', 'bigint', (column) => column.generatedAlwaysAsIdentity().notNull().unique())
    .addColumn('name', 'text', (column) => column.notNull().unique())
    .addColumn('description', 'text')
    .addColumn('icon', 'text')
    .addColumn('enabled', 'boolean', (column) => column.notNull().defaultTo(true))
    .addColumn('created_at', 'timestamptz', (column) => column.notNull().defaultTo(sql`now()`))
    .addColumn('updated_at', 'timestamptz', (column) => column.notNull().defaultTo(sql`now()`))
    .execute();

  await db.schema
    .createTable('server_entries')
    .addColumn('server_id', 'text', (column) => column.notNull().references('servers.id').onDelete('cascade'))
    .addColumn('entry_id', 'text', (column) => column.notNull().references('entries.id').onDelete('cascade'))
    .addPrimaryKeyConstraint('server_entries_pkey', ['server_id', 'entry_id'])
    .execute();
  // Deleting an entry must not scan every association.
  await db.schema.createIndex('server_entries_entry').on('server_entries').column('entry_id').execute();
}

async function down(db: Kysely<unknown>): Promise<void> {
  for (const table of ['server_entries', 'servers', 'entries', 'gateways']) await db.schema.dropTable(table).execute();
}
