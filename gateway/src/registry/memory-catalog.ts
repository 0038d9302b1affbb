// The catalog in memory. All enabled entries are one snapshot; each virtual server that is asked for has a small one of its
// own (its members), so that creating and deleting virtual servers costs the others nothing.
import { LRUCache } from 'lru-cache';
import { Snapshot } from '../cache/snapshot.ts';
import type { Config } from '../config.ts';
import type { Log, Store } from '../store/store.ts';
import type { Catalog, CatalogGateway, EntryKind } from './catalog.ts';
import { type CatalogRow, loadEntries, loadGateways, loadMembers } from './catalog-queries.ts';
import { createListing, type Listing } from './listing.ts';

const SERVERS_KEPT = 10_000;
const RETRY_MS = 1000;

type Listings = Record<EntryKind, Listing>;

interface Everything {
  gateways: Map<string, CatalogGateway>;
  rows: CatalogRow[];
  listings: Listings;
  /** Of all resources, also the disabled ones. */
  resourceKeys: Set<string>;
}

/** `listings` are those of `source`: made anew when the entries were. */
interface Members {
  entryIds: Set<string> | undefined;
  source?: Everything;
  listings?: Listings;
}

export interface MemoryCatalog {
  catalog: Catalog;
  /** Entries or gateways were written. */
  invalidateEntries: () => void;
  /** One virtual server was written. */
  invalidateServer: (serverId: string) => void;
  /** Lookups that were answered from memory, and those that had to wait for the database. */
  cacheStats: () => { hits: number; misses: number };
}

export interface MemoryCatalogOptions {
  store: Store;
  config: Pick<Config, 'REGISTRY_CACHE_TTL' | 'PAGINATION_DEFAULT_PAGE_SIZE'>;
  log: Log;
  /** Monotonic milliseconds. */
  now?: () => number;
}

export function createMemoryCatalog({ store, config, log, now }: MemoryCatalogOptions): MemoryCatalog {
  const pageSize = config.PAGINATION_DEFAULT_PAGE_SIZE;
  let isStaleLogged = false;
  const snapshot = <T>(load: () => Promise<T>) =>
    new Snapshot<T>({
      load: async () => {
        const value = await load();
        isStaleLogged = false;
        return value;
      },
      ttlMs: config.REGISTRY_CACHE_TTL * 1000,
      retryMs: RETRY_MS,
      now: now ?? (() => performance.now()),
      onStale: (error) => {
        if (!isStaleLogged)
          log.warn({ error: String(error) }, 'serving the registry from memory: it cannot be read anew');
        isStaleLogged = true;
      },
    });

  const everything = snapshot<Everything>(async () => {
    const all = await loadEntries(store);
    const rows = all.filter((row) => row.enabled);
    const resourceKeys = new Set(
      all.filter((row) => row.kind === 'resources').map((row) => toResourceKey(row.gatewayId, row.originalName)),
    );
    return { rows, gateways: await loadGateways(store), listings: toListings(rows, pageSize), resourceKeys };
  });

  const serverStats = { hits: 0, misses: 0 };
  const servers = new LRUCache<string, Snapshot<Members>>({
    max: SERVERS_KEPT,
    dispose: (server) => {
      serverStats.hits += server.hits;
      serverStats.misses += server.misses;
    },
  });

  function members(serverId: string): Members | Promise<Members> {
    let server = servers.get(serverId);
    if (server === undefined) {
      server = snapshot<Members>(async () => ({ entryIds: await loadMembers(store, serverId) }));
      servers.set(serverId, server);
    }
    return server.get();
  }

  function listings(serverId: string | undefined): Listings | Promise<Listings> {
    const all = everything.get();
    if (serverId === undefined) return all instanceof Promise ? all.then((loaded) => loaded.listings) : all.listings;
    const own = members(serverId);
    if (all instanceof Promise || own instanceof Promise) {
      return Promise.all([all, own]).then(([loaded, loadedOwn]) => memberListings(loaded, loadedOwn, pageSize));
    }
    return memberListings(all, own, pageSize);
  }

  const catalog: Catalog = {
    async hasServer(serverId) {
      return (await members(serverId)).entryIds !== undefined;
    },
    find(kind, name, serverId) {
      const lists = listings(serverId);
      return lists instanceof Promise ? lists.then((loaded) => loaded[kind].find(name)) : lists[kind].find(name);
    },
    hasResource(gatewayId, uri) {
      const all = everything.get();
      const key = toResourceKey(gatewayId, uri);
      return all instanceof Promise ? all.then((loaded) => loaded.resourceKeys.has(key)) : all.resourceKeys.has(key);
    },
    list(kind, cursor, serverId) {
      const lists = listings(serverId);
      return lists instanceof Promise ? lists.then((loaded) => loaded[kind].page(cursor)) : lists[kind].page(cursor);
    },
    gateway(gatewayId) {
      const all = everything.get();
      return all instanceof Promise
        ? all.then((loaded) => loaded.gateways.get(gatewayId))
        : all.gateways.get(gatewayId);
    },
  };

  return {
    catalog,
    invalidateEntries: () => everything.invalidate(),
    invalidateServer: (serverId) => servers.get(serverId)?.invalidate(),
    cacheStats() {
      const stats = { hits: everything.hits + serverStats.hits, misses: everything.misses + serverStats.misses };
      for (const server of servers.values()) {
        stats.hits += server.hits;
        stats.misses += server.misses;
      }
      return stats;
    },
  };
}

/** An id has no blank in it. */
function toResourceKey(gatewayId: string, uri: string): string {
  return `${gatewayId} ${uri}`;
}

function memberListings(all: Everything, own: Members, pageSize: number): Listings {
  if (own.listings === undefined || own.source !== all) {
    own.source = all;
    own.listings = toListings(
      all.rows.filter((row) => own.entryIds?.has(row.id)),
      pageSize,
    );
  }
  return own.listings;
}

function toListings(rows: CatalogRow[], pageSize: number): Listings {
  const listing = (kind: EntryKind) =>
    createListing(
      kind,
      rows.filter((row) => row.kind === kind),
      pageSize,
    );
  return {
    tools: listing('tools'),
    resources: listing('resources'),
    resourceTemplates: listing('resourceTemplates'),
    prompts: listing('prompts'),
  };
}
