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

/** Entries that are enabled, and resources that are not, of gateways that are enabled, in paging order. */
export async function loadEntries(store: Store): Promise<CatalogRow[]> {
  const rows = await store.query((db) =>
    db
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
      .where((row) => row.or([row('entries.enabled', '=', true), row('entries.kind', '=', 'resources')]))
      .where('gateways.enabled', '=', true)
      .orderBy('entries.seq')
      .execute(),
  );
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

export async function loadGateways(store: Store): Promise<Map<string, CatalogGateway>> {
  const rows = await store.query((db) =>
    db.selectFrom('gateways').select(['id', 'name', 'slug', 'url', 'transport', 'headers_json']).execute(),
  );
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
