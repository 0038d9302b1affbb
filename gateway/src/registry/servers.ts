// Virtual servers: a name under which some entries are served together.
import { randomUUID } from 'node:crypto';
import { type Kysely, type Selectable, sql } from 'kysely';
import { Type } from 'typebox';
import type { Config } from '../config.ts';
import { everything, isShownTo, type Viewer } from '../mcp/viewer.ts';
import { isIn, now } from '../store/portable.ts';
import type { Store } from '../store/store.ts';
import type { Database, ServersTable } from '../store/tables.ts';
import {
  audienceProperties,
  isAudienceWanted,
  readAudience,
  requireTeam,
  shownTo,
  toAudience,
  toAudienceColumns,
} from './audience.ts';
import { readBody } from './body.ts';
import type { EntryKind } from './catalog.ts';
import { notFound } from './entries.ts';
import { type Member, membersOf, resolveMembers } from './members.ts';
import { type Page, parseListQuery, toPage } from './paging.ts';
import { hasOneOf, parseTags, Tags, toTags } from './tags.ts';

/**
 * What is not for the viewer is not there for him: GW_NOT_FOUND, and among the members of a server it is not told. Every method
 * may throw GW_DATABASE_UNAVAILABLE.
 */
export interface ServerService {
  /** @throws GW_INVALID_REQUEST (also for a member that does not exist), GW_NAME_AMBIGUOUS, GW_CONFLICT */
  create(body: unknown, viewer: Viewer): Promise<object>;
  /** @throws GW_NOT_FOUND */
  read(id: string, viewer: Viewer): Promise<object>;
  /** @throws GW_INVALID_REQUEST, GW_INVALID_CURSOR */
  list(query: unknown, viewer: Viewer): Promise<Page<object>>;
  /** Members of a kind that the body names are replaced. @throws as `create`, and GW_NOT_FOUND */
  update(id: string, body: unknown, viewer: Viewer): Promise<object>;
  /** @throws GW_NOT_FOUND */
  setEnabled(id: string, enabled: boolean, viewer: Viewer): Promise<object>;
  /** @throws GW_NOT_FOUND */
  remove(id: string, viewer: Viewer): Promise<void>;
}

const Names = Type.Array(Type.String({ minLength: 1 }), { maxItems: 10_000, description: 'ids or public names' });

const ServerChange = Type.Object({
  name: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
  description: Type.Optional(Type.String({ maxLength: 8192 })),
  icon: Type.Optional(Type.String({ maxLength: 2048 })),
  tags: Type.Optional(Tags),
  ...audienceProperties,
  associatedTools: Type.Optional(Names),
  associatedResources: Type.Optional(Names),
  associatedPrompts: Type.Optional(Names),
});

export const ServerCreate = Type.Intersect([ServerChange, Type.Object({ name: Type.String() })]);

export interface ServerServiceOptions {
  store: Store;
  config: Pick<Config, 'PAGINATION_DEFAULT_PAGE_SIZE' | 'PAGINATION_MAX_PAGE_SIZE'>;
  /** Called after each write. */
  changed: (serverId: string) => void;
}

type Row = Selectable<ServersTable>;

