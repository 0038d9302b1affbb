// How long a client may keep a page of a list: as long as the gateway itself does.
import type { Config } from '../config.ts';
import type { EntryKind } from './catalog.ts';

const settings = {
  tools: 'REGISTRY_CACHE_TOOLS_TTL',
  resources: 'REGISTRY_CACHE_RESOURCES_TTL',
  resourceTemplates: 'REGISTRY_CACHE_RESOURCES_TTL',
  prompts: 'REGISTRY_CACHE_PROMPTS_TTL',
} as const satisfies Record<EntryKind, keyof Config>;

type TtlConfig = Pick<Config, 'REGISTRY_CACHE_ENABLED' | (typeof settings)[EntryKind]>;

/** Milliseconds; 0 where the gateway keeps nothing either. */
export function createListTtl(config: TtlConfig): (kind: EntryKind) => number {
  return (kind) => (config.REGISTRY_CACHE_ENABLED ? Math.round(config[settings[kind]] * 1000) : 0);
}
