// Lists over REST: `?limit=&cursor=` (keyset) or `?skip=&limit=` (offset), as ContextForge's clients ask for them.
import { Type } from 'typebox';
import type { Config } from '../config.ts';
import type { Visibility } from '../mcp/viewer.ts';
import { readOutside } from './body.ts';
import { parseCursor, toCursor } from './cursor.ts';
import { toTags } from './tags.ts';

const Query = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 0, description: '0: as many as a page may hold' })),
  skip: Type.Integer({ default: 0, minimum: 0, maximum: 2_147_483_647 }),
  cursor: Type.Optional(Type.String({ minLength: 1 })),
  include_inactive: Type.Boolean({ default: false }),
  gateway_id: Type.Optional(Type.String()),
  tags: Type.Optional(Type.String({ description: 'separated by commas: entries that have one of them' })),
  visibility: Type.Optional(Type.Enum(['private', 'team', 'public'])),
  team_id: Type.Optional(Type.String()),
});

export interface ListQuery {
  limit: number;
  skip: number;
  /** Rows behind this sequence number. */
  afterSeq: number;
  includeInactive: boolean;
  gatewayId: string | undefined;
  /** Undefined: whatever their tags. */
  tags: string[] | undefined;
  visibility: Visibility | undefined;
  teamId: string | undefined;
}

export interface Page<T> {
  items: T[];
  nextCursor: string | undefined;
}

type PageConfig = Pick<Config, 'PAGINATION_DEFAULT_PAGE_SIZE' | 'PAGINATION_MAX_PAGE_SIZE'>;

/**
 * A limit beyond PAGINATION_MAX_PAGE_SIZE is lowered to it.
 * @param list the list's name, which its cursors carry
 * @throws GW_INVALID_REQUEST, GW_INVALID_CURSOR
 */
export function parseListQuery(list: string, query: unknown, config: PageConfig): ListQuery {
  const given = readOutside(Query, fromText(query), 'query');
  const limit = given.limit ?? config.PAGINATION_DEFAULT_PAGE_SIZE;
  return {
    limit: Math.min(limit === 0 ? config.PAGINATION_MAX_PAGE_SIZE : limit, config.PAGINATION_MAX_PAGE_SIZE),
    skip: given.skip,
    afterSeq: given.cursor === undefined ? 0 : parseCursor(list, given.cursor),
    includeInactive: given.include_inactive,
    gatewayId: given.gateway_id,
    tags: given.tags === undefined ? undefined : toTags(given.tags.split(',')),
    visibility: given.visibility,
    teamId: given.team_id,
  };
}

/** @param rows up to `limit + 1` rows: the one too many tells that there is another page */
export function toPage<R extends { seq: string }, T>(
  list: string,
  rows: R[],
  limit: number,
  toRead: (row: R) => T,
): Page<T> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const nextCursor = rows.length > limit && last !== undefined ? toCursor(list, Number(last.seq)) : undefined;
  return { items: shown.map(toRead), nextCursor };
}

/** Query strings are text: numbers and booleans are read where the schema wants them. */
function fromText(query: unknown): unknown {
  if (typeof query !== 'object' || query === null) return query;
  return Object.fromEntries(
    Object.entries(query).map(([name, text]) => {
      if (name === 'limit' || name === 'skip') return [name, /^-?\d+$/.test(String(text)) ? Number(text) : text];
      if (name === 'include_inactive') return [name, booleans[String(text).toLowerCase()] ?? text];
      return [name, text];
    }),
  );
}

const booleans: Record<string, boolean> = { true: true, '1': true, false: false, '0': false };
