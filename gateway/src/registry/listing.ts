// One list of the catalog in memory: lookups by name and pages that are serialised once.
import type { CatalogEntry, EntryKind, ListJson } from './catalog.ts';
import { parseCursor, toCursor } from './cursor.ts';
import { createUriMatcher } from './uri-template.ts';

/** An entry and its place in the order of its list. */
export interface ListedEntry extends CatalogEntry {
  seq: number;
}

export interface Listing {
  entries: readonly ListedEntry[];
  find(name: string): CatalogEntry | undefined;
  /** @throws GW_INVALID_CURSOR */
  page(cursor: string | undefined): ListJson;
}

/** @param entries in the order of `seq` */
export function createListing(kind: EntryKind, entries: readonly ListedEntry[], pageSize: number): Listing {
  const byName = new Map<string, ListedEntry>();
  const byOriginalName = new Map<string, ListedEntry | undefined>(); // undefined: several entries have it
  for (const entry of entries) {
    if (!byName.has(entry.name)) byName.set(entry.name, entry);
    byOriginalName.set(entry.originalName, byOriginalName.has(entry.originalName) ? undefined : entry);
  }
  const find = (name: string) => byName.get(name) ?? byOriginalName.get(name);
  return {
    entries,
    find: kind === 'resourceTemplates' ? withTemplates(entries, find) : find,
    page: createPages(kind, entries, pageSize),
  };
}

type Find = Listing['find'];

/** Templates are found by the URI that a client made of them, too. */
function withTemplates(entries: readonly ListedEntry[], find: Find): Find {
  const templates = entries.map((entry) => ({ entry, isMatch: createUriMatcher(entry.originalName) }));
  return (name) => find(name) ?? templates.find((template) => template.isMatch(name))?.entry;
}

function createPages(kind: EntryKind, entries: readonly ListedEntry[], pageSize: number): Listing['page'] {
  const pages = new Map<number, ListJson>();
  return (cursor) => {
    const start = cursor === undefined ? 0 : firstBehind(entries, parseCursor(kind, cursor));
    const kept = pages.get(start);
    if (kept !== undefined) return kept;
    const slice = entries.slice(start, start + pageSize);
    const last = slice.at(-1);
    const hasMore = last !== undefined && start + pageSize < entries.length;
    const next = hasMore ? `,"nextCursor":"${toCursor(kind, last.seq)}"` : '';
    const json = `{"${kind}":[${slice.map((entry) => entry.json).join(',')}]${next}}`;
    // Only the pages that our own cursors lead to: what is kept stays as large as one list.
    if (start % pageSize === 0) pages.set(start, json);
    return json;
  };
}

/** Index of the first entry behind `seq` (binary search). */
function firstBehind(entries: readonly ListedEntry[], seq: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const entry = entries[middle];
    if (entry !== undefined && entry.seq <= seq) low = middle + 1;
    else high = middle;
  }
  return low;
}
