// The users table: people with a password. Tokens may also speak for others (REQUIRE_USER_IN_DB).
import { type Insertable, type Selectable, sql, type Updateable } from 'kysely';
import { type Static, Type } from 'typebox';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import type { UsersTable } from '../store/tables.ts';
import { type Grants, toEmail } from './grants.ts';
import { hashPassword, isPassword, PASSWORD_MAX_LENGTH, requireGoodPassword } from './passwords.ts';

export const Email = Type.String({ minLength: 3, maxLength: 255, pattern: '^[^@\\s\\u0000]+@[^@\\s\\u0000]+$' });
/** No length in it that a message could tell about somebody's password: the policy judges new ones. */
export const Password = Type.String({ minLength: 1, maxLength: PASSWORD_MAX_LENGTH });
const FullName = Type.Optional(Type.Union([Type.String({ maxLength: 255 }), Type.Null()]));

export const UserCreate = Type.Object({
  email: Email,
  password: Password,
  full_name: FullName,
  is_admin: Type.Boolean({ default: false }),
  is_active: Type.Boolean({ default: true }),
});
export type UserCreate = Static<typeof UserCreate>;

/** What people may say of themselves when they register. */
export const Registration = Type.Object({ email: Email, password: Password, full_name: FullName });

export const UserChange = Type.Object({
  full_name: FullName,
  password: Type.Optional(Password),
  is_admin: Type.Optional(Type.Boolean()),
  is_active: Type.Optional(Type.Boolean()),
});
export type UserChange = Static<typeof UserChange>;

export type UserRow = Selectable<UsersTable>;

/** As ContextForge answers. */
export interface UserRead {
  email: string;
  full_name: string | null;
  is_admin: boolean;
  is_active: boolean;
  auth_provider: 'local';
  created_at: string;
  last_login: string | null;
  email_verified: boolean;
  password_change_required: boolean;
  failed_login_attempts: number;
  locked_until: string | null;
  is_locked: boolean;
}

export interface UserServiceOptions {
  store: Store;
  config: Config;
  grants: Grants;
}

export class Users {
  readonly #store: Store;
  readonly #config: Config;
  readonly #grants: Grants;

  constructor({ store, config, grants }: UserServiceOptions) {
    this.#store = store;
    this.#config = config;
    this.#grants = grants;
  }

  /** @throws GW_INVALID_REQUEST (the password), GW_CONFLICT */
  async create(wanted: UserCreate, createdBy: string): Promise<UserRead> {
    requireGoodPassword(wanted.password, this.#config);
    const email = toEmail(wanted.email);
    const at = new Date().toISOString();
    const row: Insertable<UsersTable> = {
      email,
      full_name: wanted.full_name ?? null,
      password_hash: await hashPassword(wanted.password),
      is_admin: wanted.is_admin ? 1 : 0,
      is_active: wanted.is_active ? 1 : 0,
      sessions_since: at,
      created_at: at,
      updated_at: at,
    };
    const granted = { user_email: email, role: this.#config.DEFAULT_USER_ROLE, granted_by: createdBy, granted_at: at };
    await this.#store.transaction(async (db) => {
      await db.insertInto('users').values(row).execute();
      await db.insertInto('user_roles').values(granted).execute();
    });
    this.#grants.changed('user', email);
    return await this.read(email);
  }

  /** @throws GW_NOT_FOUND */
  async read(email: string): Promise<UserRead> {
    const row = await this.find(email);
    if (row === undefined) throw notFound(email);
    return toRead(row);
  }

