// Many rows at once: as one statement with many values while they are few, by PostgreSQL's COPY from 100 on. Below that the
// protocol of COPY (three more messages each way) costs more than it saves; `gateway/bench/bulk-insert.ts` measures both.
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Insertable, Kysely } from 'kysely';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { rowChunks } from './portable.ts';
import type { Database } from './tables.ts';

export const COPY_FROM_ROWS = 100;

export type TableName = keyof Database & string;

/** All rows or none; a transaction when they need several statements. */
export async function insertByValues<T extends TableName>(
  db: Kysely<Database>,
  table: T,
  rows: readonly Insertable<Database[T]>[],
): Promise<void> {
  const chunks = rowChunks(rows);
  const [only] = chunks;
  if (only === undefined) return;
  if (chunks.length === 1) {
    await db.insertInto(table).values(only).execute();
    return;
  }
  await db.transaction().execute(async (transaction) => {
    for (const chunk of chunks) await transaction.insertInto(table).values(chunk).execute();
  });
}

/** One COPY, so all rows or none. The columns are those of the first row; every row must have the same. */
export async function insertByCopy(client: pg.Client, table: string, rows: readonly object[]): Promise<void> {
  const [first] = rows;
  if (first === undefined) return;
  const columns = Object.keys(first);
  const names = columns.map((column) => pg.escapeIdentifier(column)).join(', ');
  const into = client.query(copyFrom(`copy ${pg.escapeIdentifier(table)} (${names}) from stdin`));
  await pipeline(Readable.from(toChunks(rows, columns)), into);
}

const ROWS_PER_CHUNK = 500;

function* toChunks(rows: readonly object[], columns: string[]): Generator<string> {
  for (let at = 0; at < rows.length; at += ROWS_PER_CHUNK) {
    let chunk = '';
    for (const row of rows.slice(at, at + ROWS_PER_CHUNK)) chunk += toLine(new Map(Object.entries(row)), columns);
    yield chunk;
  }
}

/** https://www.postgresql.org/docs/current/sql-copy.html, "Text Format" */
function toLine(row: Map<string, unknown>, columns: string[]): string {
  return `${columns.map((column) => toField(row.get(column))).join('\t')}\n`;
}

const escapes: Record<string, string> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

function toField(value: unknown): string {
  if (value === undefined || value === null) return '\\N';
  if (value instanceof Date) return value.toISOString();
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return text.replace(/[\\\t\n\r]/g, (character) => escapes[character] ?? character);
}
