// The catalog in memory. The enabled entries of each kind are one snapshot, the gateways another; each virtual server that is
// asked for has a small one of its own (its members), so that creating and deleting virtual servers costs the others nothing.
// What a setting switches off is read of the database each time (catalog-direct.ts).
import { LRUCache } from 'lru-cache';
import type { NamedCache } from '../cache/cache.ts';
import { Snapshot, type SnapshotCounts } from '../cache/snapshot.ts';
import type { Config } from '../config.ts';
import { isShownTo, publicOnly, type Viewer } from '../mcp/viewer.ts';
import type { Catalog, EntryKind } from './catalog.ts';
import { createDirectCatalog } from './catalog-direct.ts';
import {
  type CatalogRow,
  type CatalogSource,
  loadEntries,
  loadGateways,
  loadMembers,
  type ServerMembers,
} from './catalog-queries.ts';
import { ListChanges } from './list-changes.ts';
import { createListing, type Listing } from './listing.ts';
import { Views } from './views.ts';

const SERVERS_KEPT = 10_000;
const RETRY_MS = 1000;

/** All entries of one kind. */
interface Entries {
  rows: CatalogRow[];
  listings: Listings;
  /** Also of the disabled ones: where a resource is registered. */
  keys: Set<string>;
}

type Listings = Views<CatalogRow, Listing>;

/** `listings` are those of `source`: made anew when the entries were. */
interface Members {
  /** Undefined: there is none, or it is disabled. */
  server: ServerMembers | undefined;
  listings: Partial<Record<EntryKind, { source: Entries; listings: Listings }>>;
}

const isServer = ({ server }: Members, viewer: Viewer) => server !== undefined && isShownTo(server.audience, viewer);

export interface MemoryCatalog {
  catalog: Catalog;
  /** By name, for invalidation and counts; the key of `registry_servers` is the id of a virtual server. */
  caches: NamedCache[];
}

type CatalogConfig = Pick<
  Config,
  | 'REGISTRY_CACHE_ENABLED'
  | 'REGISTRY_CACHE_TOOLS_TTL'
  | 'REGISTRY_CACHE_RESOURCES_TTL'
  | 'REGISTRY_CACHE_PROMPTS_TTL'
  | 'REGISTRY_CACHE_SERVERS_TTL'
  | 'REGISTRY_CACHE_GATEWAYS_TTL'
  | 'TOOL_LOOKUP_CACHE_ENABLED'
  | 'TOOL_LOOKUP_CACHE_TTL'
  | 'PAGINATION_DEFAULT_PAGE_SIZE'
>;

export interface MemoryCatalogOptions {
  source: CatalogSource;
  config: CatalogConfig;
  /** Monotonic milliseconds. */
  now?: () => number;
}

