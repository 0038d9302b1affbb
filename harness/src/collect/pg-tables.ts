// pg_stat_user_tables and pg_statio_user_tables: how each table was read and written during the trial.
// As with pg-database, PostgreSQL hands these counts in late: those of a trial's last second may be missing.
import { type Static, Type } from 'typebox';
import type { Collector } from './collector.ts';
import { type Database, MARK, openDatabases } from './database.ts';

const strict = { additionalProperties: false } as const;

export const TableUse = Type.Object(
  {
    table: Type.String({ description: 'schema.table' }),
    seqScans: Type.Number(),
    seqRowsRead: Type.Number(),
    indexScans: Type.Number(),
    indexRowsFetched: Type.Number(),
    inserted: Type.Number(),
    updated: Type.Number(),
    hotUpdated: Type.Number({ description: 'updates that needed no new index entry' }),
    deleted: Type.Number(),
    heapBlocksRead: Type.Number(),
    heapBlocksHit: Type.Number(),
    indexBlocksRead: Type.Number(),
    indexBlocksHit: Type.Number(),
    liveRows: Type.Number({ description: 'estimate, at the end' }),
    deadRows: Type.Number({ description: 'estimate, at the end' }),
    sizeBytes: Type.Number({ description: 'with indexes and TOAST, at the end' }),
    vacuums: Type.Number({ description: 'by hand and automatic' }),
    analyzes: Type.Number(),
  },
  strict,
);
export type TableUse = Static<typeof TableUse>;

export const TableWarning = Type.Object(
  {
    table: Type.String(),
    kind: Type.Union([
      Type.Literal('sequential-scans'),
      Type.Literal('dead-rows'),
      Type.Literal('cache-misses'),
      Type.Literal('few-hot-updates'),
    ]),
    text: Type.String(),
  },
  strict,
);
export type TableWarning = Static<typeof TableWarning>;

export const PgTablesArtifact = Type.Object(
  {
    tables: Type.Array(TableUse, { description: 'touched during the trial, most rows read first' }),
    warnings: Type.Array(TableWarning),
  },
  strict,
);
export type PgTablesArtifact = Static<typeof PgTablesArtifact>;

const READ = `SELECT ${MARK}
  s.schemaname || '.' || s.relname AS "table",
  s.seq_scan::float AS "seqScans", s.seq_tup_read::float AS "seqRowsRead",
  coalesce(s.idx_scan, 0)::float AS "indexScans", coalesce(s.idx_tup_fetch, 0)::float AS "indexRowsFetched",
  s.n_tup_ins::float AS "inserted", s.n_tup_upd::float AS "updated", s.n_tup_hot_upd::float AS "hotUpdated",
  s.n_tup_del::float AS "deleted",
  io.heap_blks_read::float AS "heapBlocksRead", io.heap_blks_hit::float AS "heapBlocksHit",
  coalesce(io.idx_blks_read, 0)::float AS "indexBlocksRead", coalesce(io.idx_blks_hit, 0)::float AS "indexBlocksHit",
  s.n_live_tup::float AS "liveRows", s.n_dead_tup::float AS "deadRows",
  pg_total_relation_size(s.relid)::float AS "sizeBytes",
  (s.vacuum_count + s.autovacuum_count)::float AS "vacuums",
  (s.analyze_count + s.autoanalyze_count)::float AS "analyzes"
FROM pg_stat_user_tables s JOIN pg_statio_user_tables io USING (relid)`;

/** State at the end of the trial; everything else is counted and subtracted. */
const LEVELS = new Set<keyof TableUse>(['table', 'liveRows', 'deadRows', 'sizeBytes']);

export const pgTables: Collector = {
  id: 'pg-tables',
  title: 'PostgreSQL tables',
  async start(context) {
    const databases = await openDatabases(context);
    return {
      columns: [],
      async watchTrial(trial) {
        const database = databases.of(trial.subject);
        const before = await readTables(database);
        return async (): Promise<PgTablesArtifact> => {
          const tables = diffTables(before, await readTables(database));
          return { tables, warnings: tables.flatMap(warnAbout) };
        };
      },
      [Symbol.asyncDispose]: () => databases[Symbol.asyncDispose](),
    };
  },
};

function readTables(database: Database): Promise<TableUse[]> {
  return database.query<TableUse>(READ);
}

/** What happened in between; tables that nobody touched are left out. A table that is new counts from 0. */
export function diffTables(before: readonly TableUse[], after: readonly TableUse[]): TableUse[] {
  const earlier = new Map(before.map((table) => [table.table, table]));
  const touched: TableUse[] = [];
  for (const now of after) {
    const then = earlier.get(now.table);
    const difference = { ...now };
    let isTouched = false;
    for (const name of Object.keys(now) as (keyof TableUse)[]) {
      if (name === 'table' || LEVELS.has(name)) continue;
      const count = now[name] - (then?.[name] ?? 0);
      // Negative only after somebody reset the statistics: then the later count is all there is.
      difference[name] = count < 0 ? now[name] : count;
      isTouched ||= difference[name] > 0;
    }
    if (isTouched) touched.push(difference);
  }
  const rowsRead = (table: TableUse) => table.seqRowsRead + table.indexRowsFetched;
  return touched.sort((one, other) => rowsRead(other) - rowsRead(one));
}

/** A scan of fewer rows than this is often the planner's best choice. */
const LARGE_TABLE_ROWS = 1000;
const MANY_DEAD_ROWS = 1000;
const MANY_DEAD_SHARE = 0.2;
/** Below so many blocks the share says little: a cold start reads each block once. */
const FEW_BLOCKS = 1000;
const GOOD_HIT_SHARE = 0.99;
const MANY_UPDATES = 1000;
const GOOD_HOT_SHARE = 0.5;

/** Warning signs of one table's trial. */
export function warnAbout(use: TableUse): TableWarning[] {
  const warnings: TableWarning[] = [];
  const { table } = use;
  const perScan = use.seqScans === 0 ? 0 : use.seqRowsRead / use.seqScans;
  if (perScan >= LARGE_TABLE_ROWS) {
    const text = `${use.seqScans} sequential scans of ${table} read ${Math.round(perScan)} rows each`;
    warnings.push({ table, kind: 'sequential-scans', text });
  }
  const deadShare = use.deadRows / Math.max(1, use.deadRows + use.liveRows);
  if (use.deadRows >= MANY_DEAD_ROWS && deadShare >= MANY_DEAD_SHARE) {
    const text = `${use.deadRows} of ${use.deadRows + use.liveRows} rows of ${table} are dead (${percent(deadShare)})`;
    warnings.push({ table, kind: 'dead-rows', text });
  }
  const read = use.heapBlocksRead + use.indexBlocksRead;
  const asked = read + use.heapBlocksHit + use.indexBlocksHit;
  if (asked >= FEW_BLOCKS && 1 - read / asked < GOOD_HIT_SHARE) {
    const text = `${percent(read / asked)} of ${asked} blocks of ${table} were not in shared buffers`;
    warnings.push({ table, kind: 'cache-misses', text });
  }
  if (use.updated >= MANY_UPDATES && use.hotUpdated / use.updated < GOOD_HOT_SHARE) {
    const text = `only ${percent(use.hotUpdated / use.updated)} of ${use.updated} updates of ${table} were HOT`;
    warnings.push({ table, kind: 'few-hot-updates', text });
  }
  return warnings;
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
