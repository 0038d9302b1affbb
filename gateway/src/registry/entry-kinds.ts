// The kinds of entries, by the names that MCP's lists give them.
import type { EntryKind } from './catalog.ts';
import type { EntryRules } from './entry-rules.ts';
import { promptRules } from './prompts.ts';
import { resourceRules, resourceTemplateRules } from './resources.ts';
import { toolRules } from './tools.ts';

export const entryRules: Record<EntryKind, EntryRules> = {
  tools: toolRules,
  resources: resourceRules,
  resourceTemplates: resourceTemplateRules,
  prompts: promptRules,
};
