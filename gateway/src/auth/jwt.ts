// Checks a token and says who sent it. Good tokens are remembered (bounded, for a time); the expiry is judged each time.
import { createVerifier } from 'fast-jwt';
import { LRUCache } from 'lru-cache';
import { Type } from 'typebox';
import type { Caches } from '../cache/caches.ts';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import { parse } from '../parse.ts';
import type { Identity } from './identity.ts';

/** As ContextForge's tokens have them; whatever else a token says is not looked at. */
const Claims = Type.Object({
  sub: Type.String({ minLength: 1 }),
  exp: Type.Optional(Type.Number()),
  iat: Type.Optional(Type.Number()),
  jti: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
  is_admin: Type.Optional(Type.Unknown()),
  user: Type.Optional(Type.Unknown()),
  token_use: Type.Optional(Type.Unknown()),
  teams: Type.Optional(Type.Unknown()),
  scopes: Type.Optional(Type.Unknown()),
});

/** Bounds what the memory of tokens can take; tokens of ContextForge have under 1,000 characters. */
const TOKEN_MAX_LENGTH = 4096;

type JwtConfig = Pick<
  Config,
  | 'JWT_SECRET_KEY'
  | 'JWT_AUDIENCE'
  | 'JWT_ISSUER'
  | 'JWT_AUDIENCE_VERIFICATION'
  | 'JWT_ISSUER_VERIFICATION'
  | 'REQUIRE_TOKEN_EXPIRATION'
  | 'REQUIRE_JTI'
  | 'JWT_CACHE_ENABLED'
  | 'JWT_CACHE_TTL'
  | 'JWT_CACHE_MAX_SIZE'
>;

export interface VerifyToken {
  /** @throws GW_UNAUTHORIZED, also for a token that expired while it was remembered */
  (token: string): Identity;
  /** Whether an identity that a token was verified for a moment ago still holds: a hit of the memory without a look into it. */
  stillHolds(identity: Identity): boolean;
}

/** AUTH_REQUIRED is off and no key is set: nobody can have signed a token. */
function refuseAll(): never {
  throw new GatewayError('GW_UNAUTHORIZED', { detail: 'the token was refused: the gateway has no JWT_SECRET_KEY' });
}

/** @param caches where its counts are told, as `jwt` */
export function createVerifyToken(config: JwtConfig, caches?: Caches): VerifyToken {
  if (config.JWT_SECRET_KEY === '') return Object.assign(refuseAll, { stillHolds: () => false });
  const verify = createVerifier({
    key: config.JWT_SECRET_KEY,
    algorithms: ['HS256'],
    requiredClaims: [
      'sub',
      ...(config.REQUIRE_TOKEN_EXPIRATION ? ['exp'] : []),
      ...(config.REQUIRE_JTI ? ['jti'] : []),
      ...(config.JWT_AUDIENCE_VERIFICATION ? ['aud'] : []),
      ...(config.JWT_ISSUER_VERIFICATION ? ['iss'] : []),
    ],
    ...(config.JWT_AUDIENCE_VERIFICATION ? { allowedAud: config.JWT_AUDIENCE } : {}),
    ...(config.JWT_ISSUER_VERIFICATION ? { allowedIss: config.JWT_ISSUER } : {}),
  });
  // Not the verifier's own cache: that one hashes the token on each use and lets refused tokens push good ones out.
  const known = config.JWT_CACHE_ENABLED
    ? new LRUCache<string, Identity>({
        max: config.JWT_CACHE_MAX_SIZE,
        ttl: config.JWT_CACHE_TTL * 1000,
        // The clock is read once a second; with the default of 1 ms nearly every request would start a timer for it. The
        // token's own expiry is judged below.
        ttlResolution: 1000,
        // Looked up at use: lru-cache would keep the clock of the moment it was loaded, which a test cannot move.
        perf: { now: () => performance.now() },
      })
    : undefined;
  let [hits, misses] = [0, 0];
  caches?.add({
    name: 'jwt',
    drop: () => known?.clear(),
    stats: () => ({ name: 'jwt', hits, misses, evictions: 0, size: known?.size ?? 0 }),
  });
  function verifyToken(token: string): Identity {
    const remembered = known?.get(token);
    if (remembered !== undefined) {
      if (isExpired(remembered)) {
        known?.delete(token);
        throw new GatewayError('GW_UNAUTHORIZED', { detail: 'the token was refused: it has expired' });
      }
      hits++;
      return remembered;
    }
    misses++;
    if (token.length > TOKEN_MAX_LENGTH) {
      throw new GatewayError('GW_UNAUTHORIZED', { detail: `the token is longer than ${TOKEN_MAX_LENGTH} characters` });
    }
    const identity = toIdentity(verify, token);
    known?.set(token, identity);
    return identity;
  }
  function stillHolds(identity: Identity): boolean {
    if (known === undefined || isExpired(identity)) return false;
    hits++;
    return true;
  }
  return Object.assign(verifyToken, { stillHolds });
}

function isExpired({ expiresAt }: Identity): boolean {
  return expiresAt !== undefined && expiresAt * 1000 <= Date.now();
}

function toIdentity(verify: (token: string) => unknown, token: string): Identity {
  try {
    const { sub, exp, iat, jti, is_admin, user, token_use, teams, scopes } = parse(Claims, verify(token), 'token');
    // The verifier admits the very millisecond at which a token ends (RFC 7519 section 4.1.4: it must not).
    if (exp !== undefined && exp * 1000 <= Date.now()) throw new Error('it has expired');
    return {
      sub,
      expiresAt: exp,
      issuedAt: iat,
      jti,
      claimsAdmin: is_admin === true || memberOf(user, 'is_admin') === true,
      use: token_use === 'session' || token_use === 'api' ? token_use : undefined,
      teams: textsOf(teams),
      serverId: textOf(memberOf(scopes, 'server_id')),
      permissions: permissionsOf(memberOf(scopes, 'permissions')),
      grant: undefined,
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new GatewayError('GW_UNAUTHORIZED', { detail: `the token was refused: ${reason}`, cause: error });
  }
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function textsOf(value: unknown): string[] | undefined {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : undefined;
}

/** `["*"]` and an empty list are how ContextForge says: whatever the user may. */
function permissionsOf(value: unknown): string[] | undefined {
  const permissions = textsOf(value);
  return permissions === undefined || permissions.length === 0 || permissions.includes('*') ? undefined : permissions;
}