export function createServerService({ store, config, changed }: ServerServiceOptions): ServerService {
  async function readRow(id: string, viewer: Viewer): Promise<Row> {
    const row = await store.query((db) => db.selectFrom('servers').selectAll().where('id', '=', id).executeTakeFirst());
    if (row === undefined || !isShownTo(toAudience(row), viewer)) throw notFound('server', id);
    return row;
  }

  async function readServer(id: string, viewer: Viewer): Promise<object> {
    const row = await readRow(id, viewer);
    return toRead(row, (await membersOf(store, [id], viewer)).get(id));
  }

  return {
    async create(body, viewer) {
      const wanted = readBody(ServerCreate, body, 'server');
      const wantedAudience = readAudience(body, 'server');
      await requireTeam(store, wantedAudience, viewer);
      const audience = toAudienceColumns(wantedAudience, viewer);
      const members = await resolveMembers(store, wanted, viewer);
      const id = randomUUID();
      // One round trip, and the server and its members come into being together.
      const [[row]] = await store.batch((db) => [
        db
          .insertInto('servers')
          .values({
            id,
            name: wanted.name,
            description: wanted.description ?? null,
            icon: wanted.icon ?? null,
            tags: JSON.stringify(toTags(wanted.tags ?? [])),
            ...audience,
          })
          .returningAll(),
        joined(db, id, members),
      ]);
      if (row === undefined) throw new Error('PostgreSQL and SQLite return what they inserted');
      changed(id);
      return toRead(row, members);
    },
    read: readServer,
    async list(query, viewer) {
      const { limit, skip, afterSeq, includeInactive, tags, visibility, teamId } = parseListQuery(
        'servers',
        query,
        config,
      );
      const rows = await store.read((db) => {
        let servers = db.selectFrom('servers').selectAll().where('seq', '>', String(afterSeq));
        if (!viewer.isAdmin) servers = servers.where(shownTo('servers', viewer));
        if (visibility !== undefined) servers = servers.where('visibility', '=', visibility);
        if (teamId !== undefined) servers = servers.where('team_id', '=', teamId);
        if (!includeInactive) servers = servers.where('enabled', '=', true);
        if (tags !== undefined) servers = servers.where(hasOneOf('servers', tags));
        return servers
          .orderBy('seq')
          .limit(limit + 1)
          .offset(skip)
          .execute();
      });
      const members = await membersOf(
        store,
        rows.map((row) => row.id),
        viewer,
      );
      return toPage('servers', rows, limit, (row) => toRead(row, members.get(row.id)));
    },
    async update(id, body, viewer) {
      const wanted = readBody(ServerChange, body, 'server');
      const row = await readRow(id, viewer);
      const wantedAudience = readAudience(body, 'server');
      await requireTeam(store, wantedAudience, viewer);
      const audience = isAudienceWanted(wantedAudience) ? toAudienceColumns(wantedAudience, viewer, row) : {};
      const members = await resolveMembers(store, wanted, viewer);
      const replaced: EntryKind[] = [];
      if (wanted.associatedTools !== undefined) replaced.push('tools');
      if (wanted.associatedResources !== undefined) replaced.push('resources', 'resourceTemplates');
      if (wanted.associatedPrompts !== undefined) replaced.push('prompts');
      await store.transaction(async (db) => {
        const { numUpdatedRows } = await db
          .updateTable('servers')
          .set({
            ...(wanted.name === undefined ? {} : { name: wanted.name }),
            ...(wanted.description === undefined ? {} : { description: wanted.description }),
            ...(wanted.icon === undefined ? {} : { icon: wanted.icon }),
            ...(wanted.tags === undefined ? {} : { tags: JSON.stringify(toTags(wanted.tags)) }),
            ...audience,
            updated_at: now,
          })
          .where('id', '=', id)
          .executeTakeFirst();
        if (numUpdatedRows === 0n) throw notFound('server', id);
        await db
          .deleteFrom('server_entries')
          .where('server_id', '=', id)
          .where('entry_id', 'in', (entries) =>
            // Who replaces the members replaces those that he sees.
            entries
              .selectFrom('entries')
              .innerJoin('gateways', 'gateways.id', 'entries.gateway_id')
              .select('entries.id')
              .where(isIn('entries.kind', replaced))
              .where(shownTo('entries', viewer))
              .where(shownTo('gateways', viewer)),
          )
          .execute();
        await joined(db, id, members).execute();
      });
      changed(id);
      return toRead(await readRow(id, everything), (await membersOf(store, [id], viewer)).get(id));
    },
    async setEnabled(id, enabled, viewer) {
      if (!viewer.isAdmin) await readRow(id, viewer);
      await store.query((db) =>
        db.updateTable('servers').set({ enabled, updated_at: now }).where('id', '=', id).execute(),
      );
      changed(id);
      return await readServer(id, viewer);
    },
    async remove(id, viewer) {
      if (!viewer.isAdmin) await readRow(id, viewer);
      const { numDeletedRows } = await store.query((db) =>
        db.deleteFrom('servers').where('id', '=', id).executeTakeFirst(),
      );
      if (numDeletedRows === 0n) throw notFound('server', id);
      changed(id);
    },
  };
}

/** One statement whatever their number; a member that was deleted meanwhile is left out. */
function joined(db: Kysely<Database>, serverId: string, members: Member[]) {
  const ids = members.map((member) => member.id);
  return db
    .insertInto('server_entries')
    .columns(['server_id', 'entry_id'])
    .expression((entries) =>
      entries
        .selectFrom('entries')
        .select([sql<string>`${serverId}`.as('server_id'), 'id'])
        .where(isIn('id', ids)),
    )
    .onConflict((conflict) => conflict.doNothing());
}

/** Names and ids of the members, as ContextForge gives both. */
function toRead(row: Row, members: Member[] = []): object {
  const tools = members.filter((member) => member.kind === 'tools');
  const resources = members.filter((member) => member.kind === 'resources' || member.kind === 'resourceTemplates');
  const prompts = members.filter((member) => member.kind === 'prompts');
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    icon: row.icon,
    associatedTools: tools.map((member) => member.name),
    associatedToolIds: tools.map((member) => member.id),
    associatedResources: resources.map((member) => member.id),
    associatedPrompts: prompts.map((member) => member.id),
    enabled: row.enabled,
    tags: parseTags(row.tags),
    visibility: row.visibility,
    teamId: row.team_id,
    ownerEmail: row.owner_email,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
