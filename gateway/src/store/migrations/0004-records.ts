// What the gateway writes down of its work. Times are milliseconds since 1970 (bigint): both databases compute with them alike.
// No foreign keys: a record outlives what it speaks of, and a bulk of records must not fail for one entry that was deleted.
import type { CreateTableBuilder, Kysely } from 'kysely';

export const records = { up, down };

async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('entry_executions')
    .addColumn('entry_id', 'text', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('error_code', 'text')
    .addColumn('executions', 'bigint', (column) => column.notNull())
    .addColumn('sum_ms', 'double precision', (column) => column.notNull())
    .addColumn('min_ms', 'double precision', (column) => column.notNull())
    .addColumn('max_ms', 'double precision', (column) => column.notNull())
    .addColumn('at_ms', 'bigint', (column) => column.notNull())
    .execute();
  // Figures of one entry; foldings and deletions by age.
  await db.schema.createIndex('entry_executions_entry').on('entry_executions').columns(['entry_id', 'at_ms']).execute();
  await db.schema.createIndex('entry_executions_at').on('entry_executions').column('at_ms').execute();

  await db.schema
    .createTable('entry_execution_hours')
    .addColumn('entry_id', 'text', (column) => column.notNull())
    .addColumn('hour_ms', 'bigint', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('successes', 'bigint', (column) => column.notNull())
    .addColumn('failures', 'bigint', (column) => column.notNull())
    .addColumn('sum_ms', 'double precision', (column) => column.notNull())
    .addColumn('min_ms', 'double precision', (column) => column.notNull())
    .addColumn('max_ms', 'double precision', (column) => column.notNull())
    .addColumn('last_at_ms', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('entry_execution_hours_pkey', ['entry_id', 'hour_ms'])
    .execute();
  await db.schema.createIndex('entry_execution_hours_hour').on('entry_execution_hours').column('hour_ms').execute();

  await createJournal(db, 'audit_trail', (table) =>
    table
      .addColumn('user_id', 'text', notNull)
      .addColumn('action', 'text', notNull)
      .addColumn('resource_type', 'text', notNull)
      .addColumn('before_id', 'text')
      .addColumn('after_id', 'text')
      .addColumn('resource_name', 'text')
      .addColumn('method', 'text', notNull)
      .addColumn('path', 'text', notNull)
      .addColumn('status', 'integer', notNull)
      .addColumn('client_ip', 'text')
      .addColumn('correlation_id', 'text'),
  );
  await db.schema.createIndex('audit_trail_user').on('audit_trail').columns(['user_id', 'at_ms']).execute();
  await createJournal(db, 'security_events', (table) =>
    table
      .addColumn('event_type', 'text', notNull)
      .addColumn('severity', 'text', notNull)
      .addColumn('user_id', 'text')
      .addColumn('client_ip', 'text')
      .addColumn('method', 'text', notNull)
      .addColumn('path', 'text', notNull)
      .addColumn('detail', 'text', notNull)
      .addColumn('correlation_id', 'text'),
  );
  await createJournal(db, 'structured_log_entries', (table) =>
    table
      .addColumn('level', 'text', notNull)
      .addColumn('message', 'text', notNull)
      .addColumn('correlation_id', 'text')
      .addColumn('detail_json', 'text', notNull),
  );
  await createJournal(db, 'token_usage', (table) =>
    table
      .addColumn('token_hash', 'text', notNull)
      .addColumn('user_id', 'text', notNull)
      .addColumn('method', 'text', notNull)
      .addColumn('path', 'text', notNull)
      .addColumn('client_ip', 'text'),
  );
  await db.schema.createIndex('token_usage_token').on('token_usage').columns(['token_hash', 'at_ms']).execute();
}

type Column = Parameters<CreateTableBuilder<string>['addColumn']>[2];
const notNull: Column = (column) => column.notNull();

/** A table that only grows, read from its end. */
async function createJournal(
  db: Kysely<unknown>,
  name: string,
  addColumns: (table: CreateTableBuilder<string, 'id' | 'at_ms'>) => { execute(): Promise<void> },
): Promise<void> {
  await addColumns(
    db.schema
      .createTable(name)
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('at_ms', 'bigint', notNull) as CreateTableBuilder<string, 'id' | 'at_ms'>,
  ).execute();
  await db.schema.createIndex(`${name}_at`).on(name).columns(['at_ms', 'id']).execute();
}

async function down(db: Kysely<unknown>): Promise<void> {
  for (const table of [
    'token_usage',
    'structured_log_entries',
    'security_events',
    'audit_trail',
    'entry_execution_hours',
    'entry_executions',
  ])
    await db.schema.dropTable(table).execute();
}
