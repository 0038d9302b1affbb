// Tools: schemas of the REST bodies and how they become what MCP lists.
import { Type } from 'typebox';
import { readBody } from './body.ts';
import { defined, type EntryRules, textOf } from './entry-rules.ts';

/** Names that MCP clients take (specification 2025-11-25, server/tools, "Tool Names"). */
export const ToolName = Type.String({ minLength: 1, maxLength: 128, pattern: '^[A-Za-z0-9_./-]+$' });

const JsonObject = Type.Record(Type.String(), Type.Unknown());

const changeable = {
  displayName: Type.Optional(Type.String({ maxLength: 255 })),
  description: Type.Optional(Type.String({ maxLength: 8192 })),
  inputSchema: Type.Optional(JsonObject),
  outputSchema: Type.Optional(JsonObject),
  annotations: Type.Optional(JsonObject),
};

export const ToolCreate = Type.Object({
  name: ToolName,
  gatewayId: Type.String({ minLength: 1, description: 'the upstream that serves it' }),
  originalName: Type.Optional(Type.String({ minLength: 1, description: "the upstream's name of it; default: name" })),
  integrationType: Type.Literal('MCP', { default: 'MCP' }),
  ...changeable,
});

export const ToolUpdate = Type.Object({ name: Type.Optional(ToolName), ...changeable });

export const toolRules: EntryRules = {
  kind: 'tools',
  noun: 'tool',
  hasUniqueName: true,
  parseCreate(body) {
    const {
      name,
      gatewayId,
      originalName,
      displayName,
      integrationType: _,
      ...rest
    } = readBody(ToolCreate, body, 'tool');
    const { description, inputSchema, outputSchema, annotations } = rest;
    return {
      gatewayId,
      name,
      originalName: originalName ?? name,
      mcp: defined({
        name,
        title: displayName,
        description,
        inputSchema: inputSchema ?? { type: 'object' },
        outputSchema,
        annotations,
      }),
    };
  },
  parseUpdate(body) {
    const change = readBody(ToolUpdate, body, 'tool');
    const { name, displayName, description, inputSchema, outputSchema, annotations } = change;
    return {
      name,
      mcp: defined({ name, title: displayName, description, inputSchema, outputSchema, annotations }),
    };
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
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    originalName: row.original_name,
    url: row.gateway_url,
    integrationType: 'MCP',
    requestType: row.gateway_transport,
    inputSchema: mcp['inputSchema'] ?? { type: 'object' },
    outputSchema: mcp['outputSchema'] ?? null,
    annotations: mcp['annotations'] ?? {},
  }),
};
