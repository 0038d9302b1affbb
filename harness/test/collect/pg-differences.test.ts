import { describe, expect, it } from 'vitest';
import { diffStatements, type StatementCount, toArtifact } from '../../src/collect/pg-statements.ts';
import { diffTables, type TableUse, warnAbout } from '../../src/collect/pg-tables.ts';

/** What pg_stat_statements would say after calls of these lengths. */
function countOf(id: string, callsMs: number[], more: Partial<StatementCount> = {}): StatementCount {
  const totalMs = callsMs.reduce((sum, ms) => sum + ms, 0);
  const meanMs = totalMs / callsMs.length;
  const squares = callsMs.reduce((sum, ms) => sum + (ms - meanMs) ** 2, 0);
  return {
    ...{ id, query: `SELECT ${id}`, calls: callsMs.length, totalMs, meanMs },
    ...{ stddevMs: Math.sqrt(squares / callsMs.length), maxMs: Math.max(...callsMs), rows: callsMs.length },
    ...{ blocksHit: 0, blocksRead: 0, blocksDirtied: 0, tempBlocksWritten: 0, walBytes: 0, readMs: 0 },
    ...more,
  };
}

describe('the difference of two readings of pg_stat_statements', () => {
  it('has mean and deviation of the calls in between, exactly', () => {
    const earlier = [1, 2, 3, 10];
    const between = [4, 4, 7, 9, 6];
    const [statement] = diffStatements([countOf('a', earlier)], [countOf('a', [...earlier, ...between])]);
    const alone = countOf('a', between);
    expect(statement).toMatchObject({ calls: 5, totalMs: 30, meanMs: 6, rows: 5, maxMs: null });
    expect(statement?.stddevMs).toBeCloseTo(alone.stddevMs, 9);
  });

  it('leaves out what did not run, and counts what is new or was reset from zero', () => {
    const before = [countOf('same', [1, 1]), countOf('reset', [5, 5, 5])];
    const after = [countOf('same', [1, 1]), countOf('reset', [2]), countOf('new', [3, 5])];
    expect(diffStatements(before, after).map(({ id, calls, maxMs }) => ({ id, calls, maxMs }))).toEqual([
      { id: 'new', calls: 2, maxMs: 5 },
      { id: 'reset', calls: 1, maxMs: 2 },
    ]);
  });

  it('lists the longest, the slowest, the most variable and the most called, and sums all', () => {
    const many = Array.from({ length: 60 }, (_, at) => countOf(`s${at}`, [60 - at]));
    const often = countOf('often', new Array<number>(5000).fill(0.0001));
    const shaky = countOf('shaky', [...new Array<number>(150).fill(0.0001), 0.009]);
    const artifact = toArtifact(diffStatements([], [...many, often, shaky]), 2);
    const ids = artifact.statements.map(({ id }) => id);
    expect(ids.slice(0, 3)).toEqual(['s0', 's1', 's2']);
    expect(ids).toContain('often');
    expect(artifact.mostVariable[0]).toBe('shaky');
    expect(artifact.statements.length).toBeLessThanOrEqual(30);
    expect(artifact.total).toMatchObject({ statements: 62, calls: 60 + 5000 + 151 });
    expect(artifact.evicted).toBe(2);
  });
});

function useOf(more: Partial<TableUse>): TableUse {
  return {
    ...{ table: 'public.tools', seqScans: 0, seqRowsRead: 0, indexScans: 0, indexRowsFetched: 0 },
    ...{ inserted: 0, updated: 0, hotUpdated: 0, deleted: 0, heapBlocksRead: 0, heapBlocksHit: 0 },
    ...{ indexBlocksRead: 0, indexBlocksHit: 0, liveRows: 0, deadRows: 0, sizeBytes: 0, vacuums: 0, analyzes: 0 },
    ...more,
  };
}

describe('the difference of two readings of pg_stat_user_tables', () => {
  it('subtracts counts, keeps levels, and leaves out what nobody touched', () => {
    const before = [useOf({ seqScans: 5, liveRows: 90 }), useOf({ table: 'public.quiet', indexScans: 4, liveRows: 1 })];
    const after = [
      useOf({ seqScans: 8, seqRowsRead: 30, liveRows: 100 }),
      useOf({ table: 'public.quiet', indexScans: 4, liveRows: 2 }),
      useOf({ table: 'public.new', inserted: 3 }),
    ];
    expect(diffTables(before, after)).toEqual([
      useOf({ seqScans: 3, seqRowsRead: 30, liveRows: 100 }),
      useOf({ table: 'public.new', inserted: 3 }),
    ]);
  });

  it('takes counts after a reset of the statistics as they are', () => {
    expect(diffTables([useOf({ seqScans: 50 })], [useOf({ seqScans: 2 })])[0]?.seqScans).toBe(2);
  });
});

describe('warning signs of a table', () => {
  it.each([
    [
      'sequential-scans',
      { seqScans: 3, seqRowsRead: 15_000 },
      '3 sequential scans of public.tools read 5000 rows each',
    ],
    ['dead-rows', { deadRows: 2000, liveRows: 2000 }, '2000 of 4000 rows of public.tools are dead (50.0 %)'],
    ['cache-misses', { heapBlocksRead: 500, heapBlocksHit: 500 }, '50.0 % of 1000 blocks of public.tools'],
    ['few-hot-updates', { updated: 1000, hotUpdated: 100 }, 'only 10.0 % of 1000 updates of public.tools were HOT'],
  ])('%s', (kind, use, text) => {
    const warnings = warnAbout(useOf(use));
    expect(warnings.map((warning) => warning.kind)).toEqual([kind]);
    expect(warnings[0]?.text).toContain(text);
  });

  it('are none for small tables, few rows and few blocks', () => {
    const small = { seqScans: 900, seqRowsRead: 45_000, deadRows: 999, updated: 999, heapBlocksRead: 300 };
    expect(warnAbout(useOf(small))).toEqual([]);
  });
});
