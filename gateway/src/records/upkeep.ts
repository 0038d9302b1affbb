// Keeps the records small: folds those of past hours into one row per entry and hour, deletes what is older than its retention.
// Several gateways may do both at the same time: a record is folded by whoever deletes it.
import { sql } from 'kysely';
import type { Config } from '../config.ts';
import type { Store } from '../store/store.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Records of so long are folded in one transaction. */
const SLICE_MS = 60_000;

interface Fold {
  entry_id: string;
  kind: string;
  hour_ms: number;
  successes: number;
  failures: number;
  sum_ms: number;
  min_ms: number;
  max_ms: number;
  last_at_ms: number;
}

/**
 * @param signal stops it between two transactions
 * @returns how many rows were folded
 */
export async function foldHours(store: Store, nowMs: number, signal?: AbortSignal): Promise<number> {
  const untilMs = Math.floor(nowMs / HOUR_MS) * HOUR_MS;
  let folded = 0;
  for (;;) {
    if (signal?.aborted) return folded;
    const oldest = await store.query((db) =>
      db
        .selectFrom('entry_executions')
        .select('at_ms')
        .where('at_ms', '<', untilMs)
        .orderBy('at_ms')
        .limit(1)
        .executeTakeFirst(),
    );
    if (oldest === undefined) return folded;
    const fromMs = Number(oldest.at_ms);
    folded += await foldSlice(store, fromMs, Math.min(untilMs, fromMs + SLICE_MS));
  }
}

async function foldSlice(store: Store, fromMs: number, untilMs: number): Promise<number> {
  return await store.transaction(async (db) => {
    const rows = await db
      .deleteFrom('entry_executions')
      .where('at_ms', '>=', fromMs)
      .where('at_ms', '<', untilMs)
      .returningAll()
      .execute();
    const folds = new Map<string, Fold>();
    for (const row of rows) {
      const { entry_id, kind } = row;
      const atMs = Number(row.at_ms);
      const hour_ms = Math.floor(atMs / HOUR_MS) * HOUR_MS;
      const key = `${hour_ms} ${entry_id}`;
      const fold = folds.get(key) ?? toFold(entry_id, kind, hour_ms);
      folds.set(key, fold);
      fold[row.error_code === null ? 'successes' : 'failures'] += Number(row.executions);
      fold.sum_ms += row.sum_ms;
      fold.min_ms = Math.min(fold.min_ms, row.min_ms);
      fold.max_ms = Math.max(fold.max_ms, row.max_ms);
      fold.last_at_ms = Math.max(fold.last_at_ms, atMs);
    }
    // In one order everywhere: two gateways that fold the same hour must not wait for each other in a circle.
    for (const [, fold] of [...folds].toSorted(([one], [other]) => (one < other ? -1 : 1))) {
      await db
        .insertInto('entry_execution_hours')
        .values(fold)
        .onConflict((conflict) =>
          conflict.columns(['entry_id', 'hour_ms']).doUpdateSet({
            successes: sql<number>`entry_execution_hours.successes + excluded.successes`,
            failures: sql<number>`entry_execution_hours.failures + excluded.failures`,
            sum_ms: sql<number>`entry_execution_hours.sum_ms + excluded.sum_ms`,
            min_ms: sql<number>`case when excluded.min_ms < entry_execution_hours.min_ms then excluded.min_ms else entry_execution_hours.min_ms end`,
            max_ms: sql<number>`case when excluded.max_ms > entry_execution_hours.max_ms then excluded.max_ms else entry_execution_hours.max_ms end`,
            last_at_ms: sql<number>`case when excluded.last_at_ms > entry_execution_hours.last_at_ms then excluded.last_at_ms else entry_execution_hours.last_at_ms end`,
          }),
        )
        .execute();
    }
    return rows.length;
  });
}

function toFold(entry_id: string, kind: string, hour_ms: number): Fold {
  return { entry_id, kind, hour_ms, successes: 0, failures: 0, sum_ms: 0, min_ms: Infinity, max_ms: 0, last_at_ms: 0 };
}

export async function deleteOldExecutions(
  store: Store,
  config: Pick<Config, 'METRICS_RETENTION_DAYS' | 'METRICS_ROLLUP_RETENTION_DAYS'>,
  nowMs: number,
): Promise<void> {
  const { METRICS_RETENTION_DAYS, METRICS_ROLLUP_RETENTION_DAYS } = config;
  await store.query(async (db) => {
    await db
      .deleteFrom('entry_executions')
      .where('at_ms', '<', nowMs - METRICS_RETENTION_DAYS * DAY_MS)
      .execute();
    await db
      .deleteFrom('entry_execution_hours')
      .where('hour_ms', '<', nowMs - METRICS_ROLLUP_RETENTION_DAYS * DAY_MS)
      .execute();
  });
}

/** The audit trail is kept: who has to keep one has to decide for how long. */
export async function deleteOldJournals(
  store: Store,
  { LOG_RETENTION_DAYS }: Pick<Config, 'LOG_RETENTION_DAYS'>,
  nowMs: number,
): Promise<void> {
  if (LOG_RETENTION_DAYS === 0) return;
  await store.query(async (db) => {
    for (const table of ['structured_log_entries', 'security_events', 'token_usage'] as const) {
      await db
        .deleteFrom(table)
        .where('at_ms', '<', nowMs - LOG_RETENTION_DAYS * DAY_MS)
        .execute();
    }
  });
}
