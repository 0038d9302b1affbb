// What the catalog in memory reads of the database.
import { Type } from 'typebox';
import { type Audience, publicOnly, type Viewer } from '../mcp/viewer.ts';
import { parse } from '../parse.ts';
import { REST_GATEWAY_ID } from '../store/migrations/0002-tags-and-rest.ts';
import type { Log, Store } from '../store/store.ts';
import { audiencesOf, shownTo, toAudience } from './audience.ts';
import type { CatalogGateway, EntryKind, RestTool } from './catalog.ts';
import type { CredentialBox } from './credentials.ts';
import type { ListedEntry } from './listing.ts';
import type { Shown } from './views.ts';

export interface CatalogRow extends ListedEntry, Shown {
  kind: EntryKind;
  /** False for a resource that is disabled: it is not shown, and no template may show it either. */
  enabled: boolean;
}

/** Where the catalog comes from. */
export interface CatalogSource {
  store: Store;
  credentials: CredentialBox;
  log: Log;
}

export const Headers = Type.Record(Type.String(), Type.String());
const Names = Type.Array(Type.String());

/** Which rows: all of a kind, or those that one look-up needs. */
export interface Wanted {
  kind: EntryKind;
  /** The public name or the upstream's own. */
  name?: string;
  /** Members of this virtual server, if it is enabled and the viewer may see it. */
  serverId?: string | undefined;
  viewer?: Viewer;
}

/** Entries that are enabled, and resources that are not, of gateways that are enabled, in paging order. */
export async function loadEntries(
  source: CatalogSource,
  { kind, name, serverId, viewer = publicOnly }: Wanted,
): Promise<CatalogRow[]> {
  const { store } = source;
  const rows = await store.query((db) => {
    const all = db
      .selectFrom('entries')
      .innerJoin('gateways', 'gateways.id', 'entries.gateway_id')
      .select([
        'entries.id',
        'entries.seq',
        'entries.kind',
        'entries.gateway_id',
        'entries.name',
        'entries.original_name',
        'entries.enabled',
      ])
      .select(['entries.visibility', 'entries.team_id', 'entries.owner_email'])
      .select([
        'gateways.visibility as gateway_visibility',
        'gateways.team_id as gateway_team_id',
        'gateways.owner_email as gateway_owner_email',
      ])
      .select(['entries.mcp_json', 'entries.rest_url', 'entries.rest_method', 'entries.rest_headers'])
      .where('entries.kind', '=', kind)
      .where('gateways.enabled', '=', true)
      .where('gateways.reachable', '=', true)
      .orderBy('entries.seq');
    const shown = kind === 'resources' ? all : all.where('entries.enabled', '=', true);
    const named =
      name === undefined
        ? shown
        : shown.where((row) => row.or([row('entries.name', '=', name), row('entries.original_name', '=', name)]));
    if (serverId === undefined) return named.execute();
    return named
      .where('entries.id', 'in', (members) =>
        members
          .selectFrom('server_entries')
          .innerJoin('servers', 'servers.id', 'server_entries.server_id')
          .select('server_entries.entry_id')
          .where('servers.id', '=', serverId)
          .where('servers.enabled', '=', true)
          .where(shownTo('servers', viewer)),
      )
      .execute();
  });
  return rows.map((row) => ({
    id: row.id,
    seq: Number(row.seq),
    kind: row.kind,
    // A resource is asked for by its URI: that is its public name here.
    name: row.kind === 'tools' || row.kind === 'prompts' ? row.name : row.original_name,
    originalName: row.original_name,
    gatewayId: row.gateway_id,
    json: row.mcp_json,
    enabled: row.enabled,
    audiences: audiencesOf(row),
    rest: row.rest_url === null ? undefined : readOrLeaveOut(source, row, () => toRestTool(row, source.credentials)),
  }));
}

interface RestRow {
  id: string;
  mcp_json: string;
  rest_url: string | null;
  rest_method: string | null;
  rest_headers: string | null;
}

const RestColumns = Type.Object({
  url: Type.String(),
  method: Type.Enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']),
  headers: Headers,
  inputSchema: Type.Record(Type.String(), Type.Unknown()),
});

function toRestTool(row: RestRow, credentials: CredentialBox): RestTool {
  const { inputSchema } = JSON.parse(row.mcp_json) as { inputSchema?: unknown };
  const headers: unknown = JSON.parse(credentials.open(row.rest_headers ?? '{}'));
  return parse(RestColumns, { url: row.rest_url, method: row.rest_method, headers, inputSchema }, `tool ${row.id}`);
}

/** What cannot be read must not take everything else with it. */
function readOrLeaveOut<T>({ log }: CatalogSource, row: { id: string }, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    log.error({ id: row.id, error: String(error) }, 'left out of the registry: its credentials cannot be read');
    return undefined;
  }
}

/** All of them, or the one with that id. */
export async function loadGateways(source: CatalogSource, id?: string): Promise<Map<string, CatalogGateway>> {
  const rows = await source.store.query((db) => {
    const all = db
      .selectFrom('gateways')
      .select(['id', 'name', 'slug', 'url', 'transport', 'headers_json', 'passthrough_headers'])
      .where('id', '!=', REST_GATEWAY_ID);
    return (id === undefined ? all : all.where('id', '=', id)).execute();
  });
  return new Map(
    rows.flatMap(({ headers_json, passthrough_headers, ...gateway }) => {
      const read = () => parse(Headers, JSON.parse(source.credentials.open(headers_json)), `gateway ${gateway.id}`);
      const headers = readOrLeaveOut(source, gateway, read);
      const passthroughHeaders = toNames(passthrough_headers);
      return headers === undefined ? [] : [[gateway.id, { ...gateway, headers, passthroughHeaders }] as const];
    }),
  );
}

/** `passthrough_headers` of a gateway. */
export function toNames(text: string | null): string[] | undefined {
  return text === null ? undefined : parse(Names, JSON.parse(text), 'passthrough_headers');
}

/** Whom a virtual server is for, and the ids of its members. */
export interface ServerMembers {
  audience: Audience;
  entryIds: Set<string>;
}

/** Undefined when there is no such server or it is disabled. */
export async function loadMembers(store: Store, serverId: string): Promise<ServerMembers | undefined> {
  const rows = await store.query((db) =>
    db
      .selectFrom('servers')
      .leftJoin('server_entries', 'server_entries.server_id', 'servers.id')
      .select(['servers.visibility', 'servers.team_id', 'servers.owner_email', 'server_entries.entry_id'])
      .where('servers.id', '=', serverId)
      .where('servers.enabled', '=', true)
      .execute(),
  );
  const [server] = rows;
  if (server === undefined) return undefined;
  const entryIds = new Set(rows.flatMap((row) => (row.entry_id === null ? [] : [row.entry_id])));
  return { audience: toAudience(server), entryIds };
}
