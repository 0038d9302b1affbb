// The registry: one service per kind of thing over the store, and the catalog that the MCP side reads.
import type { Caches } from '../cache/caches.ts';
import type { Config } from '../config.ts';
import type { Upstream } from '../federation/upstream.ts';
import type { Log, Store } from '../store/store.ts';
import type { Catalog, CatalogGateway, EntryKind } from './catalog.ts';
import { createEntryService, type EntryService } from './entries.ts';
import { entryRules } from './entry-kinds.ts';
import { createGatewayService, type GatewayService } from './gateways.ts';
import { createMemoryCatalog } from './memory-catalog.ts';
import { createServerService, type ServerService } from './servers.ts';

export interface RegistryOptions {
  store: Store;
  /** A new connection to the upstream, for asking what it offers; the registry disposes of it afterwards. */
  connect: (gateway: CatalogGateway) => Upstream;
  caches: Caches;
  config: Config;
  log: Log;
}

export interface Registry {
  catalog: Catalog;
  gateways: GatewayService;
  servers: ServerService;
  tools: EntryService;
  resources: EntryService;
  resourceTemplates: EntryService;
  prompts: EntryService;
}

export function createRegistry({ store, connect, caches, config, log }: RegistryOptions): Registry {
  const memory = createMemoryCatalog({ store, config, log });
  const { catalog } = memory;
  caches.add({
    name: 'registry',
    // The key is the id of a virtual server.
    drop(key) {
      if (key === undefined) memory.invalidateEntries();
      else memory.invalidateServer(key);
    },
    stats: () => ({ name: 'registry', evictions: 0, size: 1, ...memory.cacheStats() }),
  });
  const invalidateEntries = () => caches.invalidate('registry');
  const invalidateServer = (id: string) => caches.invalidate('registry', id);
  const entryService = (kind: EntryKind) =>
    createEntryService({ rules: entryRules[kind], store, config, changed: invalidateEntries });
  return {
    catalog,
    gateways: createGatewayService({ store, connect, config, changed: invalidateEntries }),
    servers: createServerService({ store, config, changed: invalidateServer }),
    tools: entryService('tools'),
    resources: entryService('resources'),
    resourceTemplates: entryService('resourceTemplates'),
    prompts: entryService('prompts'),
  };
}
