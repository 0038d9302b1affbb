// The door: an `onRequest` hook that puts who is asking on the request, and what asks for more than being known.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import type { Grants } from './grants.ts';
import { type Identity, mayDo } from './identity.ts';
import { createVerifyToken, type VerifyToken } from './jwt.ts';

export { type Grant, type Identity, mayDo } from './identity.ts';
export { endRefused } from './readmit.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the authentication hook; undefined on paths that it does not guard. */
    identity?: Identity;
  }
}

/** Who asks where AUTH_REQUIRED is off. */
export const anonymous: Identity = createAnonymous(false);
const anonymousAdmin: Identity = createAnonymous(true);

function createAnonymous(isAdmin: boolean): Identity {
  const forever = Number.POSITIVE_INFINITY;
  return {
    sub: 'anonymous',
    expiresAt: undefined,
    issuedAt: undefined,
    jti: undefined,
    claimsAdmin: isAdmin,
    use: undefined,
    teams: undefined,
    serverId: undefined,
    permissions: undefined,
    grant: {
      isAdmin,
      permissions: undefined,
      teams: [],
      owner: undefined,
      renewAtMs: forever,
      endsAtMs: forever,
      version: 0,
    },
  };
}

/**
 * Synchronous with a `done` callback: no promise per request on the hot path. Calls `done` with GW_UNAUTHORIZED and sets
 * `WWW-Authenticate` (RFC 6750 section 3) when the token is missing or bad. With AUTH_REQUIRED off everybody is `anonymous`.
 */
export type Authenticate = (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => void;

/** Put `app.decorateRequest('identity', undefined)` before the hook, so that requests keep one shape. */
export function createAuthenticate(
  config: Config,
  grants: Pick<Grants, 'admit'>,
  verifyToken: VerifyToken = createVerifyToken(config),
): Authenticate {
  if (!config.AUTH_REQUIRED) return config.ALLOW_UNAUTHENTICATED_ADMIN ? admitAllAsAdmin : admitAll;
  return function authenticate(request, reply, done) {
    const { authorization } = request.headers;
    try {
      const identity = verifyToken(bearerToken(authorization));
      const grant = grants.admit(identity);
      if (grant instanceof Promise) {
        grant.then(
          () => enter(request, identity, done),
          (error) => refuse(reply, authorization, error, done),
        );
        return;
      }
      enter(request, identity, done);
    } catch (error) {
      refuse(reply, authorization, error, done);
    }
  };
}

function enter(request: FastifyRequest, identity: Identity, done: (error?: Error) => void): void {
  if (identity.serverId !== undefined && !isOfServer(request, identity.serverId)) {
    done(
      new GatewayError('GW_FORBIDDEN', {
        detail: `the token is good for MCP and reading below /servers/${identity.serverId} only`,
      }),
    );
    return;
  }
  request.identity = identity;
  done();
}

const mcpPaths: ReadonlySet<string> = new Set(['mcp', 'sse', 'message', 'ws'].map((name) => `/servers/:id/${name}`));

/** MCP there, and reading what is there: who could change the server could give it everything. */
function isOfServer(request: FastifyRequest, serverId: string): boolean {
  const { url = '' } = request.routeOptions;
  if ((request.params as { id?: string }).id !== serverId) return false;
  if (mcpPaths.has(url)) return true;
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  return isRead && (url === '/servers/:id' || url.startsWith('/servers/:id/'));
}

function refuse(
  reply: FastifyReply,
  authorization: string | undefined,
  error: unknown,
  done: (error?: Error) => void,
): void {
  const isRefusal = error instanceof GatewayError && error.code === 'GW_UNAUTHORIZED';
  if (isRefusal) {
    reply.header('WWW-Authenticate', authorization === undefined ? 'Bearer' : 'Bearer error="invalid_token"');
  }
  done(error instanceof Error ? error : new Error(String(error)));
}

function admitAll(request: FastifyRequest, _reply: FastifyReply, done: (error?: Error) => void): void {
  request.identity = anonymous;
  done();
}

function admitAllAsAdmin(request: FastifyRequest, _reply: FastifyReply, done: (error?: Error) => void): void {
  request.identity = anonymousAdmin;
  done();
}

/** A hook for routes of administrators, behind the authentication: GW_FORBIDDEN for everybody else. */
export function requireAdmin(request: FastifyRequest, _reply: FastifyReply, done: (error?: Error) => void): void {
  const isAdmin = request.identity?.grant?.isAdmin === true;
  const detail = `${request.identity?.sub ?? 'nobody'} is no administrator`;
  done(isAdmin ? undefined : new GatewayError('GW_FORBIDDEN', { detail }));
}

/** A hook for what a role gives, behind the authentication: GW_FORBIDDEN without it. */
export function createRequirePermission(permission: string): Authenticate {
  return function requirePermission(request, _reply, done) {
    if (mayDo(request.identity, permission)) return done();
    const detail = `${request.identity?.sub ?? 'nobody'} has not the permission ${permission}`;
    done(new GatewayError('GW_FORBIDDEN', { detail }));
  };
}

function bearerToken(header: string | undefined): string {
  if (header === undefined) {
    throw new GatewayError('GW_UNAUTHORIZED', { detail: 'the request has no Authorization header' });
  }
  // RFC 9110 section 11.1: the scheme's name is case-insensitive.
  if (header.slice(0, 7).toLowerCase() !== 'bearer ') {
    throw new GatewayError('GW_UNAUTHORIZED', { detail: 'the Authorization header is not `Bearer <token>`' });
  }
  return header.slice(7).trim();
}
