// Who a request speaks for: what the token says, and what the gateway grants for it.
import type { CallerIdentity } from '../mcp/ports.ts';
import type { Viewer } from '../mcp/viewer.ts';

/** One object per verified token. Its grant is renewed behind it; nothing else of it changes. */
export interface Identity extends CallerIdentity {
  readonly sub: string;
  /** When the token ends (seconds since 1970); undefined: never. */
  readonly expiresAt: number | undefined;
  /** When it was made (seconds since 1970). */
  readonly issuedAt: number | undefined;
  /** The token's own id, by which it can be revoked. */
  readonly jti: string | undefined;
  /** What the token says of itself: decides only where the users table has no row. */
  readonly claimsAdmin: boolean;
  /** `session` after a login, `api` for POST /tokens. */
  readonly use: 'session' | 'api' | undefined;
  /** Teams that an API token is limited to; undefined: all teams of its user. */
  readonly teams: readonly string[] | undefined;
  /** The virtual server that a token is limited to. */
  readonly serverId: string | undefined;
  /** Permissions that a token is limited to. */
  readonly permissions: readonly string[] | undefined;
  /** Undefined: not worked out yet, or refused. */
  grant: Grant | undefined;
}

/** What somebody may do, as it was worked out last. */
export interface Grant extends Viewer {
  /** Undefined: everything that is not an administrator's alone. */
  readonly permissions: ReadonlySet<string> | undefined;
  /** Monotonic milliseconds: worked out anew from then on. */
  readonly renewAtMs: number;
  /** Not used any more from then on. */
  readonly endsAtMs: number;
  /** Of the caches when it was worked out: it ends with the next change. */
  readonly version: number;
}

export function mayDo(identity: Identity | undefined, permission: string): boolean {
  const grant = identity?.grant;
  if (grant === undefined) return false;
  return grant.isAdmin || grant.permissions === undefined || grant.permissions.has(permission);
}