  async find(email: string): Promise<UserRow | undefined> {
    return await this.#store.query((db) =>
      db.selectFrom('users').selectAll().where('email', '=', toEmail(email)).executeTakeFirst(),
    );
  }

  async list(limit: number, offset: number): Promise<UserRead[]> {
    const rows = await this.#store.query((db) =>
      db.selectFrom('users').selectAll().orderBy('email').limit(limit).offset(offset).execute(),
    );
    return rows.map(toRead);
  }

  /** The last active administrator stays one. @throws GW_NOT_FOUND, GW_INVALID_REQUEST, GW_CONFLICT */
  async update(email: string, change: UserChange): Promise<UserRead> {
    if (change.password !== undefined) requireGoodPassword(change.password, this.#config);
    const at = new Date().toISOString();
    const values: Updateable<UsersTable> = { updated_at: at };
    if (change.full_name !== undefined) values.full_name = change.full_name;
    if (change.is_admin !== undefined) values.is_admin = change.is_admin ? 1 : 0;
    if (change.is_active !== undefined) values.is_active = change.is_active ? 1 : 0;
    if (change.password !== undefined) values.password_hash = await hashPassword(change.password);
    if (change.password !== undefined || change.is_active === false) values.sessions_since = at;
    if (change.is_admin === false || change.is_active === false) await this.#requireOtherAdmin(email);
    await this.#change(email, values);
    return await this.read(email);
  }

  /** @throws GW_NOT_FOUND, GW_CONFLICT (the last administrator) */
  async remove(email: string): Promise<void> {
    await this.#requireOtherAdmin(email);
    const owner = toEmail(email);
    const at = new Date().toISOString();
    await this.#store.transaction(async (db) => {
      // Their API tokens must not live on as those of somebody without a row.
      await db
        .insertInto('revoked_tokens')
        .columns(['jti', 'revoked_by', 'reason', 'revoked_at', 'expires_at'])
        .expression((query) =>
          query
            .selectFrom('api_tokens')
            .select([
              'jti',
              'user_email',
              sql<string>`'the user was deleted'`.as('reason'),
              sql<string>`${at}`.as('at'),
              'expires_at',
            ])
            .where('user_email', '=', owner)
            .where(({ not, exists, selectFrom }) =>
              not(
                exists(
                  selectFrom('revoked_tokens').select('jti').whereRef('revoked_tokens.jti', '=', 'api_tokens.jti'),
                ),
              ),
            ),
        )
        .execute();
      const { numDeletedRows } = await db.deleteFrom('users').where('email', '=', owner).executeTakeFirst();
      if (numDeletedRows === 0n) throw notFound(email);
    });
    this.#grants.changed('user', owner);
  }

  /** Ends every session of the user, so also the one that asks. @throws GW_UNAUTHORIZED, GW_INVALID_REQUEST */
  async changePassword(email: string, oldPassword: string, newPassword: string): Promise<void> {
    const row = await this.find(email);
    const isRight = await isPassword(oldPassword, row?.password_hash);
    if (row === undefined || !isRight) {
      await this.countFailure(email);
      throw new GatewayError('GW_UNAUTHORIZED', { detail: 'the old password is wrong' });
    }
    if (isLocked(row)) throw new GatewayError('GW_UNAUTHORIZED', { detail: 'the old password is wrong' });
    if (oldPassword === newPassword && this.#config.PASSWORD_POLICY_ENABLED) {
      throw new GatewayError('GW_INVALID_REQUEST', { detail: 'the new password is the old one' });
    }
    await this.update(email, { password: newPassword });
  }

  /** @throws GW_NOT_FOUND */
  async unlock(email: string): Promise<void> {
    await this.#change(email, { failed_login_attempts: 0, locked_until: null });
  }

  /** One statement, also for a name that nobody has. */
  async countFailure(email: string): Promise<void> {
    const { MAX_FAILED_LOGIN_ATTEMPTS: most, ACCOUNT_LOCKOUT_DURATION_MINUTES: minutes } = this.#config;
    const until = new Date(Date.now() + minutes * 60_000).toISOString();
    await this.#store.query((db) =>
      db
        .updateTable('users')
        .set({
          // A lock that is over starts a new count.
          failed_login_attempts: sql<number>`case when failed_login_attempts >= ${sql.lit(most)} then 1
            else failed_login_attempts + 1 end`,
          locked_until: sql<string | null>`case when failed_login_attempts + 1 = ${sql.lit(most)}
            or ${sql.lit(most)} = 1 then ${until} else locked_until end`,
        })
        .where('email', '=', toEmail(email))
        .execute(),
    );
  }

  async countSuccess(email: string): Promise<void> {
    const last_login = new Date().toISOString();
    await this.#store.query((db) =>
      db
        .updateTable('users')
        .set({ last_login, failed_login_attempts: 0, locked_until: null })
        .where('email', '=', toEmail(email))
        .execute(),
    );
  }

  async #change(email: string, values: Updateable<UsersTable>): Promise<void> {
    const { numUpdatedRows } = await this.#store.query((db) =>
      db.updateTable('users').set(values).where('email', '=', toEmail(email)).executeTakeFirst(),
    );
    if (numUpdatedRows === 0n) throw notFound(email);
    this.#grants.changed('user', email);
  }

  async #requireOtherAdmin(email: string): Promise<void> {
    const admins = await this.#store.query((db) =>
      db
        .selectFrom('users')
        .select('email')
        // Not parameters: only so does the planner see that `users_admins` holds them all.
        .where('is_admin', '=', sql.lit(1))
        .where('is_active', '=', sql.lit(1))
        .limit(2)
        .execute(),
    );
    if (admins.length === 1 && admins[0]?.email === toEmail(email)) {
      throw new GatewayError('GW_CONFLICT', { detail: `${email} is the last administrator` });
    }
  }
}

export function isLocked(row: UserRow): boolean {
  return row.locked_until !== null && Date.parse(row.locked_until) > Date.now();
}

export function toRead(row: UserRow): UserRead {
  return {
    email: row.email,
    full_name: row.full_name,
    is_admin: row.is_admin === 1,
    is_active: row.is_active === 1,
    auth_provider: 'local',
    created_at: row.created_at,
    last_login: row.last_login,
    email_verified: false,
    password_change_required: false,
    failed_login_attempts: row.failed_login_attempts,
    locked_until: row.locked_until,
    is_locked: isLocked(row),
  };
}

function notFound(email: string): GatewayError {
  return new GatewayError('GW_NOT_FOUND', { detail: `no user has the email ${email}` });
}
