// Whom something in the registry is for. What was there before is for everybody, as it was.
import type { Kysely } from 'kysely';

export const visibility = { up, down };

const tables = ['gateways', 'servers', 'entries'] as const;

async function up(db: Kysely<unknown>): Promise<void> {
  for (const table of tables) {
    await db.schema
      .alterTable(table)
      // An entry without one has that of its gateway.
      .addColumn('visibility', 'text', (column) =>
        table === 'entries' ? column : column.notNull().defaultTo('public'),
      )
      .execute();
    // No foreign key: what was for a team that is gone is for nobody but administrators, not for everybody.
    for (const name of ['team_id', 'owner_email']) await db.schema.alterTable(table).addColumn(name, 'text').execute();
  }
}

async function down(db: Kysely<unknown>): Promise<void> {
  for (const table of tables) {
    for (const name of ['visibility', 'team_id', 'owner_email']) {
      await db.schema.alterTable(table).dropColumn(name).execute();
    }
  }
}
