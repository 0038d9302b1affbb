// Roles that are always there, named as ContextForge names them, and every permission that a role can give: none that nothing
// asks for. REST asks for `<kind>.<action>`, MCP for `<kind>.read` and `tools.execute`, and below /servers/{id} for `servers.use` too.

const kinds = ['tools', 'resources', 'prompts', 'servers', 'gateways'] as const;
const reads = [...kinds.map((kind) => `${kind}.read`), 'servers.use'];
const changes = kinds.flatMap((kind) => [`${kind}.create`, `${kind}.update`, `${kind}.delete`]);

export const permissions: readonly string[] = [...reads, ...changes, 'tools.execute'];

export interface BuiltInRole {
  description: string;
  scope: 'global' | 'team' | 'personal';
  permissions: readonly string[];
}

/** `*` makes an administrator. */
export const builtInRoles: Readonly<Record<string, BuiltInRole>> = {
  platform_admin: { description: 'everything', scope: 'global', permissions: ['*'] },
  developer: {
    description: 'reads, calls tools and changes the registry',
    scope: 'global',
    permissions,
  },
  team_admin: { description: 'as developer', scope: 'team', permissions },
  viewer: { description: 'reads and calls tools', scope: 'team', permissions: [...reads, 'tools.execute'] },
  platform_viewer: { description: 'reads', scope: 'global', permissions: reads },
};
