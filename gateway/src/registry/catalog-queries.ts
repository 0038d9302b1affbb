// What the catalog in memory reads of the database.
import { Type } from 'typebox';
import { parse } from '../parse.ts';
import type { Store } from '../store/store.ts';
import type { CatalogGateway, EntryKind } from './catalog.ts';
import type { ListedEntry } from './listing.ts';

export interface CatalogRow extends ListedEntry {
  kind: EntryKind;
  /** False for a resource that is disabled: it is not shown, and no template may show it either. */
  enabled: boolean;
}

export const Headers = Type.Record(Type.String(), Type.String());

/** Which rows: all of a kind, or those that one look-up needs. */
export interface Wanted {
  kind: EntryKind;
  /** The public name or the upstream's own. */
  name?: string;
  /** Members of this virtual server, if it is enabled. */
  serverId?: string | undefined;
}

/** Entries that are enabled, and resources that are not, of gateways that are enabled, in paging order. */
export async function loadEntries(store: Store, { kind, name, serverId }: Wanted): Promise<CatalogRow[]> {
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
      .select('entries.mcp_json')
      .where('entries.kind', '=', kind)
      .where('gateways.enabled', '=', true)
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
          .where('servers.enabled', '=', true),
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
  }));
}

/** All of them, or the one with that id. */
export async function loadGateways(store: Store, id?: string): Promise<Map<string, CatalogGateway>> {
  const rows = await store.query((db) => {
    const all = db.selectFrom('gateways').select(['id', 'name', 'slug', 'url', 'transport', 'headers_json']);
    return (id === undefined ? all : all.where('id', '=', id)).execute();
  });
  return new Map(
    rows.map(({ headers_json, ...gateway }) => [
      gateway.id,
      { ...gateway, headers: parse(Headers, JSON.parse(headers_json), `gateway ${gateway.id}`) },
    ]),
  );
}

/** The ids of a virtual server's members; undefined when there is no such server or it is disabled. */
export async function loadMembers(store: Store, serverId: string): Promise<Set<string> | undefined> {
  const rows = await store.query((db) =>
    db
      .selectFrom('servers')
      .leftJoin('server_entries', 'server_entries.server_id', 'servers.id')
      .select('server_entries.entry_id')
      .where('servers.id', '=', serverId)
      .where('servers.enabled', '=', true)
      .execute(),
  );
  if (rows.length === 0) return undefined;
  return new Set(rows.flatMap((row) => (row.entry_id === null ? [] : [row.entry_id])));
}
