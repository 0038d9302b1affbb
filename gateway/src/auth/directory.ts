// What the database knows of a token and its user: all of it in one statement, or each part by itself.
import { sql } from 'kysely';
import { Type } from 'typebox';
import { parse } from '../parse.ts';
import type { Store } from '../store/store.ts';
import { builtInRoles } from './built-in-roles.ts';

export interface UserState {
  isAdmin: boolean;
  isActive: boolean;
  sessionsSinceMs: number;
}

/** The parts, each remembered for a time of its own. */
export interface Parts {
  /** Undefined: not in the table. */
  user: UserState | undefined;
  isRevoked: boolean;
  teams: readonly string[];
  /** Of all roles of the user together. */
  permissions: readonly string[];
}

export type PartName = keyof Parts;

export interface Directory {
  /** One statement. */
  all(email: string, jti: string): Promise<Parts>;
  /** One statement per part. */
  some(names: readonly PartName[], email: string, jti: string): Promise<Partial<Parts>>;
}

interface Row {
  kind: PartName;
  a: string;
  b: string | null;
  c: string | null;
  /** SQLite's reader makes a date of what looks like one. */
  d: string | Date | null;
}

const Permissions = Type.Array(Type.String());

export function createDirectory(store: Pick<Store, 'query'>): Directory {
  const selects = {
    user: (email: string, _jti: string) => sql<Row>`
      select 'user' as kind, email as a, cast(is_admin as text) as b, cast(is_active as text) as c, sessions_since as d
      from users where email = ${email}`,
    isRevoked: (_email: string, jti: string) => sql<Row>`
      select 'isRevoked' as kind, jti as a, null as b, null as c, null as d from revoked_tokens where jti = ${jti}`,
    teams: (email: string, _jti: string) => sql<Row>`
      select 'teams' as kind, team_id as a, role as b, null as c, null as d
      from team_members where user_email = ${email}`,
    permissions: (email: string, _jti: string) => sql<Row>`
      select 'permissions' as kind, user_roles.role as a, roles.permissions_json as b, null as c, null as d
      from user_roles left join roles on roles.id = user_roles.role where user_roles.user_email = ${email}`,
  };

  async function some(names: readonly PartName[], email: string, jti: string): Promise<Partial<Parts>> {
    const found = await Promise.all(
      names.map(async (name) => {
        const { rows } = await store.query((db) => selects[name](email, jti).execute(db));
        return { [name]: toParts(rows)[name] };
      }),
    );
    return Object.assign({}, ...found);
  }

  return {
    some,
    async all(email, jti) {
      const { user, isRevoked, teams, permissions } = selects;
      const { rows } = await store.query((db) =>
        sql<Row>`${user(email, jti)} union all ${isRevoked(email, jti)} union all ${teams(email, jti)}
          union all ${permissions(email, jti)}`.execute(db),
      );
      return toParts(rows);
    },
  };
}

function toParts(rows: Row[]): Parts {
  const user = rows.find((row) => row.kind === 'user');
  return {
    user:
      user === undefined
        ? undefined
        : { isAdmin: user.b === '1', isActive: user.c === '1', sessionsSinceMs: new Date(user.d ?? 0).getTime() },
    isRevoked: rows.some((row) => row.kind === 'isRevoked'),
    teams: rows.filter((row) => row.kind === 'teams').map((row) => row.a),
    permissions: rows.filter((row) => row.kind === 'permissions').flatMap((row) => permissionsOf(row.a, row.b)),
  };
}

function permissionsOf(role: string, permissionsJson: string | null): readonly string[] {
  if (permissionsJson === null) return builtInRoles[role]?.permissions ?? [];
  return parse(Permissions, JSON.parse(permissionsJson), `role ${role}`);
}
