// Indexes for what administrators look for in journals, teams and users. Rows without the value cost nothing.
import { type Kysely, sql } from 'kysely';

export const hotQueries = { up, down };

/** A journal's rows of one request or one user, from their end. */
const journals = [
  ['audit_trail', 'correlation_id'],
  ['security_events', 'correlation_id'],
  ['security_events', 'user_id'],
  ['structured_log_entries', 'correlation_id'],
  ['token_usage', 'user_id'],
] as const;

async function up(db: Kysely<unknown>): Promise<void> {
  for (const [table, column] of journals) {
    await db.schema
      .createIndex(`${table}_${column}`)
      .on(table)
      .columns([column, 'at_ms'])
      .where(column, 'is not', null)
      .execute();
  }
  await db.schema.createIndex('teams_name').on('teams').columns(['name', 'id']).execute();
  // Is there another administrator?
  await db.schema
    .createIndex('users_admins')
    .on('users')
    .column('email')
    .where(sql`is_admin`, '=', 1)
    .where(sql`is_active`, '=', 1)
    .execute();
}

async function down(db: Kysely<unknown>): Promise<void> {
  for (const [table, column] of journals) await db.schema.dropIndex(`${table}_${column}`).execute();
  for (const index of ['teams_name', 'users_admins']) await db.schema.dropIndex(index).execute();
}
