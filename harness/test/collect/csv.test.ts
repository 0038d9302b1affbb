import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PgStatementsArtifact } from '../../src/collect/pg-statements.ts';
import { writeCsvFiles } from '../../src/result/csv.ts';
import { buildResult } from '../build-result.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatebench-csv-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const statements: PgStatementsArtifact = {
  statements: [
    {
      ...{
        id: '-42',
        query: 'SELECT "a", b\nFROM tools',
        calls: 3,
        totalMs: 1.5,
        meanMs: 0.5,
        stddevMs: 0,
        maxMs: null,
      },
      ...{ rows: 3, blocksHit: 1, blocksRead: 0, blocksDirtied: 0, tempBlocksWritten: 0, walBytes: 0, readMs: 0 },
    },
  ],
  mostVariable: [],
  slowest: ['-42'],
  total: { statements: 1, calls: 3, totalMs: 1.5, rows: 3 },
  evicted: 0,
};

describe('the CSV files of a run', () => {
  it('hold every sample and every statement, and are not written for what was not collected', async () => {
    const result = buildResult({
      rounds: 1,
      flawed: false,
      artifacts: () => ({
        'pg-statements': { available: true, costMs: 1, data: statements },
        'pg-tables': { available: false, reason: 'no PostgreSQL of ours' },
      }),
    });
    result.series = {
      columns: [
        { id: 't', unit: 'ms', title: 'Time' },
        { id: 'host.cpu_percent', unit: '%', title: 'CPU' },
        { id: 'pg-activity.active', unit: 'count', title: 'Active' },
      ],
      rows: [
        [1_700_000_000_000, 12.5, 3],
        [1_700_000_001_000, -1.5, null],
      ],
    };
    const files = await writeCsvFiles(result, folder);
    expect(files.sort()).toEqual(['pg_activity.csv', 'pg_statements.csv', 'system_metrics.csv']);
    expect((await readdir(folder)).sort()).toEqual(files);
    expect(await readFile(join(folder, 'system_metrics.csv'), 'utf8')).toBe(
      'time,t,host.cpu_percent,pg-activity.active\n' +
        '2023-11-14T22:13:20.000Z,1700000000000,12.5,3\n' +
        '2023-11-14T22:13:21.000Z,1700000001000,-1.5,\n',
    );
    expect(await readFile(join(folder, 'pg_activity.csv'), 'utf8')).toMatch(/^time,t,pg-activity.active\n/);
    const [header, ...rows] = (await readFile(join(folder, 'pg_statements.csv'), 'utf8')).split(/\n(?!FROM)/);
    expect(header).toMatch(/^trial,scenario,loop,subject,round,query_id,query,calls,/);
    expect(rows[0]).toContain(',-42,"SELECT ""a"", b\nFROM tools",3,1.5,');
    expect(rows.filter((row) => row !== '')).toHaveLength(result.trials.length);
  });
});
