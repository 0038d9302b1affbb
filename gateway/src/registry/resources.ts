// Resources and resource templates: schemas of the REST bodies and how they become what MCP lists.
import { Type } from 'typebox';
import { audienceProperties } from './audience.ts';
import { readBody } from './body.ts';
import { defined, type EntryRules, textOf } from './entry-rules.ts';
import { parseTags, Tags } from './tags.ts';

const Uri = Type.String({ minLength: 1, maxLength: 2048, pattern: '^[A-Za-z][A-Za-z0-9+.-]*:' });

const changeable = {
  tags: Type.Optional(Tags),
  ...audienceProperties,
  displayName: Type.Optional(Type.String({ maxLength: 255 })),
  description: Type.Optional(Type.String({ maxLength: 8192 })),
  mimeType: Type.Optional(Type.String({ maxLength: 255 })),
};

const named = {
  name: Type.String({ minLength: 1, maxLength: 255 }),
  gatewayId: Type.String({ minLength: 1, description: 'the upstream that serves it' }),
};

export const ResourceCreate = Type.Object({ uri: Uri, ...named, ...changeable });
export const ResourceTemplateCreate = Type.Object({ uriTemplate: Uri, ...named, ...changeable });
export const ResourceUpdate = Type.Object({ name: Type.Optional(named.name), ...changeable });

export const resourceRules: EntryRules = {
  ...rulesBy('uri'),
  kind: 'resources',
  parseCreate(body) {
    const { uri, gatewayId, ...rest } = readBody(ResourceCreate, body, 'resource');
    return { gatewayId, name: rest.name, originalName: uri, mcp: { uri, ...toMcp(rest) }, tags: rest.tags };
  },
};

export const resourceTemplateRules: EntryRules = {
  ...rulesBy('uriTemplate'),
  kind: 'resourceTemplates',
  parseCreate(body) {
    const { uriTemplate, gatewayId, ...rest } = readBody(ResourceTemplateCreate, body, 'resource');
    const mcp = { uriTemplate, ...toMcp(rest) };
    return { gatewayId, name: rest.name, originalName: uriTemplate, mcp, tags: rest.tags };
  },
};

function rulesBy(key: 'uri' | 'uriTemplate'): Omit<EntryRules, 'kind' | 'parseCreate'> {
  return {
    noun: 'resource',
    hasUniqueName: false, // its URI identifies it
    parseUpdate(body) {
      const change = readBody(ResourceUpdate, body, 'resource');
      return { name: change.name, mcp: toMcp(change), tags: change.tags };
    },
    originalNameOf: (item) => textOf(item, key),
    displayNameOf: (item) => textOf(item, 'name') ?? textOf(item, key) ?? '',
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
      [key]: row.original_name,
      mimeType: mcp['mimeType'] ?? null,
      size: mcp['size'] ?? null,
      annotations: mcp['annotations'] ?? {},
    }),
  };
}

interface Described {
  name?: string;
  displayName?: string;
  description?: string;
  mimeType?: string;
}

function toMcp({ name, displayName, description, mimeType }: Described) {
  return defined({ name, title: displayName, description, mimeType });
}
