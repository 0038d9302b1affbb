// The way in for nearly all traffic: an MCP message by POST, from a client whose token is known, to a server that is in memory. It
// goes from Node's request to the handler of its route without the framework's routing, hooks and body parser, which take 4 µs of
// some 50. The head alone decides, before a byte of the body is read: whatever is in any way unusual, or watched more closely than
// by counting, is left untouched for Fastify, which does the same and more. `fast-door.test.ts` sends each kind of request through both.
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Grants } from '../auth/grants.ts';
import type { Identity } from '../auth/index.ts';
import type { VerifyToken } from '../auth/jwt.ts';
import type { Config } from '../config.ts';
import { HOPS_HEADER } from '../federation/hops.ts';
import type { McpPorts } from '../mcp/ports.ts';
import { statelessVersion } from '../mcp/versions.ts';
import { RequestTrace } from '../telemetry/request-trace.ts';
import { createCompressAnswer } from './compress.ts';
import { type DoorAnswers, DoorReply, DoorRequest } from './door-exchange.ts';
import { createAnswerErrorAsJsonRpc } from './error-handler.ts';
import type { Answering, Asked } from './exchange-ports.ts';
import type { Load } from './load.ts';
import type { Observe } from './observe-requests.ts';
import { createIsOwnHost } from './origin.ts';
import { readJsonText } from './read-json.ts';
import type { HasServer } from './require-server.ts';
import { toSecurityHeaders, toTransportSecurity } from './security-headers.ts';
import { CORRELATION_HEADER, toRequestId } from './trace-requests.ts';

type Handler = (request: Asked, reply: Answering) => unknown;

interface Route {
  handler: Handler;
  options: Asked['routeOptions'];
}

export interface FastDoorParts {
  config: Config;
  app: FastifyInstance;
  load: Load;
  verifyToken: VerifyToken;
  grants: Pick<Grants, 'admit'>;
  hasServer: HasServer;
  failed: McpPorts['failed'];
  observe: Observe | undefined;
  recordUse: ((request: Asked) => void) | undefined;
}

export interface FastDoor {
  /** A route of it, and who answers there. */
  serve(url: '/mcp' | '/servers/:id/mcp' | '/rpc' | '/health', handler: Handler): void;
  /** @returns whether it takes this one; if not, nothing has happened */
  take(request: IncomingMessage, response: ServerResponse): boolean;
}

/** Undefined where every request has to pass what only Fastify's hooks do. */
export function mayHaveFastDoor(config: Config, isTraced: boolean): boolean {
  return (
    !isTraced &&
    config.AUTH_REQUIRED &&
    config.DISABLE_ACCESS_LOG &&
    !config.RATE_LIMITING_ENABLED &&
    !config.VALIDATION_MIDDLEWARE_ENABLED &&
    !config.DB_QUERY_LOG_ENABLED &&
    !config.SSL &&
    config.HTTP_VERSION !== '2'
  );
}

/** A header that makes a request one for the hooks: of a browser, of a session, of another gateway. */
const unusual = [
  'origin',
  'cookie',
  'mcp-session-id',
  'transfer-encoding',
  'content-encoding',
  'upgrade',
  'expect',
  HOPS_HEADER,
];

function isUsual(headers: IncomingHttpHeaders): boolean {
  for (const name of unusual) if (headers[name] !== undefined) return false;
  return true;
}

/** What a connection sent last: most send one token only, and to compare it costs less than to hash it. */
interface Known {
  authorization: string;
  identity: Identity;
  /** Until then the memory of tokens is not asked again. */
  untilMs: number;
  isRecorded: boolean;
}

const KNOWN_MS = 1000;

