// The catalog without memory: each question is a query. For what a setting has switched off.
import type { Config } from '../config.ts';
import { isShownTo, publicOnly, type Viewer } from '../mcp/viewer.ts';
import type { Catalog, CatalogEntry, CatalogGateway, EntryKind, ListJson } from './catalog.ts';
import { type CatalogRow, type CatalogSource, loadEntries, loadGateways, loadMembers } from './catalog-queries.ts';
import { createListing } from './listing.ts';
import { isRowShownTo } from './views.ts';

export interface DirectCatalog extends Omit<Catalog, 'onListChanged'> {
  find(kind: EntryKind, name: string, serverId?: string, viewer?: Viewer): Promise<CatalogEntry | undefined>;
  hasResource(gatewayId: string, uri: string): Promise<boolean>;
  list(kind: EntryKind, cursor?: string, serverId?: string, viewer?: Viewer): Promise<ListJson>;
  gateway(gatewayId: string): Promise<CatalogGateway | undefined>;
}

export function createDirectCatalog(
  source: CatalogSource,
  config: Pick<Config, 'PAGINATION_DEFAULT_PAGE_SIZE'>,
): DirectCatalog {
  async function hasServer(serverId: string, viewer: Viewer): Promise<boolean> {
    const server = await loadMembers(source.store, serverId);
    return server !== undefined && isShownTo(server.audience, viewer);
  }

  async function shown(kind: EntryKind, wanted: { name?: string; serverId: string | undefined }, viewer: Viewer) {
    const rows = await loadEntries(source, { kind, ...wanted, viewer });
    return rows.filter((row) => row.enabled && isRowShownTo(row, viewer));
  }

  const toListing = (kind: EntryKind, rows: CatalogRow[]) =>
    createListing(kind, rows, config.PAGINATION_DEFAULT_PAGE_SIZE);

  return {
    hasServer: (serverId, viewer = publicOnly) => hasServer(serverId, viewer),
    async find(kind, name, serverId, viewer = publicOnly) {
      // Which template stands for a URI, no query can tell.
      const wanted = kind === 'resourceTemplates' ? { serverId } : { name, serverId };
      return toListing(kind, await shown(kind, wanted, viewer)).find(name);
    },
    async hasResource(gatewayId, uri) {
      const rows = await loadEntries(source, { kind: 'resources', name: uri });
      return rows.some((row) => row.gatewayId === gatewayId && row.originalName === uri);
    },
    async list(kind, cursor, serverId, viewer = publicOnly) {
      return toListing(kind, await shown(kind, { serverId }, viewer)).page(cursor);
    },
    async listWithout(isHidden, kind, cursor, serverId, viewer = publicOnly) {
      const gateways = await loadGateways(source);
      const hidden = new Set([...gateways.values()].filter(isHidden).map(({ id }) => id));
      const rows = await shown(kind, { serverId }, viewer);
      const told = rows.filter((row) => !hidden.has(row.gatewayId));
      return toListing(kind, told).page(cursor);
    },
    gateway: async (gatewayId) => (await loadGateways(source, gatewayId)).get(gatewayId),
  };
}
