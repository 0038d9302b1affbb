// The door: an `onRequest` hook that puts who is asking on the request.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import { createVerifyToken, type Identity } from './jwt.ts';

export type { Identity } from './jwt.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the authentication hook; undefined on paths that it does not guard. */
    identity?: Identity;
  }
}

/** Who asks where AUTH_REQUIRED is off. */
export const anonymous: Identity = { sub: 'anonymous', expiresAt: undefined };

/**
 * Synchronous with a `done` callback: no promise per request on the hot path. Calls `done` with GW_UNAUTHORIZED and sets
 * `WWW-Authenticate` (RFC 6750 section 3) when the token is missing or bad. With AUTH_REQUIRED off everybody is `anonymous`.
 */
export type Authenticate = (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => void;

/** Put `app.decorateRequest('identity', undefined)` before the hook, so that requests keep one shape. */
export function createAuthenticate(config: Config): Authenticate {
  if (!config.AUTH_REQUIRED) return admitAll;
  const verifyToken = createVerifyToken(config);
  return function authenticate(request, reply, done) {
    try {
      request.identity = verifyToken(bearerToken(request.headers.authorization));
    } catch (error) {
      const hasToken = request.headers.authorization !== undefined;
      reply.header('WWW-Authenticate', hasToken ? 'Bearer error="invalid_token"' : 'Bearer');
      done(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    done();
  };
}

function admitAll(request: FastifyRequest, _reply: FastifyReply, done: (error?: Error) => void): void {
  request.identity = anonymous;
  done();
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
