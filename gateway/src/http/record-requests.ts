// What is written down of requests: the access log, who changed what, who was refused, which tokens are in use. Only what is on
// is registered.
import type {
  FastifyInstance,
  FastifyRequest,
  onSendHookHandler,
  preSerializationHookHandler,
  RouteOptions,
} from 'fastify';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import type { Records } from '../records/index.ts';
import type { Asked } from './exchange-ports.ts';

/** Whoever has no token can send paths, too: 16 KB of one are not worth a line. */
const PATH_LOGGED = 1024;

/** Before any route. */
export function logAccess(app: FastifyInstance, config: Pick<Config, 'DISABLE_ACCESS_LOG'>): void {
  if (config.DISABLE_ACCESS_LOG) return;
  app.addHook('onResponse', function logRequest(request, reply, done) {
    request.log.info(
      {
        method: request.method,
        path: pathOf(request).slice(0, PATH_LOGGED),
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 1000) / 1000,
        ip: request.ip,
        user: request.identity?.sub,
        correlationId: request.trace?.correlationId,
      },
      'request',
    );
    done();
  });
}

const eventTypes: Partial<Record<number, 'authentication_failed' | 'access_denied' | 'rate_limited'>> = {
  401: 'authentication_failed',
  403: 'access_denied',
  429: 'rate_limited',
};

/** Before any route: every refusal at the door ends here. */
export function recordRefusals(app: FastifyInstance, security: Records['security']): void {
  if (security === undefined) return;
  app.addHook('onError', function recordRefusal(request, _reply, error, done) {
    const status = error instanceof GatewayError ? error.status : error.statusCode;
    const type = eventTypes[status ?? 500];
    if (type !== undefined) {
      security({
        type,
        user: request.identity?.sub,
        clientIp: request.ip,
        method: request.method,
        path: pathOf(request),
        detail: error instanceof GatewayError ? error.detail : error.message,
        correlationId: request.trace?.correlationId,
      });
    }
    done();
  });
}

const USE_WINDOW_MS = 5 * 60_000;
const TOKENS_REMEMBERED = 10_000;

/** One look into a map per request; one row per token and five minutes. */
export function createRecordUse(tokenUse: NonNullable<Records['tokenUse']>): (request: Asked) => void {
  /** When the token is to be written down again. Oldest first. */
  const nextMs = new Map<string, number>();
  return function recordUse(request) {
    const { authorization } = request.headers;
    if (authorization === undefined || request.identity === undefined) return;
    const nowMs = performance.now();
    if (nowMs < (nextMs.get(authorization) ?? 0)) return;
    nextMs.delete(authorization);
    if (nextMs.size >= TOKENS_REMEMBERED)
      for (const [oldest] of nextMs) {
        nextMs.delete(oldest);
        break;
      }
    nextMs.set(authorization, nowMs + USE_WINDOW_MS);
    const { method, ip: clientIp, identity } = request;
    tokenUse({ authorization, user: identity.sub, method, path: pathOf(request), clientIp });
  };
}

/** Behind the authentication. @param recordUse as `createRecordUse` makes it */
export function recordTokenUse(app: FastifyInstance, recordUse: ((request: Asked) => void) | undefined): void {
  if (recordUse === undefined) return;
  app.addHook('onRequest', function recordTokenUse(request, _reply, done) {
    recordUse(request);
    done();
  });
}

const actions: Record<string, string> = { POST: 'create', PUT: 'update', PATCH: 'update', DELETE: 'delete' };
/** JSON-RPC: what is done there is told by those who do it. */
const messageRoutes = /^\/$|^\/rpc$|\/(mcp|messages?|sse|ws)$/;

/** Before the routes are registered: each one that may change something tells of it. */
export function recordChanges(app: FastifyInstance, audit: Records['audit']): void {
  if (audit === undefined) return;
  /** Answers as the routes gave them: when they are sent, they may be compressed. */
  const answers = new WeakMap<FastifyRequest, unknown>();
  const preSerialization: preSerializationHookHandler<unknown> = function keepAnswer(request, _reply, payload, done) {
    answers.set(request, payload);
    done(null, payload);
  };
  const onSend: onSendHookHandler = function recordChange(request, reply, payload, done) {
    const { method, identity, ip: clientIp } = request;
    const [, resourceType = '', , verb] = (request.routeOptions.url ?? '').split('/');
    const beforeId = idIn(request.params);
    const body = method === 'DELETE' || reply.statusCode >= 400 ? undefined : answers.get(request);
    audit({
      user: identity?.sub ?? 'anonymous',
      action: verb ?? actions[method] ?? method.toLowerCase(),
      resourceType,
      beforeId,
      afterId: idIn(body) ?? (method === 'DELETE' ? undefined : beforeId),
      resourceName: textIn(body, 'name'),
      method,
      path: pathOf(request),
      status: reply.statusCode,
      clientIp,
      correlationId: request.trace?.correlationId,
    });
    done(null, payload);
  };
  app.addHook('onRoute', (route: RouteOptions) => {
    const isChange = [route.method].flat().some((method) => method in actions);
    if (!isChange || messageRoutes.test(route.url)) return;
    route.preSerialization = [...[route.preSerialization ?? []].flat(), preSerialization];
    route.onSend = [...[route.onSend ?? []].flat(), onSend];
  });
}

/** The query may hold a secret. */
function pathOf(request: Pick<Asked, 'url'>): string {
  return request.url.split('?', 1)[0] ?? '';
}

function idIn(value: unknown): string | undefined {
  return textIn(value, 'id');
}

function textIn(value: unknown, member: string): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const text: unknown = Object.entries(value).find(([name]) => name === member)?.[1];
  return typeof text === 'string' ? text : undefined;
}
