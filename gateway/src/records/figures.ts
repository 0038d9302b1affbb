// What the recorded executions say, by entry and by kind: recent rows and hourly ones together. Names of ContextForge.
import { type Kysely, sql } from 'kysely';
import type { Config } from '../config.ts';
import type { CallKind } from '../mcp/ports.ts';
import type { Store } from '../store/store.ts';
import type { Database } from '../store/tables.ts';

/** Times in seconds, as ContextForge has them; null where nothing was executed. */
export interface Figures {
  totalExecutions: number;
  successfulExecutions: number;
  failedExecutions: number;
  failureRate: number;
  minResponseTime: number | null;
  maxResponseTime: number | null;
  avgResponseTime: number | null;
  lastExecutionTime: string | null;
}

export interface EntryFigures extends Figures {
  id: string;
  name: string;
}

export interface ExecutionFigures {
  /** By kind, and the entries with the most executions. */
  overview(top: number): Promise<Record<CallKind, Figures & { top: EntryFigures[] }>>;
  /** Of these entries; those that were never executed have figures of zero. */
  of(entryIds: readonly string[]): Promise<Map<string, Figures>>;
}

interface Sums {
  successes: number;
  failures: number;
  sumMs: number;
  minMs: number;
  maxMs: number;
  lastAtMs: number;
}

interface SumsRow {
  entry_id: string;
  kind: string;
  successes: unknown;
  failures: unknown;
  sum_ms: unknown;
  min_ms: unknown;
  max_ms: unknown;
  last_at_ms: unknown;
}

type FiguresConfig = Pick<Config, 'METRICS_CACHE_ENABLED' | 'METRICS_CACHE_TTL_SECONDS'>;

/**
 * The sums of all entries are read together and kept for METRICS_CACHE_TTL_SECONDS; one flight for all who ask.
 * @param now monotonic milliseconds
 */
export function createExecutionFigures(
  store: Pick<Store, 'query'>,
  config: FiguresConfig,
  now = () => performance.now(),
): ExecutionFigures {
  let kept: { sums: Promise<Map<string, { kind: string; sums: Sums }>>; atMs: number } | undefined;

  function all() {
    const nowMs = now();
    if (
      kept !== undefined &&
      config.METRICS_CACHE_ENABLED &&
      nowMs - kept.atMs < config.METRICS_CACHE_TTL_SECONDS * 1000
    )
      return kept.sums;
    const sums = store.query(loadSums);
    const flight = { sums, atMs: nowMs };
    kept = flight;
    sums.catch(() => {
      if (kept === flight) kept = undefined;
    });
    return sums;
  }

  return {
    async overview(top) {
      const loaded = await all();
      const ofKind = async (kind: CallKind) => {
        const own = [...loaded].filter(([, entry]) => entry.kind === kind);
        const most = own.toSorted(([, one], [, other]) => countOf(other.sums) - countOf(one.sums)).slice(0, top);
        const names = await loadNames(
          store,
          most.map(([id]) => id),
        );
        const total = own.reduce<Sums | undefined>((sum, [, { sums }]) => add(sum, sums), undefined);
        return {
          ...toFigures(total),
          // One that was deleted has no name any more.
          top: most.flatMap(([id, { sums }]) => {
            const name = names.get(id);
            return name === undefined ? [] : [{ id, name, ...toFigures(sums) }];
          }),
        };
      };
      const [tools, resources, prompts] = await Promise.all([ofKind('tools'), ofKind('resources'), ofKind('prompts')]);
      return { tools, resources, prompts };
    },
    async of(entryIds) {
      const loaded = await all();
      return new Map(entryIds.map((id) => [id, toFigures(loaded.get(id)?.sums)]));
    },
  };
}

async function loadSums(db: Kysely<Database>): Promise<Map<string, { kind: string; sums: Sums }>> {
  const single: SumsRow[] = await db
    .selectFrom('entry_executions')
    .groupBy(['entry_id', 'kind'])
    .select(['entry_id', 'kind'])
    .select([
      sql`sum(case when error_code is null then executions else 0 end)`.as('successes'),
      sql`sum(case when error_code is null then 0 else executions end)`.as('failures'),
      sql`sum(sum_ms)`.as('sum_ms'),
      sql`min(min_ms)`.as('min_ms'),
      sql`max(max_ms)`.as('max_ms'),
      sql`max(at_ms)`.as('last_at_ms'),
    ])
    .execute();
  const hourly: SumsRow[] = await db
    .selectFrom('entry_execution_hours')
    .groupBy(['entry_id', 'kind'])
    .select(['entry_id', 'kind'])
    .select([
      sql`sum(successes)`.as('successes'),
      sql`sum(failures)`.as('failures'),
      sql`sum(sum_ms)`.as('sum_ms'),
      sql`min(min_ms)`.as('min_ms'),
      sql`max(max_ms)`.as('max_ms'),
      sql`max(last_at_ms)`.as('last_at_ms'),
    ])
    .execute();
  const byEntry = new Map<string, { kind: string; sums: Sums }>();
  for (const row of [...single, ...hourly]) {
    byEntry.set(row.entry_id, { kind: row.kind, sums: add(byEntry.get(row.entry_id)?.sums, toSums(row)) });
  }
  return byEntry;
}

async function loadNames(store: Pick<Store, 'query'>, ids: string[]): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map();
  const rows = await store.query((db) =>
    db.selectFrom('entries').select(['id', 'name']).where('id', 'in', ids).execute(),
  );
  return new Map(rows.map(({ id, name }) => [id, name]));
}

/** Sums of integers are text in PostgreSQL. */
function toSums(row: SumsRow): Sums {
  return {
    successes: Number(row.successes),
    failures: Number(row.failures),
    sumMs: Number(row.sum_ms),
    minMs: Number(row.min_ms),
    maxMs: Number(row.max_ms),
    lastAtMs: Number(row.last_at_ms),
  };
}

function add(one: Sums | undefined, other: Sums): Sums {
  if (one === undefined) return other;
  return {
    successes: one.successes + other.successes,
    failures: one.failures + other.failures,
    sumMs: one.sumMs + other.sumMs,
    minMs: Math.min(one.minMs, other.minMs),
    maxMs: Math.max(one.maxMs, other.maxMs),
    lastAtMs: Math.max(one.lastAtMs, other.lastAtMs),
  };
}

function countOf({ successes, failures }: Sums): number {
  return successes + failures;
}

function toFigures(sums: Sums | undefined): Figures {
  const count = sums === undefined ? 0 : countOf(sums);
  const seconds = (ms: number | undefined) => (ms === undefined ? null : ms / 1000);
  return {
    totalExecutions: count,
    successfulExecutions: sums?.successes ?? 0,
    failedExecutions: sums?.failures ?? 0,
    failureRate: sums === undefined ? 0 : sums.failures / count,
    minResponseTime: seconds(sums?.minMs),
    maxResponseTime: seconds(sums?.maxMs),
    avgResponseTime: sums === undefined ? null : sums.sumMs / count / 1000,
    lastExecutionTime: sums === undefined ? null : new Date(sums.lastAtMs).toISOString(),
  };
}
