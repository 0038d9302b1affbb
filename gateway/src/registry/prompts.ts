// Prompts: schemas of the REST bodies and how they become what MCP lists.
import { Type } from 'typebox';
import { audienceProperties } from './audience.ts';
import { readBody } from './body.ts';
import { defined, type EntryRules, textOf } from './entry-rules.ts';
import { parseTags, Tags } from './tags.ts';
import { ToolName } from './tools.ts';

const Argument = Type.Object({
  name: Type.String({ minLength: 1 }),
  description: Type.Optional(Type.String()),
  required: Type.Optional(Type.Boolean()),
});

const changeable = {
  tags: Type.Optional(Tags),
  ...audienceProperties,
  displayName: Type.Optional(Type.String({ maxLength: 255 })),
  description: Type.Optional(Type.String({ maxLength: 8192 })),
  arguments: Type.Optional(Type.Array(Argument)),
};

export const PromptCreate = Type.Object({
  name: ToolName,
  gatewayId: Type.String({ minLength: 1, description: 'the upstream that serves it' }),
  originalName: Type.Optional(Type.String({ minLength: 1, description: "the upstream's name of it; default: name" })),
  ...changeable,
});

export const PromptUpdate = Type.Object({ name: Type.Optional(ToolName), ...changeable });

export const promptRules: EntryRules = {
  kind: 'prompts',
  noun: 'prompt',
  hasUniqueName: true,
  parseCreate(body) {
    const created = readBody(PromptCreate, body, 'prompt');
    const { name, gatewayId, originalName, displayName, description } = created;
    return {
      gatewayId,
      name,
      originalName: originalName ?? name,
      mcp: defined({ name, title: displayName, description, arguments: created.arguments }),
      tags: created.tags,
    };
  },
  parseUpdate(body) {
    const change = readBody(PromptUpdate, body, 'prompt');
    const { name, displayName, description } = change;
    const mcp = defined({ name, title: displayName, description, arguments: change.arguments });
    return { name, mcp, tags: change.tags };
  },
  originalNameOf: (item) => textOf(item, 'name'),
  displayNameOf: (item) => textOf(item, 'name') ?? '',
  toRead: (row, mcp) => ({
    id: row.id,
    name: row.name,
    displayName: mcp['title'] ?? row.name,
    description: mcp['description'] ?? null,
    gatewayId: row.gateway_id,
    gatewaySlug: row.gateway_slug,
    enabled: row.enabled,
    tags: parseTags(row.tags),
    visibility: row.visibility ?? row.gateway_visibility,
    teamId: row.visibility === null ? row.gateway_team_id : row.team_id,
    ownerEmail: row.visibility === null ? row.gateway_owner_email : row.owner_email,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    originalName: row.original_name,
    arguments: mcp['arguments'] ?? [],
  }),
};
