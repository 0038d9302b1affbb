// The description of all routes at /openapi.json (docs-page.ts shows it). Routes know nothing of it: what they take is said here,
// beside their names. Bodies are checked by the services, so nothing here decides what is accepted.
import swagger from '@fastify/swagger';
import type { FastifyInstance, FastifyPluginCallback } from 'fastify';
import type { TSchema } from 'typebox';
import { GatewayCreate } from '../registry/gateway-body.ts';
import { ImportRequest } from '../registry/import.ts';
import { PromptCreate, PromptUpdate } from '../registry/prompts.ts';
import { ResourceCreate, ResourceUpdate } from '../registry/resources.ts';
import { ServerCreate } from '../registry/servers.ts';
import { RestToolCreate, ToolCreate, ToolUpdate } from '../registry/tools.ts';
import { version } from '../version.ts';
import { docsPage } from './docs-page.ts';
import { sendJson } from './json-body.ts';

const bodies: Record<string, TSchema | { anyOf: TSchema[] }> = {
  'POST /tools': { anyOf: [ToolCreate, RestToolCreate] },
  'PUT /tools/{id}': ToolUpdate,
  'POST /resources': ResourceCreate,
  'PUT /resources/{id}': ResourceUpdate,
  'POST /prompts': PromptCreate,
  'PUT /prompts/{id}': PromptUpdate,
  'POST /servers': ServerCreate,
  'PUT /servers/{id}': ServerCreate,
  'POST /gateways': GatewayCreate,
  'POST /import': ImportRequest,
  'PUT /gateways/{id}': GatewayCreate,
};

/** By the first part of the path; the rest is how the gateway itself is run. */
const tags: Record<string, string> = {
  tools: 'Registry: tools',
  resources: 'Registry: resources',
  prompts: 'Registry: prompts',
  servers: 'Registry: virtual servers',
  gateways: 'Registry: upstream servers',
  export: 'Registry: import and export',
  import: 'Registry: import and export',
  mcp: 'Model Context Protocol',
  rpc: 'Model Context Protocol',
  sse: 'Model Context Protocol',
  message: 'Model Context Protocol',
  ws: 'Model Context Protocol',
  '': 'Model Context Protocol',
  auth: 'Access',
  teams: 'Access',
  tokens: 'Access',
  rbac: 'Access',
  admin: 'Administration',
};

const open = new Set(['/health', '/ready', '/version', '/auth/login', '/auth/email/login', '/auth/email/register']);
const isWellKnown = (path: string) => path === '/robots.txt' || path.startsWith('/.well-known/');
const mcpPaths = /^\/(servers\/\{id\}\/)?(mcp|sse|message|ws)$/;
const verbs: Record<string, string> = {
  get: 'read',
  post: 'create',
  put: 'replace',
  patch: 'change',
  delete: 'delete',
};

/** Before all routes: it listens to them being added. */
export function describeRoutes(app: FastifyInstance): void {
  app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Gatebench gateway', description: 'A Model Context Protocol gateway.', version },
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
    },
    transform: ({ schema, url, route }) => {
      const path = url.replace(/:(\w+)/g, '{$1}');
      const method = [route.method].flat()[0] ?? 'GET';
      const [, first = ''] = path.split('/');
      const body = bodies[`${method} ${path}`];
      return {
        url,
        schema: {
          ...schema,
          tags: [mcpPaths.test(path) ? 'Model Context Protocol' : (tags[first] ?? 'Operation')],
          summary: schema?.summary ?? `${verbs[method.toLowerCase()] ?? method} ${path}`,
          security: open.has(path) || isWellKnown(path) ? [] : [{ bearer: [] }],
          ...(body === undefined ? {} : { body }),
        },
      };
    },
  });
}

/** Before the authentication: it tells what the product does and nothing of what is in it, and a browser sends no token. */
export const openapiRoutes: FastifyPluginCallback = (app, _options, done) => {
  let text: string | undefined;
  app.get('/openapi.json', { schema: { hide: true } }, (_request, reply) => {
    text ??= JSON.stringify(app.swagger());
    return sendJson(reply, 200, text);
  });
  docsPage(app);
  done();
};
