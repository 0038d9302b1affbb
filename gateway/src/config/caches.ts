// What is kept in memory, for how long and how much. CACHE_TYPE (redis.ts) says who else is told and what is shared.
import { count, flag, seconds } from './setting.ts';

const listTtl = (what: string, seconds_: number) =>
  seconds(`how long ${what} are served from memory`, { default: seconds_, minimum: 0.01, maximum: 86_400, live: true });

export const cacheSettings = {
  REGISTRY_CACHE_ENABLED: flag('keep the lists of the registry in memory', true, { live: true }),
  REGISTRY_CACHE_TOOLS_TTL: listTtl('lists of tools', 20),
  REGISTRY_CACHE_PROMPTS_TTL: listTtl('lists of prompts', 15),
  REGISTRY_CACHE_RESOURCES_TTL: listTtl('lists of resources', 15),
  REGISTRY_CACHE_SERVERS_TTL: listTtl('virtual servers and their members', 20),
  REGISTRY_CACHE_GATEWAYS_TTL: listTtl('gateways and their addresses', 20),
  TOOL_LOOKUP_CACHE_ENABLED: flag('find the tool of a call in memory; off: one query per call', true, { live: true }),
  TOOL_LOOKUP_CACHE_TTL: seconds('how long a tool is found in memory', {
    default: 60,
    minimum: 0.01,
    maximum: 86_400,
    live: true,
    sourceNote: 'the documents name the toggle only; the product calls it TOOL_LOOKUP_CACHE_TTL_SECONDS',
  }),
  RESOURCE_CACHE_SIZE: count(
    'contents of resources that are kept, of those whose upstream says for how long (`ttlMs`); 0: none',
    {
      default: 1000,
      minimum: 0,
      maximum: 1_000_000,
      live: true,
    },
  ),
  RESOURCE_CACHE_TTL: seconds('how long the contents of a resource are kept, at most as long as its upstream says', {
    default: 3600,
    minimum: 0.01,
    maximum: 86_400,
    live: true,
  }),
};
