// Which permission a route asks for. It is decided when the route is added: other routes pay nothing.
import type { FastifyInstance, RouteOptions } from 'fastify';
import { createRequirePermission, requireAdmin } from '../auth/index.ts';
import { GatewayError } from '../errors.ts';
import type { Caller, CallKind, ListKind, McpPorts } from '../mcp/ports.ts';

const actions: Readonly<Record<string, string>> = {
  GET: 'read',
  HEAD: 'read',
  POST: 'create',
  PUT: 'update',
  PATCH: 'update',
  DELETE: 'delete',
};

/** Registry kinds whose routes ask for `<kind>.<action>`. */
const kinds = new Set(['tools', 'resources', 'prompts', 'servers', 'gateways']);

/** Paths that belong to MCP: what a message may do is decided where it is dispatched. */
const mcpRoutes = /^\/servers\/:\w+\/(mcp|sse|message|ws)$/;

/** For a plugin behind the authentication: /admin is for administrators, the registry for those whose roles say so. */
export function askForPermissions(app: FastifyInstance): void {
  app.addHook('onRoute', (route) => {
    if (isOf(route, '/admin')) guard(route, requireAdmin);
    const permission = permissionOf(route);
    if (permission !== undefined) guard(route, createRequirePermission(permission));
  });
}

/** Undefined: none beyond being known. */
export function permissionOf({ url, method }: Pick<RouteOptions, 'url' | 'method'>): string | undefined {
  const [, kind = '', , action] = url.split('/');
  if (!kinds.has(kind) || mcpRoutes.test(url)) return undefined;
  const verb = [method].flat().map((one) => actions[one.toUpperCase()] ?? 'update')[0];
  // Switching something on or off, and asking an upstream anew, change what is there.
  return `${kind}.${verb === 'create' && action !== undefined ? 'update' : verb}`;
}

function isOf({ url }: RouteOptions, prefix: string): boolean {
  return url === prefix || url.startsWith(`${prefix}/`);
}

function guard(route: RouteOptions, hook: ReturnType<typeof createRequirePermission>): void {
  route.onRequest = [hook, ...[route.onRequest ?? []].flat()];
}

const toList: Readonly<Record<ListKind, string>> = {
  tools: 'tools.read',
  resources: 'resources.read',
  resourceTemplates: 'resources.read',
  prompts: 'prompts.read',
};

const toCall: Readonly<Record<CallKind, string>> = {
  tools: 'tools.execute',
  resources: 'resources.read',
  prompts: 'prompts.read',
};

/** What a message asks for is done for those who may: one look at the grant per message, whatever it came by. */
export function forPermitted({
  list,
  forward,
}: Pick<McpPorts, 'list' | 'forward'>): Pick<McpPorts, 'list' | 'forward'> {
  return {
    list(kind, cursor, serverId, caller) {
      const refusal = refuse(caller.identity, serverId, toList[kind]);
      if (refusal !== undefined) throw refusal;
      return list(kind, cursor, serverId, caller);
    },
    forward(forwarded, caller) {
      const refusal = refuse(caller.identity, caller.serverId, toCall[forwarded.kind]);
      return refusal === undefined ? forward(forwarded, caller) : Promise.reject(refusal);
    },
  };
}

function refuse(
  { grant, sub }: Caller['identity'],
  serverId: string | undefined,
  permission: string,
): GatewayError | undefined {
  // Everybody who came in has one; it is taken away from a token that was refused since.
  if (grant === undefined) return new GatewayError('GW_UNAUTHORIZED', { detail: `${sub} may not come in any more` });
  const { permissions } = grant;
  if (permissions === undefined) return undefined;
  const missing = permissions.has(permission) ? undefined : permission;
  const lacks = missing ?? (serverId === undefined || permissions.has('servers.use') ? undefined : 'servers.use');
  return lacks === undefined
    ? undefined
    : new GatewayError('GW_FORBIDDEN', { detail: `${sub} has not the permission ${lacks}` });
}
