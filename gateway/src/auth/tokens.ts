// API tokens of users, and the tokens that are good no more.
import { randomUUID } from 'node:crypto';
import type { Selectable } from 'kysely';
import { type Static, Type } from 'typebox';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import { parse } from '../parse.ts';
import type { Store } from '../store/store.ts';
import type { ApiTokensTable } from '../store/tables.ts';
import { type Grants, toEmail } from './grants.ts';
import { type Identity, mayDo } from './identity.ts';
import { createToken } from './token.ts';

const Texts = Type.Array(Type.String({ minLength: 1, maxLength: 255 }), { maxItems: 100 });

export const TokenCreate = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 255 }),
  description: Type.Optional(Type.Union([Type.String({ maxLength: 1000 }), Type.Null()])),
  expires_in_days: Type.Optional(Type.Union([Type.Integer({ minimum: 1, maximum: 3650 }), Type.Null()])),
  scope: Type.Optional(
    Type.Union([
      Type.Object({
        server_id: Type.Optional(Type.Union([Type.String({ minLength: 1, maxLength: 255 }), Type.Null()])),
        permissions: Type.Optional(Texts),
      }),
      Type.Null(),
    ]),
  ),
  team_id: Type.Optional(Type.Union([Type.String({ minLength: 1, maxLength: 255 }), Type.Null()])),
  tags: Type.Optional(Texts),
});
export type TokenCreate = Static<typeof TokenCreate>;

type Row = Selectable<ApiTokensTable> & {
  revoked_at: string | null;
  revoked_by: string | null;
  reason: string | null;
};

export interface TokensOptions {
  store: Store;
  config: Config;
  grants: Grants;
}

export class Tokens {
  readonly #store: Store;
  readonly #config: Config;
  readonly #grants: Grants;

  constructor({ store, config, grants }: TokensOptions) {
    this.#store = store;
    this.#config = config;
    this.#grants = grants;
  }

  /** The token itself is told this once. @throws GW_FORBIDDEN for more than the owner may, GW_CONFLICT */
  async create(owner: Identity, wanted: TokenCreate): Promise<{ token: object; access_token: string }> {
    requireOwnHands(owner);
    const permissions = wanted.scope?.permissions ?? [];
    const tooMuch = permissions.filter((permission) => !mayDo(owner, permission) || permission === '*');
    if (tooMuch.length > 0 && owner.grant?.isAdmin !== true) {
      throw new GatewayError('GW_FORBIDDEN', { detail: `you have not the permissions ${tooMuch.join(', ')}` });
    }
    const teamId = wanted.team_id ?? null;
    if (teamId !== null && owner.grant?.teams.includes(teamId) !== true) {
      throw new GatewayError('GW_FORBIDDEN', { detail: `you are no member of team ${teamId}` });
    }
    const days = wanted.expires_in_days ?? undefined;
    if (days === undefined && this.#config.REQUIRE_TOKEN_EXPIRATION) {
      throw new GatewayError('GW_INVALID_REQUEST', { detail: 'expires_in_days is needed (REQUIRE_TOKEN_EXPIRATION)' });
    }
    const nowMs = Date.now();
    const row: Selectable<ApiTokensTable> = {
      id: randomUUID(),
      jti: randomUUID(),
      user_email: toEmail(owner.sub),
      name: wanted.name,
      description: wanted.description ?? null,
      server_id: wanted.scope?.server_id ?? null,
      team_id: teamId,
      permissions_json: JSON.stringify(permissions),
      tags_json: JSON.stringify(wanted.tags ?? []),
      created_at: new Date(nowMs).toISOString(),
      expires_at: days === undefined ? null : new Date(nowMs + days * 86_400_000).toISOString(),
    };
    await this.#store.query((db) => db.insertInto('api_tokens').values(row).execute());
    const access_token = createToken({
      secret: this.#config.JWT_SECRET_KEY,
      audience: this.#config.JWT_AUDIENCE,
      issuer: this.#config.JWT_ISSUER,
      subject: owner.sub,
      jti: row.jti,
      expiresInMinutes: (days ?? 0) * 1440,
      // What decides is the users table; without a row there, the owner's own token.
      isAdmin: owner.grant?.isAdmin === true && teamId === null && row.server_id === null && permissions.length === 0,
      claims: {
        token_use: 'api',
        ...(teamId === null ? {} : { teams: [teamId] }),
        scopes: { server_id: row.server_id, permissions },
      },
    });
    return { token: toRead({ ...row, revoked_at: null, revoked_by: null, reason: null }), access_token };
  }

