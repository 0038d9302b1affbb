// Tools: schemas of the REST bodies and how they become what MCP lists.
import { type Static, Type } from 'typebox';
import { GatewayError } from '../errors.ts';
import { requireSchema } from '../mcp/input-schema.ts';
import { shownUrl } from '../shown-url.ts';
import { REST_GATEWAY_ID } from '../store/migrations/0002-tags-and-rest.ts';
import { audienceProperties } from './audience.ts';
import { readBody } from './body.ts';
import { defined, type EntryRules, type NewEntry, type RestChange, textOf } from './entry-rules.ts';
import { authProperties, HeaderName, HeaderValue, toAuth, toUrl } from './gateway-body.ts';
import { parseTags, Tags } from './tags.ts';

/** Names that MCP clients take (specification 2025-11-25, server/tools, "Tool Names"). */
export const ToolName = Type.String({ minLength: 1, maxLength: 128, pattern: '^[A-Za-z0-9_./-]+$' });

const JsonObject = Type.Record(Type.String(), Type.Unknown());

const changeable = {
  tags: Type.Optional(Tags),
  ...audienceProperties,
  displayName: Type.Optional(Type.String({ maxLength: 255 })),
  description: Type.Optional(Type.String({ maxLength: 8192 })),
  inputSchema: Type.Optional(JsonObject),
  outputSchema: Type.Optional(JsonObject),
  annotations: Type.Optional(JsonObject),
};

/** A tool of an upstream. */
export const ToolCreate = Type.Object({
  name: ToolName,
  gatewayId: Type.String({ minLength: 1, description: 'the upstream that serves it' }),
  originalName: Type.Optional(Type.String({ minLength: 1, description: "the upstream's name of it; default: name" })),
  integrationType: Type.Literal('MCP', { default: 'MCP' }),
  ...changeable,
});

/** What a tool has that is an HTTP API. */
const rest = {
  url: Type.Optional(
    Type.String({ maxLength: 2048, pattern: '^https?://', description: 'may hold {argument} in its path and query' }),
  ),
  requestType: Type.Optional(Type.Enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])),
  headers: Type.Optional(Type.Record(HeaderName, HeaderValue)),
  ...authProperties,
};

export const RestToolCreate = Type.Object({
  name: ToolName,
  integrationType: Type.Literal('REST', { default: 'REST' }),
  ...changeable,
  ...rest,
  url: Type.String({ maxLength: 2048, pattern: '^https?://' }),
});

export const ToolUpdate = Type.Object({ name: Type.Optional(ToolName), ...changeable, ...rest });

/** Which of the two a body describes: it says so, or it has a `url` and no gateway. */
const Discriminator = Type.Object({
  integrationType: Type.Optional(Type.String()),
  url: Type.Optional(Type.Unknown()),
  gatewayId: Type.Optional(Type.Unknown()),
});

function isRest(body: unknown): boolean {
  const { integrationType, url, gatewayId } = readBody(Discriminator, body, 'tool');
  return integrationType === undefined ? url !== undefined && gatewayId === undefined : integrationType === 'REST';
}

function parseRestCreate(body: unknown): NewEntry {
  const created = readBody(RestToolCreate, body, 'tool');
  const { name, url, requestType, headers } = created;
  const inputSchema = created.inputSchema ?? { type: 'object' };
  requireSchema(inputSchema);
  return {
    gatewayId: REST_GATEWAY_ID,
    name,
    originalName: name,
    mcp: defined({ ...toMcp(created), name, inputSchema }),
    tags: created.tags,
    rest: { url: toTemplate(url), method: requestType ?? 'POST', headers: { ...headers, ...toAuth(created)?.headers } },
  };
}

/** Braces stay as they are: `URL` would escape them. */
function toTemplate(url: string): string {
  toUrl(url.replace(/\{[^{}]*\}/g, 'x'));
  if (/^[a-z]+:\/\/[^/?#]*\{/i.test(url)) {
    throw new GatewayError('GW_INVALID_REQUEST', {
      detail: `body /url must not have {…} in its host, got ${url}`,
      faults: [{ path: '/url', message: 'must not have {…} in its host' }],
    });
  }
  return url;
}

function toRest(change: Static<typeof ToolUpdate>): RestChange | undefined {
  const auth = toAuth(change);
  const { url, requestType, headers } = change;
  if (url === undefined && requestType === undefined && headers === undefined && auth === undefined) return undefined;
  return {
    url: url === undefined ? undefined : toTemplate(url),
    method: requestType,
    headers: headers === undefined && auth === undefined ? undefined : { ...headers, ...auth?.headers },
  };
}

function toMcp({ displayName, description, inputSchema, outputSchema, annotations }: Static<typeof ToolUpdate>) {
  return { title: displayName, description, inputSchema, outputSchema, annotations };
}

export const toolRules: EntryRules = {
  kind: 'tools',
  noun: 'tool',
  hasUniqueName: true,
  parseCreate(body) {
    if (isRest(body)) return parseRestCreate(body);
    const created = readBody(ToolCreate, body, 'tool');
    const { name, gatewayId, originalName } = created;
    return {
      gatewayId,
      name,
      originalName: originalName ?? name,
      mcp: defined({ ...toMcp(created), name, inputSchema: created.inputSchema ?? { type: 'object' } }),
      tags: created.tags,
    };
  },
  parseUpdate(body) {
    const change = readBody(ToolUpdate, body, 'tool');
    const { name } = change;
    const rest = toRest(change);
    if (rest !== undefined && change.inputSchema !== undefined) requireSchema(change.inputSchema);
    return { name, mcp: defined({ ...toMcp(change), name }), tags: change.tags, rest };
  },
  originalNameOf: (item) => textOf(item, 'name'),
  displayNameOf: (item) => textOf(item, 'name') ?? '',
  toRead: (row, mcp) => ({
    id: row.id,
    name: row.name,
    displayName: mcp['title'] ?? row.name,
    description: mcp['description'] ?? null,
    gatewayId: row.rest_url === null ? row.gateway_id : null,
    gatewaySlug: row.rest_url === null ? row.gateway_slug : null,
    enabled: row.enabled,
    tags: parseTags(row.tags),
    visibility: row.visibility ?? row.gateway_visibility,
    teamId: row.visibility === null ? row.gateway_team_id : row.team_id,
    ownerEmail: row.visibility === null ? row.gateway_owner_email : row.owner_email,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    originalName: row.original_name,
    // A gateway's own URL is for those who read gateways.
    url: row.rest_url ?? shownUrl(row.gateway_url),
    integrationType: row.rest_url === null ? 'MCP' : 'REST',
    requestType: row.rest_method ?? row.gateway_transport,
    inputSchema: mcp['inputSchema'] ?? { type: 'object' },
    outputSchema: mcp['outputSchema'] ?? null,
    annotations: mcp['annotations'] ?? {},
  }),
};
