// For connections that outlive the request that opened them: would whoever opened one still be let in?
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import type { Grants } from './grants.ts';
import type { Identity } from './identity.ts';

declare module 'fastify' {
  interface FastifyInstance {
    readmit: Readmit;
  }
}

/**
 * Why not: GW_UNAUTHORIZED, or that nobody knows (GW_DATABASE_UNAVAILABLE); undefined for who is let in, with the grant renewed.
 * No promise while the grant is in memory. Never throws or rejects.
 */
export type Readmit = (identity: Identity) => GatewayError | undefined | Promise<GatewayError | undefined>;

export function createReadmit(config: Pick<Config, 'AUTH_REQUIRED'>, grants: Pick<Grants, 'admit'>): Readmit {
  if (!config.AUTH_REQUIRED) return () => undefined;
  return function readmit(identity) {
    if (identity.expiresAt !== undefined && identity.expiresAt * 1000 <= Date.now()) {
      return new GatewayError('GW_UNAUTHORIZED', { detail: 'the token has expired' });
    }
    try {
      const grant = grants.admit(identity);
      return grant instanceof Promise ? grant.then(() => undefined, toRefusal) : undefined;
    } catch (error) {
      return toRefusal(error);
    }
  };
}

/** For keep-alives: `end` is told why, and not called while nobody knows: a database that is away revokes nothing. */
export function endRefused(readmit: Readmit, identity: Identity, end: (reason: string) => void): void {
  function judge(refusal: GatewayError | undefined): void {
    if (refusal?.code === 'GW_UNAUTHORIZED') end(refusal.detail);
  }
  const refusal = readmit(identity);
  if (refusal instanceof Promise) void refusal.then(judge);
  else judge(refusal);
}

function toRefusal(error: unknown): GatewayError {
  return error instanceof GatewayError
    ? error
    : new GatewayError('GW_INTERNAL', { detail: 'who asks is not known', cause: error });
}
