// Pages of a journal, the newest first.
import { type Static, Type } from 'typebox';
import { GatewayError } from '../errors.ts';
import { ParseError, parse } from '../parse.ts';
import type { Store } from '../store/store.ts';

export type Journal = 'audit_trail' | 'security_events' | 'structured_log_entries' | 'token_usage';

const Query = Type.Object({
  limit: Type.Integer({ default: 50, minimum: 1, maximum: 1000 }),
  skip: Type.Integer({ default: 0, minimum: 0 }),
  /** Of whom; not for log entries. */
  user: Type.Optional(Type.String()),
  correlation_id: Type.Optional(Type.String()),
  /** ISO times: from the first on, before the second. */
  since: Type.Optional(Type.String()),
  until: Type.Optional(Type.String()),
});

/**
 * @param flush what waits is written first: whoever looks wants to see what just happened
 * @throws GW_INVALID_REQUEST
 */
export async function readJournal(
  store: Pick<Store, 'query'>,
  journal: Journal,
  query: unknown,
  flush: () => Promise<void>,
): Promise<object[]> {
  const { limit, skip, user, correlation_id, since, until } = readQuery(query);
  const [sinceMs, untilMs] = [toMs('since', since), toMs('until', until)];
  await flush();
  const rows = await store.query((db) => {
    const { ref } = db.dynamic;
    let wanted = db.selectFrom(journal).selectAll();
    if (user !== undefined && journal !== 'structured_log_entries') wanted = wanted.where(ref('user_id'), '=', user);
    if (correlation_id !== undefined && journal !== 'token_usage')
      wanted = wanted.where(ref('correlation_id'), '=', correlation_id);
    if (sinceMs !== undefined) wanted = wanted.where('at_ms', '>=', sinceMs);
    if (untilMs !== undefined) wanted = wanted.where('at_ms', '<', untilMs);
    return wanted.orderBy('at_ms', 'desc').orderBy('id', 'desc').limit(limit).offset(skip).execute();
  });
  return rows.map(({ at_ms, ...row }) => ({ timestamp: new Date(Number(at_ms)).toISOString(), ...toCamel(row) }));
}

function readQuery(query: unknown): Static<typeof Query> {
  const given = Object.entries(typeof query === 'object' && query !== null ? query : {});
  const values = given.map(([name, value]) => [
    name,
    /^\d+$/.test(String(value)) && isNumber(name) ? Number(value) : value,
  ]);
  try {
    return parse(Query, Object.fromEntries(values), 'query');
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    throw new GatewayError('GW_INVALID_REQUEST', { detail: error.message, faults: error.faults });
  }
}

function isNumber(name: string): boolean {
  return name === 'limit' || name === 'skip';
}

function toMs(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = Date.parse(text);
  if (Number.isNaN(ms))
    throw new GatewayError('GW_INVALID_REQUEST', { detail: `${name} must be an ISO time, got ${text.slice(0, 80)}` });
  return ms;
}

/** `user_id` → `userId`; JSON that we wrote is read. */
function toCamel(row: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => {
      if (name === 'detail_json') return ['detail', JSON.parse(String(value))];
      return [name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()), value];
    }),
  );
}
