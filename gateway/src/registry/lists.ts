// Answers of the REST lists as ready bytes, and what a write makes wrong. A page of 50 tools costs a query and its
// serialisation once per TTL instead of once per request.
import type { Cache, Codec } from '../cache/cache.ts';
import type { Caches } from '../cache/caches.ts';
import type { Config } from '../config.ts';

/** One page, as it goes out. */
export interface ListBytes {
  body: Buffer;
  nextCursor: string | undefined;
}

export const listNames = ['tools', 'resources', 'prompts', 'servers', 'gateways'] as const;
export type ListName = (typeof listNames)[number];
export type Lists = Record<ListName, Cache<ListBytes>>;

/** Per list 25 MB at the worst, whatever is asked for. */
const PAGES_KEPT = 100;
const PAGE_MAX_BYTES = 256 * 1024;

/** A line with the cursor, then the body. */
const codec: Codec<ListBytes> = {
  toText: ({ body, nextCursor }) => `${nextCursor ?? ''}\n${body.toString()}`,
  fromText(text) {
    const end = text.indexOf('\n');
    if (end === -1) return undefined;
    return { nextCursor: end === 0 ? undefined : text.slice(0, end), body: Buffer.from(text.slice(end + 1)) };
  },
};

export function createLists(
  caches: Caches,
  config: Pick<
    Config,
    | 'REGISTRY_CACHE_ENABLED'
    | 'REGISTRY_CACHE_TOOLS_TTL'
    | 'REGISTRY_CACHE_RESOURCES_TTL'
    | 'REGISTRY_CACHE_PROMPTS_TTL'
    | 'REGISTRY_CACHE_SERVERS_TTL'
    | 'REGISTRY_CACHE_GATEWAYS_TTL'
  >,
): Lists {
  const create = (name: ListName, ttlSeconds: () => number) =>
    caches.create<ListBytes>({
      name: `list_${name}`,
      isEnabled: () => config.REGISTRY_CACHE_ENABLED,
      ttlMs: () => ttlSeconds() * 1000,
      max: () => PAGES_KEPT,
      isKept: ({ body }) => body.length <= PAGE_MAX_BYTES,
      codec,
    });
  return {
    tools: create('tools', () => config.REGISTRY_CACHE_TOOLS_TTL),
    resources: create('resources', () => config.REGISTRY_CACHE_RESOURCES_TTL),
    prompts: create('prompts', () => config.REGISTRY_CACHE_PROMPTS_TTL),
    servers: create('servers', () => config.REGISTRY_CACHE_SERVERS_TTL),
    gateways: create('gateways', () => config.REGISTRY_CACHE_GATEWAYS_TTL),
  };
}

/** Called after each write, when it is committed. */
export interface Changed {
  gateways: () => void;
  entries: (list: 'tools' | 'resources' | 'prompts') => void;
  server: (serverId: string) => void;
}

export function createChanged(caches: Caches): Changed {
  return {
    // Entries are shown with the slug, the URL and the switch of their gateway, and come and go with it.
    gateways() {
      for (const name of listNames) caches.invalidate(`list_${name}`);
      for (const name of ['tools', 'resources', 'prompts', 'gateways']) caches.invalidate(`registry_${name}`);
      caches.invalidate('resource');
    },
    // A virtual server is listed with the names of its members.
    entries(list) {
      for (const name of [`list_${list}`, 'list_servers', `registry_${list}`]) caches.invalidate(name);
      if (list === 'resources') caches.invalidate('resource');
    },
    // `GET /servers/:id/tools` is a list of tools.
    server(serverId) {
      for (const name of ['servers', 'tools', 'resources', 'prompts']) caches.invalidate(`list_${name}`);
      caches.invalidate('registry_servers', serverId);
    },
  };
}
