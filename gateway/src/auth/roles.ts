// Roles beside the ones that are built in, and who has which.
import { randomUUID } from 'node:crypto';
import { type Static, Type } from 'typebox';
import { GatewayError } from '../errors.ts';
import { parse } from '../parse.ts';
import type { Store } from '../store/store.ts';
import { builtInRoles, permissions } from './built-in-roles.ts';
import { type Grants, toEmail } from './grants.ts';

const Permission = Type.Enum([...permissions, '*']);

export const RoleCreate = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 255 }),
  description: Type.Optional(Type.Union([Type.String({ maxLength: 1000 }), Type.Null()])),
  scope: Type.Enum(['global', 'team', 'personal'], { default: 'global' }),
  permissions: Type.Array(Permission, { maxItems: 200 }),
});
export type RoleCreate = Static<typeof RoleCreate>;

/** ContextForge's roles may hold within a team; here they hold everywhere. */
export const RoleAssign = Type.Object({
  role_id: Type.String({ minLength: 1, maxLength: 255 }),
  scope: Type.Literal('global', { default: 'global' }),
});

export interface RoleRead {
  id: string;
  name: string;
  description: string | null;
  scope: string;
  permissions: readonly string[];
  effective_permissions: readonly string[];
  inherits_from: null;
  created_by: string;
  is_system_role: boolean;
  is_active: true;
  created_at: string;
  updated_at: string;
}

const Permissions = Type.Array(Type.String());
const EVER = new Date(0).toISOString();

export class Roles {
  readonly #store: Store;
  readonly #grants: Grants;

  constructor({ store, grants }: { store: Store; grants: Grants }) {
    this.#store = store;
    this.#grants = grants;
  }

  async list(): Promise<RoleRead[]> {
    const rows = await this.#store.query((db) => db.selectFrom('roles').selectAll().orderBy('name').execute());
    const builtIn = Object.entries(builtInRoles).map(([name, role]) =>
      toRead(name, { ...role, name, created_by: 'gateway', created_at: EVER, updated_at: EVER }, true),
    );
    const made = rows.map(({ id, permissions_json, ...role }) =>
      toRead(id, { ...role, permissions: parse(Permissions, JSON.parse(permissions_json), `role ${id}`) }, false),
    );
    return [...builtIn, ...made];
  }

  /** @throws GW_NOT_FOUND */
  async read(id: string): Promise<RoleRead> {
    const role = (await this.list()).find((one) => one.id === id);
    if (role === undefined) throw new GatewayError('GW_NOT_FOUND', { detail: `no role has the id ${id}` });
    return role;
  }

  /** @throws GW_CONFLICT */
  async create(wanted: RoleCreate, createdBy: string): Promise<RoleRead> {
    if (Object.hasOwn(builtInRoles, wanted.name)) {
      throw new GatewayError('GW_CONFLICT', { detail: `the role ${wanted.name} is built in` });
    }
    const id = randomUUID();
    const at = new Date().toISOString();
    const { name, description, scope, permissions: given } = wanted;
    await this.#store.query((db) =>
      db
        .insertInto('roles')
        .values({
          id,
          name,
          description: description ?? null,
          scope,
          permissions_json: JSON.stringify(given),
          created_by: createdBy,
          created_at: at,
          updated_at: at,
        })
        .execute(),
    );
    return await this.read(id);
  }

  /** @throws GW_NOT_FOUND, also for one that is built in */
  async remove(id: string): Promise<void> {
    const deleted = await this.#store.transaction(async (db) => {
      const { numDeletedRows } = await db.deleteFrom('roles').where('id', '=', id).executeTakeFirst();
      if (numDeletedRows > 0n) await db.deleteFrom('user_roles').where('role', '=', id).execute();
      return numDeletedRows;
    });
    if (deleted === 0n)
      throw new GatewayError('GW_NOT_FOUND', { detail: `no role that can be deleted has the id ${id}` });
    this.#grants.changed('role', id);
  }

  async ofUser(email: string): Promise<object[]> {
    const [rows, roles] = await Promise.all([
      this.#store.query((db) =>
        db.selectFrom('user_roles').selectAll().where('user_email', '=', toEmail(email)).orderBy('role').execute(),
      ),
      this.list(),
    ]);
    return rows.map((row) => ({
      id: `${row.user_email}/${row.role}`,
      user_email: row.user_email,
      role_id: row.role,
      role_name: roles.find((role) => role.id === row.role)?.name ?? row.role,
      scope: 'global',
      scope_id: null,
      granted_by: row.granted_by,
      granted_at: row.granted_at,
      expires_at: null,
      is_active: true,
    }));
  }

  /** Twice is once. @throws GW_NOT_FOUND for an unknown user or role */
  async assign(email: string, roleId: string, by: string): Promise<object> {
    const role = await this.read(roleId);
    const user_email = toEmail(email);
    const row = { user_email, role: role.id, granted_by: by, granted_at: new Date().toISOString() };
    await this.#store.query((db) =>
      db
        .insertInto('user_roles')
        .values(row)
        .onConflict((conflict) => conflict.doNothing())
        .execute(),
    );
    this.#grants.changed('user', user_email);
    const [assigned] = (await this.ofUser(email)).filter((one) => 'role_id' in one && one.role_id === role.id);
    return assigned ?? {};
  }

  /** @throws GW_NOT_FOUND */
  async withdraw(email: string, roleId: string): Promise<void> {
    const { numDeletedRows } = await this.#store.query((db) =>
      db
        .deleteFrom('user_roles')
        .where('user_email', '=', toEmail(email))
        .where('role', '=', roleId)
        .executeTakeFirst(),
    );
    if (numDeletedRows === 0n) {
      throw new GatewayError('GW_NOT_FOUND', { detail: `${email} has not the role ${roleId}` });
    }
    this.#grants.changed('user', email);
  }
}

function toRead(
  id: string,
  role: Pick<RoleRead, 'name' | 'description' | 'scope' | 'permissions' | 'created_by' | 'created_at' | 'updated_at'>,
  isBuiltIn: boolean,
): RoleRead {
  return {
    id,
    name: role.name,
    description: role.description,
    scope: role.scope,
    permissions: role.permissions,
    effective_permissions: role.permissions,
    inherits_from: null,
    created_by: role.created_by,
    is_system_role: isBuiltIn,
    is_active: true,
    created_at: role.created_at,
    updated_at: role.updated_at,
  };
}
