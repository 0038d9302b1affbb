// Asks an upstream what it offers and brings the stored entries of its gateway in line with the answer.
import { randomUUID } from 'node:crypto';
import type { Transaction } from 'kysely';
import { GatewayError } from '../errors.ts';
import type { Upstream, UpstreamCatalog } from '../federation/upstream.ts';
import { shownUrl } from '../shown-url.ts';
import { isIn, now, rowChunks } from '../store/portable.ts';
import type { Database } from '../store/tables.ts';
import type { CatalogGateway, EntryKind } from './catalog.ts';
import { entryRules } from './entry-kinds.ts';
import type { EntryRules, McpObject } from './entry-rules.ts';
import { toSlug, toUniqueName } from './slug.ts';

/** @throws GW_UPSTREAM_UNREACHABLE, GW_UPSTREAM_TIMEOUT (also when the whole of it takes longer than the deadline), GW_UPSTREAM_INVALID */
export async function discover(
  connect: (gateway: CatalogGateway) => Upstream,
  gateway: CatalogGateway,
  deadlineMs: number,
): Promise<UpstreamCatalog> {
  const signal = AbortSignal.timeout(deadlineMs);
  await using upstream = connect(gateway);
  try {
    return await upstream.discover(signal);
  } catch (error) {
    if (!signal.aborted) throw error;
    const detail = `${shownUrl(gateway.url)} had not listed everything after ${deadlineMs} ms`;
    throw new GatewayError('GW_UPSTREAM_TIMEOUT', { detail, cause: error });
  }
}

/** Keeps ids, public names and switches of what is still there; entries created by hand are left alone. */
export async function storeDiscovered(
  db: Transaction<Database>,
  gateway: { id: string; slug: string },
  found: UpstreamCatalog,
  separator: string,
): Promise<void> {
  for (const kind of Object.keys(entryRules) as EntryKind[]) {
    await storeKind(db, gateway, entryRules[kind], found[kind], separator);
  }
}

interface Found {
  originalName: string;
  /** `<gateway slug><separator><entry slug>`, unless that is taken. */
  wantedName: string;
  item: McpObject;
}

async function storeKind(
  db: Transaction<Database>,
  gateway: { id: string; slug: string },
  rules: EntryRules,
  items: McpObject[],
  separator: string,
): Promise<void> {
  const found = items.map((item) => toFound(rules, item, `${gateway.slug}${separator}`));
  const byOriginalName = new Map(found.toReversed().map((entry) => [entry.originalName, entry]));
  const stored = await db
    .selectFrom('entries')
    .select(['id', 'name', 'original_name', 'discovered'])
    .where('gateway_id', '=', gateway.id)
    .where('kind', '=', rules.kind)
    .execute();

  const gone = stored.filter((row) => row.discovered && !byOriginalName.has(row.original_name)).map((row) => row.id);
  if (gone.length > 0) await db.deleteFrom('entries').where(isIn('id', gone)).execute();

  for (const row of stored.filter((row) => row.discovered)) {
    const entry = byOriginalName.get(row.original_name);
    if (entry === undefined) continue;
    byOriginalName.delete(row.original_name);
    const mcp_json = JSON.stringify({ ...entry.item, name: row.name });
    await db.updateTable('entries').set({ mcp_json, updated_at: now }).where('id', '=', row.id).execute();
  }
  // A resource that was created by hand stands for the discovered one with the same URI.
  if (!rules.hasUniqueName) for (const row of stored) byOriginalName.delete(row.original_name);

  const fresh = found.filter((entry) => byOriginalName.get(entry.originalName) === entry);
  await insertEntries(db, gateway.id, rules, fresh);
}

function toFound(rules: EntryRules, item: McpObject, prefix: string): Found {
  const originalName = rules.originalNameOf(item);
  if (originalName === undefined) {
    const seen = JSON.stringify(item).slice(0, 120);
    throw new GatewayError('GW_UPSTREAM_INVALID', { detail: `${rules.kind} holds something without a name: ${seen}` });
  }
  return { originalName, wantedName: `${prefix}${toSlug(rules.displayNameOf(item))}`, item };
}

async function insertEntries(
  db: Transaction<Database>,
  gatewayId: string,
  rules: EntryRules,
  entries: Found[],
): Promise<void> {
  if (entries.length === 0) return;
  const { kind } = rules;
  const wanted = entries.map((entry) => entry.wantedName);
  const names = rules.hasUniqueName ? await freeNames(db, kind, wanted) : wanted;
  const rows = entries.map(({ originalName, wantedName, item }, at) => {
    const name = names[at] ?? wantedName;
    const mcp_json = JSON.stringify({ ...item, name });
    return {
      id: randomUUID(),
      kind,
      gateway_id: gatewayId,
      name,
      original_name: originalName,
      mcp_json,
      discovered: true,
    };
  });
  // The sequence numbers follow the order of the rows, so the upstream's own order.
  for (const chunk of rowChunks(rows)) await db.insertInto('entries').values(chunk).execute();
}

/** Public names that nobody has: what is picked is looked up, and picked anew with those in mind that are taken. */
async function freeNames(db: Transaction<Database>, kind: EntryKind, wanted: string[]): Promise<string[]> {
  const taken = new Set<string>();
  const asked = new Set<string>();
  for (;;) {
    const given = new Set(taken);
    const names = wanted.map((name) => toUniqueName(name, given));
    const unknown = names.filter((name) => !asked.has(name));
    const rows = await db
      .selectFrom('entries')
      .select('name')
      .where('kind', '=', kind)
      .where(isIn('name', unknown))
      .execute();
    if (rows.length === 0) return names;
    for (const name of unknown) asked.add(name);
    for (const { name } of rows) taken.add(name);
  }
}
