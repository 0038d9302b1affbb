// PLUGINS_CONFIG_FILE: which plugins there are, in which order, and for which calls. Names are ContextForge's.
import { type Static, Type } from 'typebox';
import { hookNames } from './plugin.ts';

const strict = { additionalProperties: false };

/** All that is named must hold; of several names of one kind, one. */
export const Conditions = Type.Object(
  {
    server_ids: Type.Optional(Type.Array(Type.String(), { description: 'ids of virtual servers' })),
    tools: Type.Optional(Type.Array(Type.String(), { description: 'public names, or those of the upstream' })),
    prompts: Type.Optional(Type.Array(Type.String())),
    resources: Type.Optional(Type.Array(Type.String(), { description: 'URIs' })),
  },
  strict,
);
export type Conditions = Static<typeof Conditions>;

export const PluginEntry = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 100 }),
    kind: Type.String({
      minLength: 1,
      description: 'deny_filter, regex_filter, or an ES module: a path from the file’s folder, or a package',
    }),
    hooks: Type.Array(Type.Enum([...hookNames]), { minItems: 1 }),
    mode: Type.Enum(['enforce', 'permissive', 'disabled'], { default: 'enforce' }),
    priority: Type.Integer({ default: 100, description: 'the lowest runs first; of equal ones the first in the file' }),
    conditions: Type.Array(Conditions, { default: [], description: 'one of them must hold; none: every call' }),
    config: Type.Optional(Type.Unknown({ description: 'for the plugin itself' })),
  },
  strict,
);
export type PluginEntry = Static<typeof PluginEntry>;

export const PluginFile = Type.Object(
  {
    plugins: Type.Array(PluginEntry, { default: [] }),
    plugin_settings: Type.Object(
      {
        plugin_timeout: Type.Number({ default: 30, minimum: 0.001, maximum: 600, description: 'of one hook, seconds' }),
      },
      { ...strict, default: {} },
    ),
  },
  strict,
);