export function createFastDoor(parts: FastDoorParts): FastDoor {
  const { config, app, load, verifyToken, grants, hasServer, failed, observe, recordUse } = parts;
  const isOwnHost = createIsOwnHost(config);
  const transportSecurity = config.SECURITY_HEADERS_ENABLED ? toTransportSecurity(config) : undefined;
  const hasId = config.CORRELATION_ID_ENABLED;
  const answers: DoorAnswers = {
    server: app,
    headers: config.SECURITY_HEADERS_ENABLED ? toSecurityHeaders(config).flat() : [],
    onSend: config.COMPRESSION_ENABLED ? createCompressAnswer(config) : undefined,
    answerError: createAnswerErrorAsJsonRpc(failed),
  };
  const routes = new Map<string, Route>();
  const lastOf = new WeakMap<Socket, Known>();

  function isPlainPost(headers: IncomingHttpHeaders): boolean {
    const length = Number(headers['content-length']);
    return (
      headers['content-type'] === 'application/json' &&
      headers['mcp-protocol-version'] !== statelessVersion &&
      length > 0 &&
      length <= config.MAX_REQUEST_BYTES
    );
  }

  /** Undefined: it is not known at once that it may come in. */
  function admit({ socket, headers: { authorization } }: IncomingMessage): Known | undefined {
    if (authorization === undefined || !authorization.startsWith('Bearer ')) return undefined;
    try {
      const known = look(socket, authorization);
      const { identity } = known;
      return identity.serverId !== undefined || grants.admit(identity) instanceof Promise ? undefined : known;
    } catch {
      // Fastify's hook says why.
      return undefined;
    }
  }

  /** @throws GW_UNAUTHORIZED */
  function look(socket: Socket, authorization: string): Known {
    const nowMs = performance.now();
    const last = lastOf.get(socket);
    if (last?.authorization === authorization && nowMs < last.untilMs && verifyToken.stillHolds(last.identity)) {
      return last;
    }
    const identity = verifyToken(authorization.slice(7));
    const known = { authorization, identity, untilMs: nowMs + KNOWN_MS, isRecorded: false };
    lastOf.set(socket, known);
    return known;
  }

  function readBody(request: DoorRequest, reply: DoorReply, handler: Handler): void {
    const { raw } = request;
    let first: Buffer | undefined;
    let more: Buffer[] | undefined;
    raw.on('data', (chunk: Buffer) => {
      if (first === undefined) first = chunk;
      else if (more === undefined) more = [first, chunk];
      else more.push(chunk);
    });
    raw.on('end', () => {
      try {
        request.body = readJsonText(app, more === undefined ? (first as Buffer) : Buffer.concat(more));
        handler(request, reply);
      } catch (error) {
        reply.send(error instanceof Error ? error : new Error(String(error)));
      }
    });
  }

  /** The request goes to its route, and what it needs with it. */
  function enter(route: Route, raw: IncomingMessage, response: ServerResponse, known?: Known, id?: string): void {
    const requestId = hasId ? toRequestId(raw) : '';
    const trace = hasId ? new RequestTrace(requestId) : undefined;
    const params = id === undefined ? {} : { id };
    const request = new DoorRequest(raw, requestId, params, route.options, trace, known?.identity);
    const reply = new DoorReply(response, request, answers);
    if (hasId) reply.header(CORRELATION_HEADER, requestId);
    if (transportSecurity !== undefined && raw.headers['x-forwarded-proto'] === 'https') {
      reply.header('strict-transport-security', transportSecurity);
    }
    observe?.(request, response);
    if (known === undefined) {
      route.handler(request, reply);
      return;
    }
    if (!known.isRecorded) {
      known.isRecorded = true;
      recordUse?.(request);
    }
    readBody(request, reply, route.handler);
  }

  function takePost(raw: IncomingMessage, response: ServerResponse, url: string): boolean {
    const { headers } = raw;
    if (!isPlainPost(headers)) return false;
    const serverId = url.startsWith('/servers/') && url.endsWith('/mcp') ? url.slice(9, -4) : undefined;
    const route = routes.get(serverId === undefined ? url : '/servers/:id/mcp');
    if (route === undefined) return false;
    const known = admit(raw);
    if (known === undefined || (serverId !== undefined && hasServer(serverId, known.identity) !== true)) return false;
    enter(route, raw, response, known, serverId);
    return true;
  }

  function takeHealth(raw: IncomingMessage, response: ServerResponse): boolean {
    const route = routes.get('/health');
    if (route === undefined || raw.headers['content-length'] !== undefined) return false;
    enter(route, raw, response);
    return true;
  }

  return {
    serve(url, handler) {
      routes.set(url, { handler, options: { url, config: {} } });
    },
    take(raw, response) {
      const { method, url = '', headers } = raw;
      if (load.isDraining || !isUsual(headers)) return false;
      if (config.HEADER_SIZE_VALIDATION_ENABLED && raw.rawHeaders.length > config.MAX_HEADER_COUNT * 2) return false;
      if (isOwnHost !== undefined && !isOwnHost(headers.host)) return false;
      if (method === 'POST') return takePost(raw, response, url);
      return method === 'GET' && url === '/health' && takeHealth(raw, response);
    },
  };
}
