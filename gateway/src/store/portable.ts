// SQL that PostgreSQL and SQLite both run. What is written with Kysely's builder and these runs on both; the SQLite side
// (sqlite-compiler.ts, sqlite-values.ts) takes care of identity columns, `for update`, booleans, dates and JSON.
// In an expression (`exists …`, `a > b`) SQLite answers 1 and 0 for booleans; counts are text in PostgreSQL: `Number(…)`.
import { type RawBuilder, sql } from 'kysely';

/** Now, in the database's own clock. */
export const now: RawBuilder<Date> = sql<Date>`current_timestamp`;

/**
 * `column in (…)` for a list of texts of any length. One parameter, so the statement's text and its plan stay the same
 * whatever the length; an empty list is false.
 */
export function isIn(column: string, values: readonly string[]): RawBuilder<boolean> {
  return sql<boolean>`${sql.ref(column)} = any(${values}::text[])`;
}

const ROWS_PER_INSERT = 1000;

/** Rows for `insertInto(…).values(chunk)`: both databases limit the parameters of one statement (32,766; 65,535). */
export function rowChunks<R>(rows: readonly R[]): R[][] {
  const chunks: R[][] = [];
  for (let at = 0; at < rows.length; at += ROWS_PER_INSERT) chunks.push(rows.slice(at, at + ROWS_PER_INSERT));
  return chunks;
}
