// Between JavaScript's values and SQLite's: booleans are 0 and 1 there, times are ISO 8601 texts in UTC with milliseconds
// (they sort as times), JSON is text. What a column holds is told by the type that it was declared with, as in PostgreSQL.
import type { ColumnDefinition } from 'better-sqlite3';

/** PostgreSQL refuses NUL in texts; both databases shall refuse the same. */
export class NulInText extends Error {
  readonly code = '22021';
  constructor() {
    super('a text holds NUL');
    this.name = 'NulInText';
  }
}

/** @throws NulInText */
export function toSqlite(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string') {
    if (value.includes('\0')) throw new NulInText();
    return value;
  }
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'object' && !Buffer.isBuffer(value)) return toSqlite(JSON.stringify(value));
  return value;
}

type FromSqlite = (value: unknown) => unknown;

const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

const byType: Record<string, FromSqlite> = {
  boolean: (value) => value === 1,
  timestamptz: (value) => new Date(String(value)),
  timestamp: (value) => new Date(String(value)),
  json: (value) => JSON.parse(String(value)) as unknown,
  jsonb: (value) => JSON.parse(String(value)) as unknown,
  bigint: String, // as `pg` reads them
};

/** An expression (`max(created_at)`) has no declared type: what looks like one of our times is one. */
const fromExpression: FromSqlite = (value) =>
  typeof value === 'string' && isoTime.test(value) ? new Date(value) : value;

/** How a column of an answer is read; undefined as it stands. */
export function readerOf(column: ColumnDefinition, isIdentity: boolean): FromSqlite | undefined {
  if (isIdentity) return String;
  return column.type === null ? fromExpression : byType[column.type.toLowerCase()];
}

/**
 * The few things that both databases say differently: the time, a list of texts as one parameter, matching without case.
 * Texts come from the code, never from outside, and values are parameters: nothing in quotes can be hit.
 */
export function toSqliteText(text: string): string {
  return text
    .replace(/\b(?:current_timestamp\b|now\(\))/gi, `(strftime('%Y-%m-%dT%H:%M:%fZ','now'))`)
    .replace(/= any\(\?::text\[\]\)/gi, 'in (select value from json_each(?))')
    .replace(/ ilike /gi, ' like ');
}
