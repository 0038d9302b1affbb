// Checks a token and says who sent it. Good tokens are remembered (bounded, for a time); the expiry is judged each time.
import { createVerifier } from 'fast-jwt';
import { LRUCache } from 'lru-cache';
import { Type } from 'typebox';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import { parse } from '../parse.ts';

const Claims = Type.Object({
  sub: Type.String({ minLength: 1 }),
  exp: Type.Optional(Type.Number()),
});

/** Who a request speaks for. */
export interface Identity {
  sub: string;
  /** When the token ends (seconds since 1970); undefined: never. */
  expiresAt: number | undefined;
}

/** Bounds what the memory of tokens can take; tokens of ContextForge have under 1,000 characters. */
const TOKEN_MAX_LENGTH = 4096;

type JwtConfig = Pick<
  Config,
  'JWT_SECRET_KEY' | 'JWT_AUDIENCE' | 'JWT_ISSUER' | 'JWT_CACHE_ENABLED' | 'JWT_CACHE_TTL' | 'JWT_CACHE_MAX_SIZE'
>;

/** @throws (from the returned function) GW_UNAUTHORIZED, also for a token that expired while it was remembered */
export function createVerifyToken(config: JwtConfig): (token: string) => Identity {
  const verify = createVerifier({
    key: config.JWT_SECRET_KEY,
    algorithms: ['HS256'],
    requiredClaims: ['sub'],
    ...(config.JWT_AUDIENCE === '' ? {} : { allowedAud: config.JWT_AUDIENCE }),
    ...(config.JWT_ISSUER === '' ? {} : { allowedIss: config.JWT_ISSUER }),
  });
  // Not the verifier's own cache: that one hashes the token on each use and lets refused tokens push good ones out.
  const known = config.JWT_CACHE_ENABLED
    ? new LRUCache<string, Identity>({
        max: config.JWT_CACHE_MAX_SIZE,
        ttl: config.JWT_CACHE_TTL * 1000,
        // The clock is read once a second; with the default of 1 ms nearly every request would start a timer for it. The
        // token's own expiry is judged below.
        ttlResolution: 1000,
      })
    : undefined;
  return (token) => {
    const remembered = known?.get(token);
    if (remembered !== undefined) {
      if (remembered.expiresAt !== undefined && remembered.expiresAt * 1000 <= Date.now()) {
        known?.delete(token);
        throw new GatewayError('GW_UNAUTHORIZED', { detail: 'the token was refused: it has expired' });
      }
      return remembered;
    }
    if (token.length > TOKEN_MAX_LENGTH) {
      throw new GatewayError('GW_UNAUTHORIZED', { detail: `the token is longer than ${TOKEN_MAX_LENGTH} characters` });
    }
    const identity = toIdentity(verify, token);
    known?.set(token, identity);
    return identity;
  };
}

function toIdentity(verify: (token: string) => unknown, token: string): Identity {
  try {
    const { sub, exp } = parse(Claims, verify(token), 'token');
    // The verifier admits the very millisecond at which a token ends (RFC 7519 section 4.1.4: it must not).
    if (exp !== undefined && exp * 1000 <= Date.now()) throw new Error('it has expired');
    return { sub, expiresAt: exp };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new GatewayError('GW_UNAUTHORIZED', { detail: `the token was refused: ${reason}`, cause: error });
  }
}
