// Other names under which the source documents know a setting, or several. The setting's own name wins.
import type { SettingName } from '../config.ts';

export const aliases = {
  DB_POOL_MAX_OVERFLOW: 'DB_MAX_OVERFLOW',
  TOOL_LOOKUP_CACHE_TTL_SECONDS: 'TOOL_LOOKUP_CACHE_TTL',
  // Of our first release: one age for everything.
  REGISTRY_CACHE_TTL: [
    'REGISTRY_CACHE_TOOLS_TTL',
    'REGISTRY_CACHE_PROMPTS_TTL',
    'REGISTRY_CACHE_RESOURCES_TTL',
    'REGISTRY_CACHE_SERVERS_TTL',
    'REGISTRY_CACHE_GATEWAYS_TTL',
    'TOOL_LOOKUP_CACHE_TTL',
  ],
  OTEL_ENABLE_OBSERVABILITY: 'OBSERVABILITY_ENABLED',
  OTEL_TRACES_SAMPLER_ARG: 'OBSERVABILITY_SAMPLE_RATE',
} as const satisfies Record<string, SettingName | readonly SettingName[]>;
