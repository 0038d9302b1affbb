// The CSV files of a run folder: every sample, and what PostgreSQL's views said of each trial.
import { join } from 'node:path';
import { stringify } from 'csv-stringify/sync';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import type { RunResult, Series } from './result.ts';
import { writeWhole } from './run-folder.ts';

type Row = Record<string, string | number | null>;

// What of the artifacts is needed here; the collectors document all of it.
const Rows = Type.Array(Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Null()])));
const WithStatements = Type.Object({ statements: Rows });
const WithTables = Type.Object({ tables: Rows });

/**
 * `system_metrics.csv` (all samples), `pg_activity.csv` and `pg_database.csv` (their part of them), `pg_statements.csv`
 * and `pg_tables.csv` (one row per trial and statement or table). What was not collected has no file; what was and found
 * nothing (no statement ran) has its header.
 * @returns the names of the files
 */
export function writeCsvFiles(result: RunResult, folder: string): string[] {
  const files: Record<string, Row[]> = {
    'system_metrics.csv': toSampleRows(result.series),
    'pg_activity.csv': toSampleRows(result.series, 'pg-activity.'),
    'pg_database.csv': toSampleRows(result.series, 'pg-database.'),
    'pg_statements.csv': toTrialRows(result, 'pg-statements', (data) =>
      Value.Check(WithStatements, data) ? data.statements : [],
    ),
    'pg_tables.csv': toTrialRows(result, 'pg-tables', (data) => (Value.Check(WithTables, data) ? data.tables : [])),
  };
  const written: string[] = [];
  for (const [name, rows] of Object.entries(files)) {
    const collector = name.startsWith('pg_') ? name.slice(0, -'.csv'.length).replace('_', '-') : null;
    if (rows.length === 0 && !wasCollected(result, collector)) continue;
    const text = rows.length === 0 ? `${TRIAL_COLUMNS.join(',')}\n` : stringify(rows, { header: true });
    writeWhole(join(folder, name), text);
    written.push(name);
  }
  return written;
}

const TRIAL_COLUMNS = ['trial', 'scenario', 'loop', 'subject', 'round'];

function wasCollected(result: RunResult, collector: string | null): boolean {
  return collector !== null && result.trials.some((trial) => trial.artifacts[collector]?.available === true);
}

/** `time` (ISO 8601), `t` (epoch milliseconds), then the columns whose id starts with `prefix`. */
function toSampleRows({ columns, rows }: Series, prefix = ''): Row[] {
  const chosen = [...columns.entries()].filter(([place, { id }]) => place > 0 && id.startsWith(prefix));
  if (chosen.length === 0) return [];
  return rows.map((values) => {
    const t = values[0] ?? 0;
    const row: Row = { time: new Date(t).toISOString(), t };
    for (const [place, { id }] of chosen) row[id] = values[place] ?? null;
    return row;
  });
}

function toTrialRows(result: RunResult, collector: string, read: (data: unknown) => Row[]): Row[] {
  return result.trials.flatMap(({ id, scenario, loop, subject, round, artifacts }) => {
    const artifact = artifacts[collector];
    if (artifact?.available !== true) return [];
    return read(artifact.data).map((row) => {
      // `id` is the trial's; a statement's own stands as query_id.
      const { id: queryId, ...rest } = row;
      return {
        trial: id,
        scenario,
        loop,
        subject,
        round,
        ...(queryId === undefined ? {} : { query_id: queryId }),
        ...rest,
      };
    });
  });
}
