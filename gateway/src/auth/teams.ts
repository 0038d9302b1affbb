// Teams and their members. An owner changes the team; a member sees it; an administrator does both.
import { randomUUID } from 'node:crypto';
import type { Selectable } from 'kysely';
import { type Static, Type } from 'typebox';
import type { Caches } from '../cache/caches.ts';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import type { TeamMembersTable, TeamsTable } from '../store/tables.ts';
import { type Grants, toEmail } from './grants.ts';
import type { Identity } from './identity.ts';
import { TimedCache } from './timed-cache.ts';
import { Email } from './users.ts';

const Description = Type.Optional(Type.Union([Type.String({ maxLength: 1000 }), Type.Null()]));
const Visibility = Type.Enum(['private', 'public']);
const MaxMembers = Type.Optional(Type.Union([Type.Integer({ minimum: 1, maximum: 10_000 }), Type.Null()]));
const Role = Type.Enum(['owner', 'member']);

export const TeamCreate = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 255 }),
  slug: Type.Optional(Type.Union([Type.String({ pattern: '^[a-z0-9-]{2,255}$' }), Type.Null()])),
  description: Description,
  visibility: Type.Optional(Visibility),
  max_members: MaxMembers,
});
export type TeamCreate = Static<typeof TeamCreate>;

export const TeamChange = Type.Object({
  name: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
  description: Description,
  visibility: Type.Optional(Visibility),
  max_members: MaxMembers,
});
export type TeamChange = Static<typeof TeamChange>;

export const MemberAdd = Type.Object({ email: Email, role: Type.Optional(Role) });
export const MemberChange = Type.Object({ role: Role });
export type MemberRole = Static<typeof Role>;

type TeamRow = Selectable<TeamsTable>;
type MemberRow = Selectable<TeamMembersTable>;

export interface TeamsOptions {
  store: Store;
  config: Config;
  grants: Grants;
  caches: Caches;
}

const TEAMS_KEPT = 1000;

export class Teams {
  readonly #store: Store;
  readonly #config: Config;
  readonly #grants: Grants;
  readonly #members: TimedCache<readonly MemberRow[]>;
  readonly #roles: TimedCache<MemberRole | 'none'>;

  /** Counts what was written: what was read before the last write is not kept. */
  #version = 0;

  constructor({ store, config, grants, caches }: TeamsOptions) {
    this.#store = store;
    this.#config = config;
    this.#grants = grants;
    this.#members = caches.add(new TimedCache('team_members', () => this.#version++, TEAMS_KEPT));
    this.#roles = caches.add(new TimedCache('team_role', () => this.#version++));
  }