  async list(owner: Identity, includeInactive: boolean, limit: number, offset: number): Promise<object> {
    requireOwnHands(owner);
    const rows = await this.#store.query((db) => {
      let query = this.#select(db).where('api_tokens.user_email', '=', toEmail(owner.sub));
      if (!includeInactive) {
        const now = new Date().toISOString();
        query = query
          .where('revoked_tokens.jti', 'is', null)
          .where((row) => row.or([row('api_tokens.expires_at', 'is', null), row('api_tokens.expires_at', '>', now)]));
      }
      return query.orderBy('api_tokens.created_at').limit(limit).offset(offset).execute();
    });
    return { tokens: rows.map(toRead), total: rows.length, limit, offset };
  }

  /** @throws GW_NOT_FOUND, also for somebody else's */
  async read(owner: Identity, id: string): Promise<object> {
    requireOwnHands(owner);
    return toRead(await this.#find(owner, id));
  }

  /** @throws GW_NOT_FOUND */
  async revoke(owner: Identity, id: string, reason: string | undefined): Promise<void> {
    requireOwnHands(owner);
    const { jti, expires_at } = await this.#find(owner, id);
    await this.revokeId(jti, owner.sub, reason, expires_at);
  }

  /** Any token that has an id: of a login too. */
  async revokeId(jti: string, by: string, reason: string | undefined, expiresAt: string | null): Promise<void> {
    const now = new Date().toISOString();
    const row = { jti, revoked_by: by, reason: reason ?? null, revoked_at: now, expires_at: expiresAt };
    await this.#store.query(async (db) => {
      await db
        .insertInto('revoked_tokens')
        .values(row)
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      // Those that have expired need no row any more.
      await db.deleteFrom('revoked_tokens').where('expires_at', '<', now).execute();
    });
    this.#grants.changed('token', jti);
  }

  async #find(owner: Identity, id: string): Promise<Row> {
    const row = await this.#store.query((db) => {
      const query = this.#select(db).where('api_tokens.id', '=', id);
      const own = owner.grant?.isAdmin === true ? query : query.where('api_tokens.user_email', '=', toEmail(owner.sub));
      return own.executeTakeFirst();
    });
    if (row === undefined) throw new GatewayError('GW_NOT_FOUND', { detail: `you have no token ${id}` });
    return row;
  }

  #select(db: Parameters<Parameters<Store['query']>[0]>[0]) {
    return db
      .selectFrom('api_tokens')
      .leftJoin('revoked_tokens', 'revoked_tokens.jti', 'api_tokens.jti')
      .selectAll('api_tokens')
      .select(['revoked_tokens.revoked_at', 'revoked_tokens.revoked_by', 'revoked_tokens.reason']);
  }
}

/** An API token makes, shows and revokes no tokens: one that leaks must not be able to outlive its revocation. */
function requireOwnHands(owner: Identity): void {
  const isLimited = owner.permissions !== undefined || owner.serverId !== undefined || owner.teams !== undefined;
  if (owner.use !== 'api' && !isLimited) return;
  throw new GatewayError('GW_FORBIDDEN', { detail: 'an API token cannot manage tokens: log in' });
}

const Strings = Type.Array(Type.String());

function toRead(row: Row): object {
  const isExpired = row.expires_at !== null && Date.parse(row.expires_at) <= Date.now();
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    user_email: row.user_email,
    team_id: row.team_id,
    server_id: row.server_id,
    resource_scopes: parse(Strings, JSON.parse(row.permissions_json), `token ${row.id}`),
    ip_restrictions: [],
    time_restrictions: {},
    usage_limits: {},
    created_at: row.created_at,
    expires_at: row.expires_at,
    last_used: null,
    is_active: row.revoked_at === null && !isExpired,
    is_revoked: row.revoked_at !== null,
    revoked_at: row.revoked_at,
    revoked_by: row.revoked_by,
    revocation_reason: row.reason,
    tags: parse(Strings, JSON.parse(row.tags_json), `token ${row.id}`),
  };
}
