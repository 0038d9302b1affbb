// The plugins that come with the gateway, by their `kind`.
import { createDenyFilter } from './deny-filter.ts';
import type { CreatePlugin } from './plugin.ts';
import { createRegexFilter } from './regex-filter.ts';

export const builtIn: Record<string, CreatePlugin> = {
  deny_filter: createDenyFilter,
  regex_filter: createRegexFilter,
};
