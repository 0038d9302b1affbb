// Create, read, update, delete and list the entries of one kind.
import { randomUUID } from 'node:crypto';
import { type Kysely, sql, type Updateable } from 'kysely';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import { everything, type Viewer } from '../mcp/viewer.ts';
import type { AddressGuard } from '../ssrf.ts';
import { REST_GATEWAY_ID } from '../store/migrations/0002-tags-and-rest.ts';
import { now } from '../store/portable.ts';
import type { Store } from '../store/store.ts';
import type { Database, EntriesTable } from '../store/tables.ts';
import {
  type AudienceColumns,
  isAudienceWanted,
  isEntryShownTo,
  readAudience,
  requireTeam,
  shownTo,
  toAudienceColumns,
  toldAudienceOf,
} from './audience.ts';
import type { CredentialBox } from './credentials.ts';
import type { EntryRow, EntryRules, McpObject, RestChange } from './entry-rules.ts';
import { type Page, parseListQuery, toPage } from './paging.ts';
import { hasOneOf, toTags } from './tags.ts';

/** Bodies and queries come in as the client sent them; answers are REST shapes. What is not for the
 * viewer is not there for him: GW_NOT_FOUND. Every method may throw GW_DATABASE_UNAVAILABLE. */
export interface EntryService {
  /** @throws GW_INVALID_REQUEST, GW_NOT_FOUND (the gateway), GW_CONFLICT */
  create(body: unknown, viewer: Viewer): Promise<object>;
  /** @throws GW_NOT_FOUND */
  read(id: string, viewer: Viewer): Promise<object>;
  /** @throws GW_INVALID_REQUEST, GW_INVALID_CURSOR */
  list(query: unknown, viewer: Viewer): Promise<Page<object>>;
  /** Those of one virtual server, disabled ones only when asked for. @throws GW_NOT_FOUND (the server) */
  listOfServer(serverId: string, query: unknown, viewer: Viewer): Promise<Page<object>>;
  /** @throws GW_INVALID_REQUEST, GW_NOT_FOUND, GW_CONFLICT */
  update(id: string, body: unknown, viewer: Viewer): Promise<object>;
  /** @throws GW_NOT_FOUND */
  setEnabled(id: string, enabled: boolean, viewer: Viewer): Promise<object>;
  /** @throws GW_NOT_FOUND */
  remove(id: string, viewer: Viewer): Promise<void>;
}

export interface EntryServiceOptions {
  rules: EntryRules;
  store: Store;
  config: Pick<Config, 'PAGINATION_DEFAULT_PAGE_SIZE' | 'PAGINATION_MAX_PAGE_SIZE'>;
  credentials: CredentialBox;
  guard: Pick<AddressGuard, 'check'>;
  /** Called after each write. */
  changed: () => void;
}

