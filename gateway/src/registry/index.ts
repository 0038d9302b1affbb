// The registry: one service per kind of thing over the store, and the catalog that the MCP side reads.
import type { Caches } from '../cache/caches.ts';
import type { Config } from '../config.ts';
import type { Upstream } from '../federation/upstream.ts';
import { createAddressGuard } from '../ssrf.ts';
import type { Log, Store } from '../store/store.ts';
import type { Catalog, CatalogGateway, EntryKind } from './catalog.ts';
import { createCredentialBox } from './credentials.ts';
import { createEntryService, type EntryService } from './entries.ts';
import { entryRules } from './entry-kinds.ts';
import { exportRegistry, type RegistryDocument } from './export.ts';
import { createGatewayService, type GatewayService } from './gateways.ts';
import { type ImportReport, importRegistry } from './import.ts';
import { createChanged, createLists, type Lists } from './lists.ts';
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
  /** Answers of the REST lists. */
  lists: Lists;
  /** `user` is named in it. */
  export(query: unknown, user: string): Promise<RegistryDocument>;
  import(body: unknown): Promise<ImportReport>;
}

export function createRegistry({ store, connect, caches, config, log }: RegistryOptions): Registry {
  const credentials = createCredentialBox(config);
  const guard = createAddressGuard(config);
  const memory = createMemoryCatalog({ source: { store, credentials, log }, config });
  for (const cache of memory.caches) caches.add(cache);
  const changed = createChanged(caches);
  const entryService = (kind: EntryKind, list: 'tools' | 'resources' | 'prompts') =>
    createEntryService({
      rules: entryRules[kind],
      store,
      config,
      credentials,
      guard,
      changed: () => changed.entries(list),
    });
  const services = {
    gateways: createGatewayService({ store, connect, config, credentials, log, guard, changed: changed.gateways }),
    servers: createServerService({ store, config, changed: changed.server }),
    tools: entryService('tools', 'tools'),
    resources: entryService('resources', 'resources'),
    resourceTemplates: entryService('resourceTemplates', 'resources'),
    prompts: entryService('prompts', 'prompts'),
  };
  return {
    ...services,
    catalog: memory.catalog,
    lists: createLists(caches, config),
    export: (query, user) => exportRegistry(store, query, user),
    import: (body) => importRegistry({ store, credentials, log, ...services }, body),
  };
}
