// Asks an upstream what it offers and brings the stored entries of its gateway in line with the answer.
import { randomUUID } from 'node:crypto';
import { sql, type Transaction } from 'kysely';
import { GatewayError } from '../errors.ts';
import type { Upstream, UpstreamCatalog } from '../federation/upstream.ts';
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
    const detail = `${gateway.url} had not listed everything after ${deadlineMs} ms`;
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
  if (gone.length > 0) await db.deleteFrom('entries').where('id', '=', sql<string>`any(${gone}::text[])`).execute();

  for (const row of stored.filter((row) => row.discovered)) {
    const entry = byOriginalName.get(row.original_name);
    if (entry === undefined) continue;
    byOriginalName.delete(row.original_name);
    const mcp_json = JSON.stringify({ ...entry.item, name: row.name });
    await db.updateTable('entries').set({ mcp_json, updated_at: sql<Date>`now()` }).where('id', '=', row.id).execute();
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

/** One statement, whatever their number: arrays go in, so its text and plan stay the same. */
async function insertEntries(
  db: Transaction<Database>,
  gatewayId: string,
  rules: EntryRules,
  entries: Found[],
): Promise<void> {
  if (entries.length === 0) return;
  const taken = rules.hasUniqueName ? await namesTaken(db, rules.kind, entries) : new Set<string>();
  const rows = entries.map(({ originalName, wantedName, item }) => {
    const name = rules.hasUniqueName ? toUniqueName(wantedName, taken) : wantedName;
    return { id: randomUUID(), name, originalName, mcpJson: JSON.stringify({ ...item, name }) };
  });
  // ORDER BY: the sequence numbers follow the upstream's own order.
  await sql`
    insert into entries (id, kind, gateway_id, name, original_name, mcp_json, discovered)
    select id, ${rules.kind}, ${gatewayId}, name, original_name, mcp_json, true
    from unnest(
      ${rows.map((row) => row.id)}::text[],
      ${rows.map((row) => row.name)}::text[],
      ${rows.map((row) => row.originalName)}::text[],
      ${rows.map((row) => row.mcpJson)}::text[]
    ) with ordinality as fresh (id, name, original_name, mcp_json, place)
    order by place`.execute(db);
}

/** Names beginning with a wanted one may have been given out with a number behind: all of the gateway's prefix count. */
async function namesTaken(db: Transaction<Database>, kind: EntryKind, entries: Found[]): Promise<Set<string>> {
  const wanted = entries.map((entry) => entry.wantedName);
  const rows = await db
    .selectFrom('entries')
    .select('name')
    .where('kind', '=', kind)
    .where(sql<boolean>`regexp_replace(name, '-[0-9]+$', '') = any(${wanted}::text[]) or name = any(${wanted}::text[])`)
    .execute();
  return new Set(rows.map((row) => row.name));
}
