// Whom something in the registry is for: what a request says of it, what its row says, and the rows that somebody may see.
import { type ExpressionBuilder, type SqlBool, sql } from 'kysely';
import { Type } from 'typebox';
import { GatewayError } from '../errors.ts';
import { type Audience, isShownTo, type Viewer, type Visibility } from '../mcp/viewer.ts';
import { isIn } from '../store/portable.ts';
import type { Store } from '../store/store.ts';
import type { Database } from '../store/tables.ts';
import { readBody } from './body.ts';

/** As ContextForge names them, in the object itself or beside it: `{"tool": {…}, "team_id": "…", "visibility": "team"}`. */
export const audienceProperties = {
  visibility: Type.Optional(
    Type.Enum(['private', 'team', 'public'], {
      description: 'for the owner, for the members of teamId, or for everybody; with teamId alone: team, else public',
    }),
  ),
  teamId: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
  ownerEmail: Type.Optional(Type.String({ minLength: 1, maxLength: 255, description: 'set by administrators only' })),
};
const AudienceRequest = Type.Object(audienceProperties);
type AudienceRequest = Type.Static<typeof AudienceRequest>;

/** @throws GW_INVALID_REQUEST */
export function readAudience(body: unknown, wrapper: string): AudienceRequest {
  // `''` is no wrapper: the outer object is read as it is.
  const beside = readBody(AudienceRequest, body, '');
  const { visibility, teamId, ownerEmail } = readBody(AudienceRequest, body, wrapper);
  return {
    ...pick('visibility', visibility ?? beside.visibility),
    ...pick('teamId', teamId ?? beside.teamId),
    ...pick('ownerEmail', ownerEmail ?? beside.ownerEmail),
  };
}

function pick<Name extends string, Value>(name: Name, value: Value | undefined): { [K in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { [K in Name]?: Value });
}

/** A row's columns. */
export interface AudienceColumns {
  visibility: Visibility;
  team_id: string | null;
  owner_email: string | null;
}

/**
 * Before a transaction: asking for the team takes a connection of its own.
 * @throws GW_INVALID_REQUEST for a team that is not the viewer's, or none
 */
export async function requireTeam(
  store: Pick<Store, 'query'>,
  { teamId }: AudienceRequest,
  viewer: Viewer,
): Promise<void> {
  if (teamId === undefined || viewer.teams.includes(teamId)) return;
  if (!viewer.isAdmin) throw invalid('/teamId', 'must be one of your teams');
  const team = await store.query((db) =>
    db.selectFrom('teams').select('id').where('id', '=', teamId).executeTakeFirst(),
  );
  if (team === undefined) throw invalid('/teamId', 'names no team');
}

/**
 * The columns of something new, or of something whose audience is changed; after `requireTeam`.
 * @param before what it has now; undefined: it is new
 * @throws GW_INVALID_REQUEST
 */
export function toAudienceColumns(wanted: AudienceRequest, viewer: Viewer, before?: AudienceColumns): AudienceColumns {
  const owner = wanted.ownerEmail?.toLowerCase();
  if (owner !== undefined && owner !== before?.owner_email && !viewer.isAdmin) {
    throw invalid('/ownerEmail', 'is set by administrators only');
  }
  const visibility = wanted.visibility ?? (wanted.teamId === undefined ? (before?.visibility ?? 'public') : 'team');
  const team_id = wanted.teamId ?? before?.team_id ?? null;
  const owner_email = owner ?? before?.owner_email ?? viewer.owner ?? null;
  if (visibility === 'team' && team_id === null) throw invalid('/teamId', 'must name the team that it is for');
  if (visibility === 'private' && owner_email === null) {
    throw invalid('/visibility', 'cannot be private: a token that is limited to teams, or none, owns nothing');
  }
  return { visibility, team_id, owner_email };
}

export function isAudienceWanted(wanted: AudienceRequest): boolean {
  return Object.keys(wanted).length > 0;
}

function invalid(path: string, message: string): GatewayError {
  return new GatewayError('GW_INVALID_REQUEST', { detail: `body ${path} ${message}`, faults: [{ path, message }] });
}

export function toAudience({ visibility, team_id, owner_email }: AudienceColumns): Audience {
  return { visibility, teamId: team_id, ownerEmail: owner_email };
}

/** What an entry has of its own; without a visibility it has that of its gateway. */
export interface EntryAudienceColumns {
  visibility: Visibility | null;
  team_id: string | null;
  owner_email: string | null;
  gateway_visibility: Visibility;
  gateway_team_id: string | null;
  gateway_owner_email: string | null;
}

/** Both have to let somebody in; undefined: everybody may see it. */
export function audiencesOf(row: EntryAudienceColumns): Audience[] | undefined {
  const found: Audience[] = [];
  if (row.gateway_visibility !== 'public') found.push(gatewayAudienceOf(row));
  const { visibility, team_id, owner_email } = row;
  if (visibility !== null && visibility !== 'public') found.push(toAudience({ visibility, team_id, owner_email }));
  return found.length === 0 ? undefined : found;
}

function gatewayAudienceOf(row: EntryAudienceColumns): Audience {
  return { visibility: row.gateway_visibility, teamId: row.gateway_team_id, ownerEmail: row.gateway_owner_email };
}

/** As it is told: an entry's own, else its gateway's. */
export function toldAudienceOf(row: EntryAudienceColumns): Audience {
  const { visibility, team_id, owner_email } = row;
  return visibility === null ? gatewayAudienceOf(row) : toAudience({ visibility, team_id, owner_email });
}

export function isEntryShownTo(row: EntryAudienceColumns, viewer: Viewer): boolean {
  return audiencesOf(row)?.every((audience) => isShownTo(audience, viewer)) ?? true;
}

type Table = 'gateways' | 'servers' | 'entries';

/** Rows that the viewer may see. Of entries their gateway has to be asked too. */
export function shownTo<T extends Table>(table: T, viewer: Viewer) {
  return (row: ExpressionBuilder<Database, T>) => {
    if (viewer.isAdmin) return sql<SqlBool>`1 = 1`;
    const column = (name: string) => sql.ref(`${table}.${name}`);
    const ways = [sql<SqlBool>`${column('visibility')} = 'public'`];
    if (table === 'entries') ways.push(sql<SqlBool>`${column('visibility')} is null`);
    if (viewer.teams.length > 0) {
      ways.push(sql<SqlBool>`(${column('visibility')} = 'team' and ${isIn(`${table}.team_id`, viewer.teams)})`);
    }
    if (viewer.owner !== undefined) {
      ways.push(sql<SqlBool>`(${column('visibility')} = 'private' and ${column('owner_email')} = ${viewer.owner})`);
    }
    return row.or(ways);
  };
}
