// Pages of the lists that ContextForge pages by `limit` and `offset` (or `skip`).
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { readOutside } from '../registry/body.ts';

const Digits = Type.String({ pattern: '^[0-9]{1,9}$' });
const Query = Type.Object({
  limit: Type.Optional(Digits),
  offset: Type.Optional(Digits),
  skip: Type.Optional(Digits),
  include_inactive: Type.Optional(Type.Enum(['true', 'false'])),
});

const LIMIT_MAX = 500;

export interface OffsetPage {
  limit: number;
  offset: number;
  includeInactive: boolean;
}

/** @throws GW_INVALID_REQUEST */
export function readOffsetPage(request: FastifyRequest, standard: number): OffsetPage {
  const { limit, offset, skip, include_inactive } = readOutside(Query, request.query, 'query');
  return {
    limit: Math.min(LIMIT_MAX, limit === undefined ? standard : Math.max(1, Number(limit))),
    offset: Number(offset ?? skip ?? 0),
    includeInactive: include_inactive === 'true',
  };
}
