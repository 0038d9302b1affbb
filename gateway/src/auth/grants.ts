// What a verified token may do: worked out from the database, remembered part by part, and in the steady state one comparison
// per request. A part is renewed before it is too old while its token is in use, so that nobody waits for it. When the database
// does not answer, what was known is used on, never beyond the longest times that the settings may have.
import type { Caches } from '../cache/caches.ts';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import { createDirectory, type Directory, type PartName, type Parts } from './directory.ts';
import type { Grant, Identity } from './identity.ts';
import { type Timed, TimedCache } from './timed-cache.ts';

/** What was written: a user (by email), a token (by jti), a team or a role (by id; all that holds teams or roles is dropped). */
export type ChangeKind = 'user' | 'token' | 'team' | 'role';

export interface GrantsOptions {
  config: Config;
  store: Pick<Store, 'query'>;
  caches: Caches;
  /** Monotonic milliseconds. */
  now?: () => number;
}

/** Caches of other tables' parts that a change concerns; what is not named by its id is dropped whole. */
const concerned: Record<ChangeKind, { byId: string[]; whole: string[] }> = {
  user: { byId: ['auth_user', 'auth_teams', 'auth_team', 'auth_role'], whole: ['team_members', 'team_role'] },
  token: { byId: ['auth_revocation'], whole: [] },
  team: { byId: [], whole: ['auth_teams', 'auth_team', 'team_members', 'team_role'] },
  role: { byId: [], whole: ['auth_role'] },
};

/** A grant is renewed in the background after this part of its time. */
const RENEW_AFTER = 0.75;
/** The longest that the settings may be: beyond that nothing is believed, whatever the database does. */
const longestMs: Record<PartName, number> = { user: 300_000, isRevoked: 120_000, teams: 300_000, permissions: 300_000 };
/** How long a database that failed is not asked again by those who can do without. */
const RETRY_MS = 1000;
/** How long a request waits for a database that hangs when there is something to go on with. */
const PATIENCE_MS = 1000;

const names: readonly PartName[] = ['user', 'isRevoked', 'teams', 'permissions'];

type TimedParts = { [Name in PartName]: Timed<Parts[Name]> };
type FoundParts = { [Name in PartName]: Timed<Parts[Name]> | undefined };

/** `version`: of the caches when it began. Who asks after a change does not join a question from before it. */
interface Flight {
  parts: Promise<TimedParts>;
  version: number;
}

export class Grants {
  readonly #config: Config;
  readonly #directory: Directory;
  readonly #now: () => number;
  readonly #caches: Caches;
  readonly #user: TimedCache<Parts['user']>;
  readonly #revocation: TimedCache<boolean>;
  readonly #teams: TimedCache<readonly string[]>;
  /** Of tokens that name their teams. */
  readonly #team: TimedCache<readonly string[]>;
  readonly #role: TimedCache<readonly string[]>;
  readonly #flights = new Map<string, Flight>();
  readonly #platformAdmin: string;
  #version = 0;
  #failedAtMs = Number.NEGATIVE_INFINITY;

