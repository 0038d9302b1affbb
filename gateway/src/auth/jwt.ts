// Checks a token and says who sent it. Verified tokens are remembered (bounded, for a time); the expiry is judged each time.
import { createVerifier } from 'fast-jwt';
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
    ...(config.JWT_CACHE_ENABLED
      ? {
          cache: config.JWT_CACHE_MAX_SIZE,
          cacheTTL: config.JWT_CACHE_TTL * 1000,
          errorCacheTTL: -1,
          // The token itself: no hash per request, and no two tokens share a key. Its length is bounded below.
          cacheKeyBuilder: (token: string) => token,
        }
      : {}),
  });
  // The verifier hands out the same claims object while it remembers the token: what was derived is kept beside it.
  const identities = new WeakMap<object, Identity>();
  return (token) => {
    if (token.length > TOKEN_MAX_LENGTH) {
      throw new GatewayError('GW_UNAUTHORIZED', { detail: `the token is longer than ${TOKEN_MAX_LENGTH} characters` });
    }
    let claims: object;
    try {
      claims = verify(token);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new GatewayError('GW_UNAUTHORIZED', { detail: `the token was refused: ${reason}`, cause: error });
    }
    let identity = identities.get(claims);
    if (identity === undefined) {
      identity = toIdentity(claims);
      identities.set(claims, identity);
    }
    if (identity.expiresAt !== undefined && identity.expiresAt * 1000 <= Date.now()) {
      throw new GatewayError('GW_UNAUTHORIZED', { detail: 'the token was refused: it has expired' });
    }
    return identity;
  };
}

function toIdentity(claims: object): Identity {
  try {
    const { sub, exp } = parse(Claims, claims, 'token');
    return { sub, expiresAt: exp };
  } catch (error) {
    throw new GatewayError('GW_UNAUTHORIZED', { detail: 'the token names no subject (`sub`)', cause: error });
  }
}
