import { PgTablesArtifact } from '../../collect/pg-tables.ts';
import type { Rule } from '../rule.ts';
import { withArtifact } from './evidence.ts';

/** Below this many rows a sequential scan is often the fastest plan. */
const LARGE_ROWS = 1000;

export const sequentialScans: Rule = {
  id: 'sequential-scans',
  title: 'Sequential scans on large tables',
  evaluate(result) {
    const worst = new Map<string, { rows: number; scans: number; liveRows: number; trial: string; requests: number }>();
    for (const { trial, data } of withArtifact(result, 'pg-tables', PgTablesArtifact)) {
      for (const { table, seqScans, seqRowsRead, liveRows } of data.tables) {
        if (liveRows < LARGE_ROWS || seqScans === 0 || seqRowsRead / seqScans < LARGE_ROWS) continue;
        if ((worst.get(table)?.rows ?? 0) < seqRowsRead) {
          worst.set(table, {
            rows: seqRowsRead,
            scans: seqScans,
            liveRows,
            trial: trial.id,
            requests: trial.load.sent,
          });
        }
      }
    }
    return [...worst]
      .sort(([, a], [, b]) => b.rows - a.rows)
      .map(([table, { rows, scans, liveRows, trial, requests }]) => ({
        rule: 'sequential-scans',
        priority: scans >= requests / 2 ? 'high' : 'medium',
        title: `${table} was read from end to end ${scans} times, ${Math.round(rows / scans)} rows each`,
        evidence: [
          `${trial}: ${scans} scans, ${rows} rows read, ${liveRows} rows in the table, ${requests} requests (pg_stat_user_tables)`,
        ],
        next: [
          `find the statement: SELECT query, calls, mean_exec_time FROM pg_stat_statements WHERE query LIKE '%${table.split('.').at(-1)}%' ORDER BY total_exec_time DESC`,
          `CREATE INDEX CONCURRENTLY ON ${table} (<columns of its WHERE clause>), then compare: npm run perf -- --compare-with NAME`,
        ],
        scenario: trial.split('.')[0] ?? null,
      }));
  },
};
