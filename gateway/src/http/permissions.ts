// Which permission a route asks for. It is decided when the route is added: other routes pay nothing.
import type { FastifyInstance, RouteOptions } from 'fastify';
import { createRequirePermission, requireAdmin } from '../auth/index.ts';
import { GatewayError } from '../errors.ts';
import type { McpPorts } from '../mcp/ports.ts';

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

/** Tools are called by those who may: one look at the grant per call. */
export function forPermitted(forward: McpPorts['forward']): McpPorts['forward'] {
  return function forwardPermitted(forwarded, caller) {
    const permissions = caller.identity.grant?.permissions;
    if (permissions === undefined || forwarded.kind !== 'tools' || permissions.has('tools.execute')) {
      return forward(forwarded, caller);
    }
    const detail = `${caller.identity.sub} has not the permission tools.execute`;
    return Promise.reject(new GatewayError('GW_FORBIDDEN', { detail }));
  };
}
