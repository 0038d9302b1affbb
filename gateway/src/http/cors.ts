// CORS (https://fetch.spec.whatwg.org/#http-cors-protocol) for origins that the gateway admits: who sends no Origin pays one look.
import type { FastifyReply, onRequestHookHandler } from 'fastify';
import type { Config } from '../config.ts';
import { createIsAllowedOrigin } from './origin.ts';

const METHODS = 'GET, POST, PUT, PATCH, DELETE, OPTIONS';
const EXPOSED = 'Mcp-Session-Id, MCP-Protocol-Version, X-Next-Cursor, X-Correlation-ID, WWW-Authenticate, Retry-After';
/** What browsers may ask to send; a token needs to be named, `*` does not stand for it. */
const HEADERS =
  'Authorization, Content-Type, Accept, Mcp-Session-Id, MCP-Protocol-Version, Last-Event-ID, X-Correlation-ID, X-Request-ID';
const PREFLIGHT_SECONDS = '600';

type CorsConfig = Pick<Config, 'ALLOWED_ORIGINS' | 'CORS_ALLOW_CREDENTIALS'>;

/** An `onRequest` hook, behind the one that refuses foreign origins and before the authentication: a preflight has no token. */
export function createCors(config: CorsConfig): onRequestHookHandler {
  const isAllowed = createIsAllowedOrigin(config);
  return function cors(request, reply, done) {
    const { origin } = request.headers;
    if (origin === undefined || !isAllowed(origin)) return done();
    reply.header('access-control-allow-origin', origin).header('vary', 'Origin');
    if (config.CORS_ALLOW_CREDENTIALS) reply.header('access-control-allow-credentials', 'true');
    const asked = request.headers['access-control-request-method'];
    if (request.method === 'OPTIONS' && asked !== undefined) {
      answerPreflight(reply, request.headers['access-control-request-headers']);
      return;
    }
    reply.header('access-control-expose-headers', EXPOSED);
    done();
  };
}

/** Further headers (those that are passed through to upstreams) are named back if they look like header names. */
function answerPreflight(reply: FastifyReply, wanted: string | undefined): void {
  const names = wanted !== undefined && /^[\w\-, ]{1,1000}$/.test(wanted) ? `${HEADERS}, ${wanted}` : HEADERS;
  reply
    .code(204)
    .header('access-control-allow-methods', METHODS)
    .header('access-control-allow-headers', names)
    .header('access-control-max-age', PREFLIGHT_SECONDS)
    .send();
}
