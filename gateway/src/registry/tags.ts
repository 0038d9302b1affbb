// Tags: short words by which lists are filtered. Stored as a JSON array of the words in order.
import type { ExpressionBuilder } from 'kysely';
import { sql } from 'kysely';
import { Type } from 'typebox';
import type { Database } from '../store/tables.ts';

/** As ContextForge takes them: lower case, words joined by `-`, `:` or `.`; what can be mended is (`My Tag` → `my-tag`). */
export const Tags = Type.Array(Type.String({ minLength: 1, maxLength: 50 }), { maxItems: 50 });

export function toTags(given: string[]): string[] {
  const tags = given.map((tag) =>
    tag
      .trim()
      .toLowerCase()
      .replace(/[\s_]+/g, '-')
      .replace(/[^\p{L}\p{N}:.-]/gu, ''),
  );
  return [...new Set(tags.filter((tag) => tag !== ''))].toSorted();
}

export function parseTags(stored: string): string[] {
  return JSON.parse(stored) as string[];
}

type Tagged = 'gateways' | 'entries' | 'servers';

/** Rows that have one of the tags. A tag holds no character that `like` or JSON treats specially. */
export function hasOneOf<T extends Tagged>(table: T, tags: string[]) {
  return (row: ExpressionBuilder<Database, T>) =>
    row.or(tags.map((tag) => sql<boolean>`${sql.ref(`${table}.tags`)} like ${`%"${tag}"%`}`));
}
