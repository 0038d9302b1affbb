// The catalog without memory: each question is a query. For what a setting has switched off.
import type { Config } from '../config.ts';
import type { Catalog, CatalogEntry, CatalogGateway, EntryKind, ListJson } from './catalog.ts';
import { type CatalogSource, loadEntries, loadGateways, loadMembers } from './catalog-queries.ts';
import { createListing } from './listing.ts';

export interface DirectCatalog extends Omit<Catalog, 'onListChanged'> {
  find(kind: EntryKind, name: string, serverId?: string): Promise<CatalogEntry | undefined>;
  hasResource(gatewayId: string, uri: string): Promise<boolean>;
  list(kind: EntryKind, cursor?: string, serverId?: string): Promise<ListJson>;
  gateway(gatewayId: string): Promise<CatalogGateway | undefined>;
}

export function createDirectCatalog(
  source: CatalogSource,
  config: Pick<Config, 'PAGINATION_DEFAULT_PAGE_SIZE'>,
): DirectCatalog {
  async function listing(kind: EntryKind, wanted: { name?: string; serverId: string | undefined }) {
    const rows = await loadEntries(source, { kind, ...wanted });
    const shown = rows.filter((row) => row.enabled);
    return createListing(kind, shown, config.PAGINATION_DEFAULT_PAGE_SIZE);
  }
  return {
    hasServer: async (serverId) => (await loadMembers(source.store, serverId)) !== undefined,
    async find(kind, name, serverId) {
      // Which template stands for a URI, no query can tell.
      const wanted = kind === 'resourceTemplates' ? { serverId } : { name, serverId };
      return (await listing(kind, wanted)).find(name);
    },
    async hasResource(gatewayId, uri) {
      const rows = await loadEntries(source, { kind: 'resources', name: uri });
      return rows.some((row) => row.gatewayId === gatewayId && row.originalName === uri);
    },
    list: async (kind, cursor, serverId) => (await listing(kind, { serverId })).page(cursor),
    async listWithout(isHidden, kind, cursor, serverId) {
      const gateways = await loadGateways(source);
      const hidden = new Set([...gateways.values()].filter(isHidden).map(({ id }) => id));
      const rows = await loadEntries(source, { kind, serverId });
      const shown = rows.filter((row) => row.enabled && !hidden.has(row.gatewayId));
      return createListing(kind, shown, config.PAGINATION_DEFAULT_PAGE_SIZE).page(cursor);
    },
    gateway: async (gatewayId) => (await loadGateways(source, gatewayId)).get(gatewayId),
  };
}