  constructor({ config, store, caches, now }: GrantsOptions) {
    this.#config = config;
    this.#caches = caches;
    const create = <T>(name: string) => caches.add(new TimedCache<T>(name, () => this.#version++));
    this.#user = create('auth_user');
    this.#revocation = create('auth_revocation');
    this.#teams = create('auth_teams');
    this.#team = create('auth_team');
    this.#role = create('auth_role');
    this.#directory = createDirectory(store);
    this.#now = now ?? (() => performance.now());
    this.#platformAdmin = toEmail(config.PLATFORM_ADMIN_EMAIL);
  }

  /**
   * Puts the grant on the identity; synchronous when it is in memory. Throws or rejects with GW_UNAUTHORIZED for a token that was
   * revoked and for a user who may not come in, with GW_DATABASE_UNAVAILABLE when nothing is known of the token.
   */
  admit(identity: Identity): Grant | Promise<Grant> {
    const grant = identity.grant;
    const nowMs = this.#now();
    if (grant !== undefined && grant.version === this.#version) {
      if (nowMs < grant.renewAtMs) {
        this.#user.countHit();
        return grant;
      }
      if (nowMs < grant.endsAtMs && this.#config.AUTH_CACHE_ENABLED) {
        this.#user.countHit();
        // A failure shows when the grant ends; a refusal is told to the next request.
        if (this.#flightOf(identity) === undefined) this.#renew(identity).catch(() => undefined);
        return grant;
      }
    }
    return this.#workOut(identity, nowMs);
  }

  /** After a write: forgotten at once in this process, soon in the others. */
  changed(kind: ChangeKind, id: string): void {
    const { byId, whole } = concerned[kind];
    for (const name of byId) this.#caches.invalidate(name, kind === 'user' ? toEmail(id) : id);
    for (const name of whole) this.#caches.invalidate(name);
  }

  #workOut(identity: Identity, nowMs: number): Grant | Promise<Grant> {
    if (!this.#config.AUTH_CACHE_ENABLED) return this.#renew(identity);
    const parts = this.#look(identity, nowMs);
    const complete = toComplete(parts);
    if (complete !== undefined && nowMs < this.#endOf(identity, complete)) return this.#grant(identity, complete);
    const fallback = complete !== undefined && isBelievable(complete, nowMs) ? complete : undefined;
    if (fallback === undefined) return this.#renew(identity);
    if (nowMs - this.#failedAtMs < RETRY_MS) return this.#grant(identity, fallback);
    return this.#renewOr(identity, fallback);
  }

  /** A hung or failing database does not turn away whom we know. */
  async #renewOr(identity: Identity, fallback: TimedParts): Promise<Grant> {
    const version = this.#version;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const error = new GatewayError('GW_DATABASE_UNAVAILABLE', { detail: 'no answer in time' });
      timer = setTimeout(() => reject(error), PATIENCE_MS);
    });
    try {
      return await Promise.race([this.#renew(identity), late]);
    } catch (error) {
      const isDown = error instanceof GatewayError && error.code === 'GW_DATABASE_UNAVAILABLE';
      if (!isDown || version !== this.#version) throw error;
      this.#failedAtMs = this.#now();
      return this.#grant(identity, fallback);
    } finally {
      clearTimeout(timer);
    }
  }

  async #renew(identity: Identity): Promise<Grant> {
    for (;;) {
      const flight = this.#flightOf(identity) ?? this.#fly(identity);
      const parts = await flight.parts;
      // What was read while something was written may be either: read again.
      if (flight.version === this.#version) return this.#grant(identity, parts);
    }
  }

  #flightOf(identity: Identity): Flight | undefined {
    const flight = this.#flights.get(keyOf(identity));
    return flight?.version === this.#version ? flight : undefined;
  }

  #fly(identity: Identity): Flight {
    const key = keyOf(identity);
    const land = () => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    };
    const flight: Flight = { parts: this.#load(identity).finally(land), version: this.#version };
    this.#flights.set(key, flight);
    return flight;
  }

  async #load(identity: Identity): Promise<TimedParts> {
    const email = toEmail(identity.sub);
    const jti = identity.jti ?? '';
    const version = this.#version;
    const { AUTH_CACHE_ENABLED: isKept, AUTH_CACHE_BATCH_QUERIES: isBatched } = this.#config;
    // The time before the question: what changes while it is answered is not hidden for longer than the setting says.
    const atMs = this.#now();
    const known = isKept ? this.#peek(identity, atMs) : nothing;
    // Of what is still fresh nothing is asked again, unless it comes with the rest anyway.
    const wanted = names.filter((name) => {
      const part = known[name];
      return part === undefined || atMs - part.atMs >= this.#ttlMs(name, identity) * RENEW_AFTER;
    });
    let loaded: Partial<Parts>;
    try {
      loaded = isBatched ? await this.#directory.all(email, jti) : await this.#directory.some(wanted, email, jti);
    } catch (error) {
      this.#failedAtMs = this.#now();
      throw error;
    }
    this.#failedAtMs = Number.NEGATIVE_INFINITY;
    const part = <Name extends PartName>(name: Name): Timed<Parts[Name]> => {
      const kept: Timed<Parts[Name]> | undefined = known[name];
      return name in loaded || kept === undefined ? { value: loaded[name] as Parts[Name], atMs } : kept;
    };
    const parts: TimedParts = {
      user: part('user'),
      isRevoked: part('isRevoked'),
      teams: part('teams'),
      permissions: part('permissions'),
    };
    if (isKept && version === this.#version) this.#keep(identity, parts);
    return parts;
  }

  #keep(identity: Identity, { user, isRevoked, teams, permissions }: TimedParts): void {
    const email = toEmail(identity.sub);
    this.#user.keep(email, user.value, user.atMs);
    this.#role.keep(email, permissions.value, permissions.atMs);
    if (identity.jti !== undefined) this.#revocation.keep(identity.jti, isRevoked.value, isRevoked.atMs);
    const memberships = this.#membershipCache(identity);
    if (memberships !== undefined) memberships.keep(email, teams.value, teams.atMs);
  }

  #peek(identity: Identity, nowMs: number): FoundParts {
    const email = toEmail(identity.sub);
    return {
      user: this.#user.peek(email),
      isRevoked: identity.jti === undefined ? unrevocable(nowMs) : this.#revocation.peek(identity.jti),
      teams: this.#membershipCache(identity)?.peek(email),
      permissions: this.#role.peek(email),
    };
  }

  /** As `#peek`, and counts. */
  #look(identity: Identity, nowMs: number): FoundParts {
    const email = toEmail(identity.sub);
    const look = <T>(cache: TimedCache<T> | undefined, key: string, name: PartName) =>
      cache?.look(key, nowMs, this.#ttlMs(name, identity));
    return {
      user: look(this.#user, email, 'user'),
      isRevoked: identity.jti === undefined ? unrevocable(nowMs) : look(this.#revocation, identity.jti, 'isRevoked'),
      teams: look(this.#membershipCache(identity), email, 'teams'),
      permissions: look(this.#role, email, 'permissions'),
    };
  }

  #membershipCache(identity: Identity): TimedCache<readonly string[]> | undefined {
    if (identity.teams !== undefined) return this.#team;
    return this.#config.AUTH_CACHE_TEAMS_ENABLED ? this.#teams : undefined;
  }

  #ttlMs(name: PartName, identity: Identity): number {
    const config = this.#config;
    if (name === 'user') return config.AUTH_CACHE_USER_TTL * 1000;
    if (name === 'isRevoked') return config.AUTH_CACHE_REVOCATION_TTL * 1000;
    if (name === 'permissions') return config.AUTH_CACHE_ROLE_TTL * 1000;
    if (identity.teams !== undefined) return config.AUTH_CACHE_TEAM_TTL * 1000;
    return config.AUTH_CACHE_TEAMS_ENABLED ? config.AUTH_CACHE_TEAMS_TTL * 1000 : 0;
  }

  #endOf(identity: Identity, parts: TimedParts): number {
    return Math.min(...names.map((name) => parts[name].atMs + this.#ttlMs(name, identity)));
  }

  /** @throws GW_UNAUTHORIZED */
  #grant(identity: Identity, parts: TimedParts): Grant {
    const user = parts.user.value;
    const refusal = this.#refusal(identity, user, parts.isRevoked.value);
    if (refusal !== undefined) {
      identity.grant = undefined;
      throw new GatewayError('GW_UNAUTHORIZED', { detail: `the token was refused: ${refusal}` });
    }
    const ownPermissions = user === undefined ? undefined : parts.permissions.value;
    const isLimited =
      identity.permissions !== undefined || identity.serverId !== undefined || identity.teams !== undefined;
    const isAdministrator =
      user === undefined
        ? identity.claimsAdmin || toEmail(identity.sub) === this.#platformAdmin
        : user.isAdmin || parts.permissions.value.includes('*');
    const endsAtMs = this.#endOf(identity, parts);
    const startMs = Math.min(...names.map((name) => parts[name].atMs));
    identity.grant = {
      isAdmin: isAdministrator && !isLimited,
      permissions: limit(isAdministrator ? undefined : ownPermissions, identity.permissions),
      // Whoever holds the key made the token: without a row its word counts.
      teams: user === undefined ? (identity.teams ?? []) : limitTeams(parts.teams.value, identity.teams),
      // A token that is limited to teams sees nothing that is its user's alone.
      owner: identity.teams === undefined ? toEmail(identity.sub) : undefined,
      renewAtMs: this.#config.AUTH_CACHE_ENABLED ? startMs + (endsAtMs - startMs) * RENEW_AFTER : 0,
      endsAtMs: this.#config.AUTH_CACHE_ENABLED ? endsAtMs : 0,
      version: this.#version,
    };
    return identity.grant;
  }

  #refusal(identity: Identity, user: Parts['user'], isRevoked: boolean): string | undefined {
    if (isRevoked) return 'it was revoked';
    if (user === undefined) {
      // A login's token speaks for a row: without it, the user was deleted.
      return this.#config.REQUIRE_USER_IN_DB || identity.use === 'session' ? 'there is no such user' : undefined;
    }
    if (!user.isActive) return 'its user was deactivated';
    const isOld = (identity.issuedAt ?? 0) < Math.floor(user.sessionsSinceMs / 1000);
    return identity.use === 'session' && isOld ? 'its session was ended' : undefined;
  }
}

/** As the users table spells it. */
export function toEmail(subject: string): string {
  return subject.trim().toLowerCase();
}

function keyOf(identity: Identity): string {
  return `${identity.sub}\n${identity.jti ?? ''}\n${identity.teams === undefined}`;
}

const nothing: FoundParts = { user: undefined, isRevoked: undefined, teams: undefined, permissions: undefined };

/** A token without an id cannot be revoked. */
function unrevocable(atMs: number): Timed<boolean> {
  return { value: false, atMs };
}

function toComplete(parts: FoundParts): TimedParts | undefined {
  const { user, isRevoked, teams, permissions } = parts;
  if (user === undefined || isRevoked === undefined || teams === undefined || permissions === undefined)
    return undefined;
  return { user, isRevoked, teams, permissions };
}

function isBelievable(parts: TimedParts, nowMs: number): boolean {
  return names.every((name) => nowMs - parts[name].atMs < longestMs[name]);
}

function limit(
  own: readonly string[] | undefined,
  token: readonly string[] | undefined,
): ReadonlySet<string> | undefined {
  if (token === undefined) return own === undefined ? undefined : new Set(own);
  return new Set(own === undefined ? token : token.filter((permission) => own.includes(permission)));
}

function limitTeams(own: readonly string[], token: readonly string[] | undefined): readonly string[] {
  return token === undefined ? own : own.filter((team) => token.includes(team));
}