export function createEntryService(options: EntryServiceOptions): EntryService {
  const { rules, store, config, credentials, guard, changed } = options;
  const { kind, noun } = rules;
  // Text that we wrote ourselves: an object by construction, not checked again for each of the rows of a page.
  const parseMcp = (row: EntryRow): McpObject => JSON.parse(row.mcp_json);
  const toRead = (row: EntryRow) => rules.toRead(row, parseMcp(row));

  async function readRow(id: string, viewer: Viewer): Promise<EntryRow> {
    const row = await store.query((db) => selectRow(db, id).executeTakeFirst());
    if (row === undefined || !isEntryShownTo(row, viewer)) throw notFound(noun, id);
    return row;
  }

  const selectRow = (db: Kysely<Database>, id: string) =>
    selectRows(db).where('entries.id', '=', id).where('entries.kind', '=', kind);

  /** Reads, changes and writes under the row's lock: of two changes at once neither is lost. */
  async function change(
    id: string,
    viewer: Viewer,
    toValues: (row: EntryRow) => Updateable<EntriesTable>,
  ): Promise<object> {
    await store.transaction(async (db) => {
      const row = await selectRow(db, id).forUpdate('entries').executeTakeFirst();
      if (row === undefined || !isEntryShownTo(row, viewer)) throw notFound(noun, id);
      await db
        .updateTable('entries')
        .set({ ...toValues(row), updated_at: now })
        .where('id', '=', id)
        .execute();
    });
    changed();
    // Whoever gives something away is told once more what it is now.
    return toRead(await readRow(id, everything));
  }

  const toRestColumns = ({ url, method, headers }: RestChange) => ({
    ...(url === undefined ? {} : { rest_url: url }),
    ...(method === undefined ? {} : { rest_method: method }),
    ...(headers === undefined ? {} : { rest_headers: credentials.seal(JSON.stringify(headers)) }),
  });

  /** @throws GW_INVALID_REQUEST when the tool is an upstream's */
  function restOf(row: EntryRow, rest: RestChange) {
    if (row.rest_url !== null) return toRestColumns(rest);
    const detail = `${row.name} is a tool of an upstream: it has no url, request_type or headers of its own`;
    throw new GatewayError('GW_INVALID_REQUEST', { detail });
  }

  async function list(query: unknown, viewer: Viewer, serverId?: string): Promise<Page<object>> {
    const { limit, skip, afterSeq, includeInactive, gatewayId, tags, visibility, teamId } = parseListQuery(
      kind,
      query,
      config,
    );
    const rows = await store.read((db) => {
      let rowsOf = selectRows(db).where('entries.kind', '=', kind).where('entries.seq', '>', String(afterSeq));
      if (!includeInactive) rowsOf = rowsOf.where('entries.enabled', '=', true).where('gateways.enabled', '=', true);
      if (!viewer.isAdmin) rowsOf = rowsOf.where(shownTo('entries', viewer)).where(shownTo('gateways', viewer));
      if (visibility !== undefined) rowsOf = rowsOf.where(toldVisibility, '=', visibility);
      if (teamId !== undefined) rowsOf = rowsOf.where(toldTeam, '=', teamId);
      if (tags !== undefined) rowsOf = rowsOf.where(hasOneOf('entries', tags));
      if (gatewayId !== undefined) rowsOf = rowsOf.where('entries.gateway_id', '=', gatewayId);
      if (serverId !== undefined) {
        rowsOf = rowsOf.where('entries.id', 'in', (members) =>
          members.selectFrom('server_entries').select('entry_id').where('server_id', '=', serverId),
        );
      }
      return rowsOf
        .orderBy('entries.seq')
        .limit(limit + 1)
        .offset(skip)
        .execute();
    });
    return toPage(kind, rows, limit, toRead);
  }

  return {
    async create(body, viewer) {
      const entry = rules.parseCreate(body);
      const wanted = readAudience(body, noun);
      await requireTeam(store, wanted, viewer);
      const isOwn = entry.rest !== undefined || isAudienceWanted(wanted);
      const audience = isOwn ? toAudienceColumns(wanted, viewer) : undefined;
      const id = randomUUID();
      if (entry.rest !== undefined) await guard.check(toCheckable(entry.rest.url));
      if (entry.rest === undefined) await requireGateway(store, entry.gatewayId, viewer);
      await store.query((db) =>
        db
          .insertInto('entries')
          .values({
            id,
            kind,
            gateway_id: entry.gatewayId,
            name: entry.name,
            original_name: entry.originalName,
            mcp_json: JSON.stringify(entry.mcp),
            discovered: false,
            tags: JSON.stringify(toTags(entry.tags ?? [])),
            ...(entry.rest === undefined ? {} : toRestColumns(entry.rest)),
            ...audience,
          })
          .execute(),
      );
      changed();
      return toRead(await readRow(id, everything));
    },
    read: async (id, viewer) => toRead(await readRow(id, viewer)),
    list: (query, viewer) => list(query, viewer),
    async listOfServer(serverId, query, viewer) {
      const server = await store.query((db) =>
        db
          .selectFrom('servers')
          .select('id')
          .where('id', '=', serverId)
          .where(shownTo('servers', viewer))
          .executeTakeFirst(),
      );
      if (server === undefined) throw notFound('server', serverId);
      return await list(query, viewer, serverId);
    },
    async update(id, body, viewer) {
      const wanted = rules.parseUpdate(body);
      if (wanted.rest?.url !== undefined) await guard.check(toCheckable(wanted.rest.url));
      const audience = readAudience(body, noun);
      await requireTeam(store, audience, viewer);
      return await change(id, viewer, (row) => ({
        ...(isAudienceWanted(audience) ? toAudienceColumns(audience, viewer, ownOf(row)) : {}),
        name: wanted.name ?? row.name,
        mcp_json: JSON.stringify({ ...parseMcp(row), ...wanted.mcp }),
        ...(wanted.tags === undefined ? {} : { tags: JSON.stringify(toTags(wanted.tags)) }),
        ...(wanted.rest === undefined ? {} : restOf(row, wanted.rest)),
      }));
    },
    setEnabled: (id, enabled, viewer) => change(id, viewer, () => ({ enabled })),
    async remove(id, viewer) {
      if (!viewer.isAdmin) await readRow(id, viewer);
      const { numDeletedRows } = await store.query((db) =>
        db.deleteFrom('entries').where('id', '=', id).where('kind', '=', kind).executeTakeFirst(),
      );
      if (numDeletedRows === 0n) throw notFound(noun, id);
      changed();
    },
  };
}

/** What an entry without an audience of its own begins with when it gets one. */
function ownOf(row: EntryRow): AudienceColumns {
  const { visibility, teamId, ownerEmail } = toldAudienceOf(row);
  return { visibility, team_id: teamId, owner_email: ownerEmail };
}

const toldVisibility = sql`coalesce(entries.visibility, gateways.visibility)`;
const toldTeam = sql`case when entries.visibility is null then gateways.team_id else entries.team_id end`;

async function requireGateway(store: Store, gatewayId: string, viewer: Viewer): Promise<void> {
  const gateway = await store.query((db) =>
    db
      .selectFrom('gateways')
      .select('id')
      .where('id', '=', gatewayId)
      .where('id', '!=', REST_GATEWAY_ID)
      .where(shownTo('gateways', viewer))
      .executeTakeFirst(),
  );
  if (gateway === undefined) throw notFound('gateway', gatewayId);
}

/** A template's variables stand for anything but the host: what they become is checked when the call is made. */
function toCheckable(url: string): string {
  return url.replace(/\{[^{}]*\}/g, 'x');
}

export function notFound(noun: string, id: string): GatewayError {
  return new GatewayError('GW_NOT_FOUND', { detail: `no ${noun} has the id ${JSON.stringify(id.slice(0, 80))}` });
}

function selectRows(db: Kysely<Database>) {
  return db
    .selectFrom('entries')
    .innerJoin('gateways', 'gateways.id', 'entries.gateway_id')
    .select(['entries.id', 'entries.seq', 'entries.gateway_id', 'entries.name', 'entries.original_name'])
    .select(['entries.mcp_json', 'entries.enabled', 'entries.created_at', 'entries.updated_at'])
    .select(['entries.tags', 'entries.rest_url', 'entries.rest_method'])
    .select(['entries.visibility', 'entries.team_id', 'entries.owner_email'])
    .select([
      'gateways.visibility as gateway_visibility',
      'gateways.team_id as gateway_team_id',
      'gateways.owner_email as gateway_owner_email',
    ])
    .select([
      'gateways.slug as gateway_slug',
      'gateways.url as gateway_url',
      'gateways.transport as gateway_transport',
    ]);
}