export function createMemoryCatalog({ source, config, now }: MemoryCatalogOptions): MemoryCatalog {
  const { store, log } = source;
  let isStaleLogged = false;
  const snapshot = <T>(ttlSeconds: () => number, load: () => Promise<T>) =>
    new Snapshot<T>({
      load: async () => {
        const value = await load();
        isStaleLogged = false;
        return value;
      },
      ttlMs: () => ttlSeconds() * 1000,
      retryMs: RETRY_MS,
      now: now ?? (() => performance.now()),
      onStale: (error) => {
        if (!isStaleLogged)
          log.warn({ error: String(error) }, 'serving the registry from memory: it cannot be read anew');
        isStaleLogged = true;
      },
    });
  const gateways = snapshot(
    () => config.REGISTRY_CACHE_GATEWAYS_TTL,
    () => loadGateways(source),
  );
  const changes = new ListChanges();
  const uncounted: SnapshotCounts = { hits: 0, misses: 0 };
  const ofKind = (kind: EntryKind, ttlSeconds: () => number) =>
    snapshot<Entries>(ttlSeconds, async () => {
      // Together with where their calls go: whoever is shown an entry can call it, also when the database is gone by then.
      const [all] = await Promise.all([loadEntries(source, { kind }), gateways.get(undefined, uncounted)]);
      const rows = all.filter((row) => row.enabled);
      changes.read(kind, rows);
      const keys = kind === 'resources' ? all.map((row) => toResourceKey(row.gatewayId, row.originalName)) : [];
      return { rows, listings: toListings(kind, rows, config.PAGINATION_DEFAULT_PAGE_SIZE), keys: new Set(keys) };
    });

  const entries = {
    tools: ofKind('tools', () => config.REGISTRY_CACHE_TOOLS_TTL),
    resources: ofKind('resources', () => config.REGISTRY_CACHE_RESOURCES_TTL),
    resourceTemplates: ofKind('resourceTemplates', () => config.REGISTRY_CACHE_RESOURCES_TTL),
    prompts: ofKind('prompts', () => config.REGISTRY_CACHE_PROMPTS_TTL),
  };
  const servers = new LRUCache<string, Snapshot<Members>>({ max: SERVERS_KEPT });
  const lookupCounts: SnapshotCounts = { hits: 0, misses: 0 };
  const serverCounts: SnapshotCounts = { hits: 0, misses: 0 };
  const direct = createDirectCatalog(source, config);
  /** Where a call goes (its server, its gateway) is needed by both. */
  const isAnyKept = () => config.REGISTRY_CACHE_ENABLED || config.TOOL_LOOKUP_CACHE_ENABLED;

  function members(serverId: string): Members | Promise<Members> {
    let server = servers.get(serverId);
    if (server === undefined) {
      server = snapshot<Members>(
        () => config.REGISTRY_CACHE_SERVERS_TTL,
        async () => ({ server: await loadMembers(store, serverId), listings: {} }),
      );
      servers.set(serverId, server);
    }
    return server.get(undefined, serverCounts);
  }

  /** Synchronous when all of it is in memory. `all` has been asked for with its own age and counts. */
  function listingOf(
    kind: EntryKind,
    all: Entries | Promise<Entries>,
    serverId: string | undefined,
    viewer: Viewer,
  ): Listing | Promise<Listing> {
    if (serverId === undefined) {
      return all instanceof Promise ? all.then(({ listings }) => listings.of(viewer)) : all.listings.of(viewer);
    }
    const own = members(serverId);
    const size = config.PAGINATION_DEFAULT_PAGE_SIZE;
    if (all instanceof Promise || own instanceof Promise) {
      return Promise.all([all, own]).then(([loaded, loadedOwn]) =>
        memberListing(kind, loaded, loadedOwn, size, viewer),
      );
    }
    return memberListing(kind, all, own, size, viewer);
  }

  const catalog: Catalog = {
    hasServer(serverId, viewer = publicOnly) {
      if (!isAnyKept()) return direct.hasServer(serverId, viewer);
      const own = members(serverId);
      return own instanceof Promise ? own.then((loaded) => isServer(loaded, viewer)) : isServer(own, viewer);
    },
    find(kind, name, serverId, viewer = publicOnly) {
      const isTool = kind === 'tools';
      if (!(isTool ? config.TOOL_LOOKUP_CACHE_ENABLED : config.REGISTRY_CACHE_ENABLED)) {
        return direct.find(kind, name, serverId, viewer);
      }
      const all = isTool ? entries.tools.get(config.TOOL_LOOKUP_CACHE_TTL * 1000, lookupCounts) : entries[kind].get();
      const listing = listingOf(kind, all, serverId, viewer);
      return listing instanceof Promise ? listing.then((loaded) => loaded.find(name)) : listing.find(name);
    },
    hasResource(gatewayId, uri) {
      if (!config.REGISTRY_CACHE_ENABLED) return direct.hasResource(gatewayId, uri);
      const all = entries.resources.get();
      const key = toResourceKey(gatewayId, uri);
      return all instanceof Promise ? all.then(({ keys }) => keys.has(key)) : all.keys.has(key);
    },
    list(kind, cursor, serverId, viewer = publicOnly) {
      if (!config.REGISTRY_CACHE_ENABLED) return direct.list(kind, cursor, serverId, viewer);
      const listing = listingOf(kind, entries[kind].get(), serverId, viewer);
      return listing instanceof Promise ? listing.then((loaded) => loaded.page(cursor)) : listing.page(cursor);
    },
    onListChanged: (listener, isWanted) => changes.listen(listener, isWanted),
    listWithout: direct.listWithout,
    gateway(gatewayId) {
      if (!isAnyKept()) return direct.gateway(gatewayId);
      const all = gateways.get();
      return all instanceof Promise ? all.then((loaded) => loaded.get(gatewayId)) : all.get(gatewayId);
    },
  };

  const drop = (kind: EntryKind): void => {
    entries[kind].invalidate();
    changes.written(() => entries[kind].get(undefined, uncounted));
  };
  const named = (name: string, counts: SnapshotCounts[], drop: (key?: string) => void, size = () => 1): NamedCache => ({
    name,
    drop,
    stats() {
      const hits = counts.reduce((sum, one) => sum + one.hits, 0);
      const misses = counts.reduce((sum, one) => sum + one.misses, 0);
      return { name, hits, misses, evictions: 0, size: size() };
    },
  });
  return {
    catalog,
    caches: [
      named('tool_lookup', [lookupCounts], () => entries.tools.invalidate()),
      named('registry_tools', [entries.tools.counts], () => drop('tools')),
      named('registry_resources', [entries.resources.counts, entries.resourceTemplates.counts], () => {
        drop('resources');
        drop('resourceTemplates');
      }),
      named('registry_prompts', [entries.prompts.counts], () => drop('prompts')),
      named('registry_gateways', [gateways.counts], () => gateways.invalidate()),
      named(
        'registry_servers',
        [serverCounts],
        (serverId) => {
          if (serverId !== undefined) servers.get(serverId)?.invalidate();
          else for (const server of servers.values()) server.invalidate();
          changes.membersWritten(serverId);
        },
        () => servers.size,
      ),
    ],
  };
}

/** An id has no blank in it. */
function toResourceKey(gatewayId: string, uri: string): string {
  return `${gatewayId} ${uri}`;
}

const toListings = (kind: EntryKind, rows: readonly CatalogRow[], pageSize: number): Listings =>
  new Views(rows, (shown) => createListing(kind, shown, pageSize));

function memberListing(kind: EntryKind, all: Entries, own: Members, pageSize: number, viewer: Viewer): Listing {
  const { server } = own;
  // It may have been taken from the viewer since a session was opened on it.
  if (server === undefined || !isShownTo(server.audience, viewer)) return createListing(kind, [], pageSize);
  const known = own.listings[kind];
  if (known !== undefined && known.source === all) return known.listings.of(viewer);
  const rows = all.rows.filter((row) => server.entryIds.has(row.id));
  const listings = toListings(kind, rows, pageSize);
  own.listings[kind] = { source: all, listings };
  return listings.of(viewer);
}
