// Users, teams, roles, API tokens and revoked tokens. Times are ISO texts and flags are 0 or 1, so that every database reads
// them alike.
import type { Kysely } from 'kysely';

export const access = { up, down };

async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('users')
    .addColumn('email', 'text', (column) => column.primaryKey())
    .addColumn('full_name', 'text')
    .addColumn('password_hash', 'text', (column) => column.notNull())
    .addColumn('is_admin', 'integer', (column) => column.notNull())
    .addColumn('is_active', 'integer', (column) => column.notNull())
    .addColumn('failed_login_attempts', 'integer', (column) => column.notNull().defaultTo(0))
    .addColumn('locked_until', 'text')
    // Sessions that were opened before this end: a changed password, a deactivated user.
    .addColumn('sessions_since', 'text', (column) => column.notNull())
    .addColumn('last_login', 'text')
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addColumn('updated_at', 'text', (column) => column.notNull())
    .execute();

  await db.schema
    .createTable('teams')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('slug', 'text', (column) => column.notNull().unique())
    .addColumn('description', 'text')
    .addColumn('visibility', 'text', (column) => column.notNull())
    .addColumn('max_members', 'integer')
    .addColumn('created_by', 'text', (column) => column.notNull())
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addColumn('updated_at', 'text', (column) => column.notNull())
    .execute();

  await db.schema
    .createTable('team_members')
    .addColumn('team_id', 'text', (column) => column.notNull().references('teams.id').onDelete('cascade'))
    .addColumn('user_email', 'text', (column) => column.notNull().references('users.email').onDelete('cascade'))
    .addColumn('role', 'text', (column) => column.notNull())
    .addColumn('invited_by', 'text')
    .addColumn('joined_at', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('team_members_pkey', ['team_id', 'user_email'])
    .execute();
  await db.schema.createIndex('team_members_user').on('team_members').column('user_email').execute();

  await db.schema
    .createTable('roles')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull().unique())
    .addColumn('description', 'text')
    .addColumn('scope', 'text', (column) => column.notNull())
    .addColumn('permissions_json', 'text', (column) => column.notNull())
    .addColumn('created_by', 'text', (column) => column.notNull())
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addColumn('updated_at', 'text', (column) => column.notNull())
    .execute();

  // `role` is the id of a row in `roles` or the name of a role that is built in: no foreign key.
  await db.schema
    .createTable('user_roles')
    .addColumn('user_email', 'text', (column) => column.notNull().references('users.email').onDelete('cascade'))
    .addColumn('role', 'text', (column) => column.notNull())
    .addColumn('granted_by', 'text', (column) => column.notNull())
    .addColumn('granted_at', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('user_roles_pkey', ['user_email', 'role'])
    .execute();
  await db.schema.createIndex('user_roles_role').on('user_roles').column('role').execute();

  // The owner need not be in `users`: tokens speak for anybody while REQUIRE_USER_IN_DB is off.
  await db.schema
    .createTable('api_tokens')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('jti', 'text', (column) => column.notNull().unique())
    .addColumn('user_email', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('description', 'text')
    .addColumn('server_id', 'text')
    .addColumn('team_id', 'text')
    .addColumn('permissions_json', 'text', (column) => column.notNull())
    .addColumn('tags_json', 'text', (column) => column.notNull())
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addColumn('expires_at', 'text')
    .addUniqueConstraint('api_tokens_name', ['user_email', 'name'])
    .execute();

  await db.schema
    .createTable('revoked_tokens')
    .addColumn('jti', 'text', (column) => column.primaryKey())
    .addColumn('revoked_by', 'text', (column) => column.notNull())
    .addColumn('reason', 'text')
    .addColumn('revoked_at', 'text', (column) => column.notNull())
    // Of the token itself: the row is of no use after that.
    .addColumn('expires_at', 'text')
    .execute();
  await db.schema.createIndex('revoked_tokens_expiry').on('revoked_tokens').column('expires_at').execute();
}

async function down(db: Kysely<unknown>): Promise<void> {
  for (const table of ['revoked_tokens', 'api_tokens', 'user_roles', 'roles', 'team_members', 'teams', 'users']) {
    await db.schema.dropTable(table).execute();
  }
}