  /** Whoever creates a team owns it, if there is a row for them in the users table. @throws GW_CONFLICT (the slug) */
  async create(by: Identity, wanted: TeamCreate): Promise<object> {
    const id = randomUUID();
    const at = new Date().toISOString();
    const email = toEmail(by.sub);
    const slug = wanted.slug ?? toSlug(wanted.name);
    if (slug === '')
      throw new GatewayError('GW_INVALID_REQUEST', { detail: 'the name has no letter or digit: give a slug' });
    const row: TeamRow = {
      id,
      name: wanted.name,
      slug,
      description: wanted.description ?? null,
      visibility: wanted.visibility ?? 'private',
      max_members: wanted.max_members ?? null,
      created_by: email,
      created_at: at,
      updated_at: at,
    };
    await this.#store.transaction(async (db) => {
      await db.insertInto('teams').values(row).execute();
      const owner = await db.selectFrom('users').select('email').where('email', '=', email).executeTakeFirst();
      if (owner === undefined) return;
      const member: MemberRow = { team_id: id, user_email: email, role: 'owner', invited_by: null, joined_at: at };
      await db.insertInto('team_members').values(member).execute();
    });
    this.#grants.changed('team', id);
    return toRead(row, (await this.#membersOf(id)).length);
  }

  /** Administrators see all teams, others their own. */
  async list(by: Identity, limit: number, offset: number): Promise<object> {
    const mine = by.grant?.teams ?? [];
    const isAdmin = by.grant?.isAdmin === true;
    if (!isAdmin && mine.length === 0) return { teams: [], total: 0 };
    const found = await this.#store.query(async (db) => {
      const all = isAdmin ? db.selectFrom('teams') : db.selectFrom('teams').where('teams.id', 'in', [...mine]);
      const rows = await all
        .selectAll('teams')
        // Of the teams on this page only: a join would count the members of all.
        .select((team) =>
          team
            .selectFrom('team_members')
            .whereRef('team_members.team_id', '=', 'teams.id')
            .select((count) => count.fn.countAll().as('members'))
            .as('members'),
        )
        .orderBy('teams.name')
        .orderBy('teams.id')
        .limit(limit)
        .offset(offset)
        .execute();
      const { total } = await all.select((count) => count.fn.countAll().as('total')).executeTakeFirstOrThrow();
      return { rows, total };
    });
    return { teams: found.rows.map((row) => toRead(row, Number(row.members))), total: Number(found.total) };
  }

  /** @throws GW_NOT_FOUND, GW_FORBIDDEN */
  async read(by: Identity, id: string): Promise<object> {
    const row = await this.#find(id);
    await this.#require(by, id, 'member');
    return toRead(row, (await this.#membersOf(id)).length);
  }

  /** @throws GW_NOT_FOUND, GW_FORBIDDEN */
  async update(by: Identity, id: string, change: TeamChange): Promise<object> {
    await this.#find(id);
    await this.#require(by, id, 'owner');
    const { name, description, visibility, max_members } = change;
    const values = {
      updated_at: new Date().toISOString(),
      ...(name === undefined ? {} : { name }),
      ...(description === undefined ? {} : { description }),
      ...(visibility === undefined ? {} : { visibility }),
      ...(max_members === undefined ? {} : { max_members }),
    };
    await this.#store.query((db) => db.updateTable('teams').set(values).where('id', '=', id).execute());
    return toRead(await this.#find(id), (await this.#membersOf(id)).length);
  }

  /** @throws GW_NOT_FOUND, GW_FORBIDDEN */
  async remove(by: Identity, id: string): Promise<void> {
    await this.#find(id);
    await this.#require(by, id, 'owner');
    await this.#store.query((db) => db.deleteFrom('teams').where('id', '=', id).execute());
    this.#grants.changed('team', id);
  }

  /** @throws GW_NOT_FOUND, GW_FORBIDDEN */
  async members(by: Identity, id: string): Promise<object[]> {
    await this.#find(id);
    await this.#require(by, id, 'member');
    return (await this.#membersOf(id)).map(toMember);
  }

  /** @throws GW_NOT_FOUND (team or user), GW_FORBIDDEN, GW_CONFLICT (a member already, a full team) */
  async addMember(by: Identity, id: string, email: string, role: MemberRole): Promise<object> {
    const team = await this.#find(id);
    await this.#require(by, id, 'owner');
    const most = team.max_members ?? this.#config.MAX_MEMBERS_PER_TEAM;
    const row: MemberRow = {
      team_id: id,
      user_email: toEmail(email),
      role,
      invited_by: toEmail(by.sub),
      joined_at: new Date().toISOString(),
    };
    await this.#store.transaction(async (db) => {
      const members = await db.selectFrom('team_members').select('user_email').where('team_id', '=', id).execute();
      if (members.length >= most) throw new GatewayError('GW_CONFLICT', { detail: `the team has its ${most} members` });
      await db.insertInto('team_members').values(row).execute();
    });
    this.#grants.changed('team', id);
    return toMember(row);
  }

  /** @throws GW_NOT_FOUND, GW_FORBIDDEN, GW_CONFLICT (the last owner) */
  async changeMember(by: Identity, id: string, email: string, role: MemberRole): Promise<object> {
    await this.#require(by, id, 'owner');
    const member = await this.#memberOf(id, email);
    if (role !== 'owner') await this.#requireOtherOwner(id, member);
    await this.#store.query((db) =>
      db
        .updateTable('team_members')
        .set({ role })
        .where('team_id', '=', id)
        .where('user_email', '=', member.user_email)
        .execute(),
    );
    this.#grants.changed('team', id);
    return toMember({ ...member, role });
  }

  /** Members may leave by themselves. @throws GW_NOT_FOUND, GW_FORBIDDEN, GW_CONFLICT (the last owner) */
  async removeMember(by: Identity, id: string, email: string): Promise<void> {
    await this.#require(by, id, toEmail(by.sub) === toEmail(email) ? 'member' : 'owner');
    const member = await this.#memberOf(id, email);
    await this.#requireOtherOwner(id, member);
    await this.#store.query((db) =>
      db.deleteFrom('team_members').where('team_id', '=', id).where('user_email', '=', member.user_email).execute(),
    );
    this.#grants.changed('team', id);
  }

  async #require(by: Identity, id: string, least: MemberRole): Promise<void> {
    if (by.grant?.isAdmin === true) return;
    const role = by.grant?.teams.includes(id) === true ? await this.#roleIn(id, by.sub) : 'none';
    if (role === 'owner' || role === least) return;
    throw new GatewayError('GW_FORBIDDEN', { detail: `you are no ${least} of team ${id}` });
  }

  async #find(id: string): Promise<TeamRow> {
    const row = await this.#store.query((db) =>
      db.selectFrom('teams').selectAll().where('id', '=', id).executeTakeFirst(),
    );
    if (row === undefined) throw new GatewayError('GW_NOT_FOUND', { detail: `no team has the id ${id}` });
    return row;
  }

  async #roleIn(id: string, email: string): Promise<MemberRole | 'none'> {
    const { TEAM_CACHE_ENABLED: isKept, TEAM_CACHE_ROLE_TTL: ttl } = this.#config;
    const key = `${id} ${toEmail(email)}`;
    const kept = isKept ? this.#roles.fresh(key, performance.now(), ttl * 1000) : undefined;
    if (kept !== undefined) return kept;
    const [atMs, version] = [performance.now(), this.#version];
    const row = await this.#store.query((db) =>
      db
        .selectFrom('team_members')
        .select('role')
        .where('team_id', '=', id)
        .where('user_email', '=', toEmail(email))
        .executeTakeFirst(),
    );
    const role = row?.role ?? 'none';
    if (isKept && version === this.#version) this.#roles.keep(key, role, atMs);
    return role;
  }

  async #membersOf(id: string): Promise<readonly MemberRow[]> {
    const { TEAM_CACHE_ENABLED: isKept, TEAM_CACHE_MEMBERS_TTL: ttl } = this.#config;
    const kept = isKept ? this.#members.fresh(id, performance.now(), ttl * 1000) : undefined;
    if (kept !== undefined) return kept;
    const [atMs, version] = [performance.now(), this.#version];
    const rows = await this.#store.query((db) =>
      db.selectFrom('team_members').selectAll().where('team_id', '=', id).orderBy('user_email').execute(),
    );
    if (isKept && version === this.#version) this.#members.keep(id, rows, atMs);
    return rows;
  }

  async #memberOf(id: string, email: string): Promise<MemberRow> {
    const member = (await this.#membersOf(id)).find((row) => row.user_email === toEmail(email));
    if (member === undefined) throw new GatewayError('GW_NOT_FOUND', { detail: `${email} is no member of team ${id}` });
    return member;
  }

  async #requireOtherOwner(id: string, member: MemberRow): Promise<void> {
    const owners = (await this.#membersOf(id)).filter((row) => row.role === 'owner');
    if (owners.length === 1 && owners[0]?.user_email === member.user_email) {
      throw new GatewayError('GW_CONFLICT', { detail: `${member.user_email} is the last owner of the team` });
    }
  }
}

function toSlug(name: string): string {
  return name
    .toLowerCase()
    .normalize('NFKD')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}

function toRead(row: TeamRow, memberCount: number): object {
  return {
    id: row.id,
    name: row.name,
    slug: row.slug,
    description: row.description,
    created_by: row.created_by,
    is_personal: false,
    visibility: row.visibility,
    max_members: row.max_members,
    member_count: memberCount,
    created_at: row.created_at,
    updated_at: row.updated_at,
    is_active: true,
  };
}

function toMember(row: MemberRow): object {
  return {
    id: `${row.team_id}/${row.user_email}`,
    team_id: row.team_id,
    user_email: row.user_email,
    role: row.role,
    joined_at: row.joined_at,
    invited_by: row.invited_by,
    is_active: true,
  };
}
