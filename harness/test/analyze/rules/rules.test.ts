import { describe, expect, test } from 'vitest';
import { analyze } from '../../../src/analyze/index.ts';
import type { Finding } from '../../../src/analyze/rule.ts';
import { evaluateRules, rules } from '../../../src/analyze/rules/index.ts';
import type { GatewayLogsArtifact } from '../../../src/collect/gateway-logs.ts';
import type { GatewayRuntimeArtifact } from '../../../src/collect/gateway-runtime.ts';
import type { PgActivityArtifact } from '../../../src/collect/pg-activity.ts';
import type { PgDatabaseArtifact } from '../../../src/collect/pg-database.ts';
import type { PgLocksArtifact } from '../../../src/collect/pg-locks.ts';
import type { PgStatementsArtifact } from '../../../src/collect/pg-statements.ts';
import type { PgTablesArtifact } from '../../../src/collect/pg-tables.ts';
import type { PrometheusArtifact } from '../../../src/collect/prometheus.ts';
import { createRandom } from '../../../src/random.ts';
import type { RunResult } from '../../../src/result/result.ts';
import { type BuildOptions, buildResult, logNormalHistogram } from '../../build-result.ts';

interface Artifacts {
  'pg-statements': PgStatementsArtifact;
  'pg-tables': PgTablesArtifact;
  'pg-database': PgDatabaseArtifact;
  'pg-activity': PgActivityArtifact;
  'pg-locks': PgLocksArtifact;
  'gateway-runtime': GatewayRuntimeArtifact;
  'gateway-logs': GatewayLogsArtifact;
  prometheus: PrometheusArtifact;
}

function withArtifacts(artifacts: Partial<Artifacts>, options: BuildOptions = {}): RunResult {
  return buildResult({
    flawed: false,
    artifacts: () =>
      Object.fromEntries(
        Object.entries(artifacts).map(([id, data]) => [id, { available: true as const, costMs: 1, data }]),
      ),
    ...options,
  });
}

function find(result: RunResult, rule: string): Finding[] {
  return analyze(result).findings.filter((finding) => finding.rule === rule);
}

const peak = (max: number) => ({ min: 0, mean: max / 2, max, samples: 8 });

const statement = {
  id: '1',
  query: 'SELECT * FROM tools WHERE server_id = $1',
  calls: 24_000,
  totalMs: 1_440_000,
  meanMs: 60,
  stddevMs: 12,
  maxMs: 400,
  rows: 24_000,
  blocksHit: 1,
  blocksRead: 0,
  blocksDirtied: 0,
  tempBlocksWritten: 0,
  walBytes: 0,
  readMs: 0,
};

const table = {
  table: 'public.tools',
  seqScans: 2000,
  seqRowsRead: 100_000_000,
  indexScans: 0,
  indexRowsFetched: 0,
  inserted: 0,
  updated: 0,
  hotUpdated: 0,
  deleted: 0,
  heapBlocksRead: 0,
  heapBlocksHit: 0,
  indexBlocksRead: 0,
  indexBlocksHit: 0,
  liveRows: 50_000,
  deadRows: 0,
  sizeBytes: 1,
  vacuums: 0,
  analyzes: 0,
};

const database = {
  seconds: 5,
  commits: 100,
  rollbacks: 0,
  blocksRead: 2000,
  blocksHit: 8000,
  cacheHitPercent: 80,
  rowsReturned: 0,
  rowsFetched: 0,
  rowsInserted: 0,
  rowsUpdated: 0,
  rowsDeleted: 0,
  tempFiles: 0,
  tempBytes: 0,
  deadlocks: 0,
  readMs: 120,
  sizeBytes: 1,
  grownBytes: 0,
};

const runtime: GatewayRuntimeArtifact = {
  seconds: 5,
  cpuSeconds: 4,
  gc: { seconds: 1.2, count: 300, majorSeconds: 0.4, majorCount: 3 },
  heapUsedBytes: 1,
  heapGrownBytes: 1,
  peaks: { event_loop_delay_p99_ms: peak(140) },
  restarted: false,
};

describe('rules', () => {
  test('a cache that answers less than 80 % is told, but not of scenarios that write, and not of a few look-ups', () => {
    const uses = (hits: number, misses: number): PrometheusArtifact => ({
      changed: [
        { name: 'cache_hits_total', labels: 'cache="tool_lookup"', before: 0, after: hits },
        { name: 'cache_misses_total', labels: 'cache="tool_lookup"', before: null, after: misses },
      ],
      restarted: false,
    });
    const [finding, ...others] = find(withArtifacts({ prometheus: uses(79, 21) }), 'low-hit-rate');
    expect(others).toEqual([]);
    expect(finding?.title).toContain('tool_lookup answered only 79.0 %');
    expect(find(withArtifacts({ prometheus: uses(80, 20) }), 'low-hit-rate')).toEqual([]);
    expect(find(withArtifacts({ prometheus: uses(10, 39) }), 'low-hit-rate')).toEqual([]);
    const writing = withArtifacts({ prometheus: uses(10, 90) }, { scenarios: ['servers_create'] });
    expect(find(writing, 'low-hit-rate')).toHaveLength(1);
    writing.scenarios = (writing.scenarios as object[]).map((each) => ({ ...each, creates: true }));
    expect(find(writing, 'low-hit-rate')).toEqual([]);
  });

  test('a circuit breaker that is not closed, or that opened in between, is told first of all', () => {
    const circuits = (state: number, trips: number): PrometheusArtifact => ({
      changed: [{ name: 'mcp_pool_circuit_breaker_trips_total', labels: '', before: 1, after: 1 + trips }],
      restarted: false,
      standing: [{ name: 'mcp_pool_circuit_breaker_state', labels: 'url="http://up"', value: state }],
      absent: [],
    });
    const [finding] = find(withArtifacts({ prometheus: circuits(2, 0) }), 'circuit-breakers');
    expect(finding).toMatchObject({ priority: 'high', title: expect.stringContaining('http://up open') });
    expect(find(withArtifacts({ prometheus: circuits(0, 1) }), 'circuit-breakers')).toHaveLength(1);
    expect(find(withArtifacts({ prometheus: circuits(0, 0) }), 'circuit-breakers')).toEqual([]);
  });

  test('say nothing of a quiet run without artifacts', () => {
    expect(evaluateRules(buildResult({ flawed: false, behaviour: { current: { cpu: 0.95 } } }), [])).toEqual([]);
  });

  test('find slow statements and how to look into them', () => {
    const [finding] = find(
      withArtifacts({
        'pg-statements': {
          statements: [statement],
          mostVariable: [],
          slowest: ['1'],
          total: { statements: 1, calls: 24_000, totalMs: 1, rows: 1 },
          evicted: 0,
        },
      }),
      'slow-statements',
    );
    expect(finding).toMatchObject({ priority: 'high', title: 'A statement takes 60.0 ms on average' });
    expect(finding?.evidence.join()).toContain('24000 calls');
    expect(finding?.next[0]).toBe('EXPLAIN (ANALYZE, BUFFERS) SELECT * FROM tools WHERE server_id = $1');
  });

  test('find requests that ask the database again and again', () => {
    const [finding] = find(
      withArtifacts({
        'pg-statements': {
          statements: [statement],
          mostVariable: [],
          slowest: [],
          total: { statements: 1, calls: 24_000, totalMs: 1, rows: 1 },
          evicted: 0,
        },
      }),
      'queries-per-request',
    );
    expect(finding?.title).toBe('Up to 12.0 statements per request in 6 scenarios');
    expect(finding?.evidence[0]).toMatch(/12\.0 of them: SELECT \* FROM tools.*2000 requests; pg_stat_statements/);
  });

  test('find sequential scans on large tables, not on small ones', () => {
    expect(
      find(withArtifacts({ 'pg-tables': { tables: [table], warnings: [] } }), 'sequential-scans')[0],
    ).toMatchObject({
      priority: 'high',
      title: 'public.tools was read from end to end 2000 times, 50000 rows each',
    });
    expect(
      find(withArtifacts({ 'pg-tables': { tables: [{ ...table, liveRows: 60 }], warnings: [] } }), 'sequential-scans'),
    ).toEqual([]);
  });

  test('find a cold cache, but not over a few blocks', () => {
    expect(find(withArtifacts({ 'pg-database': database }), 'cache-hits')[0]?.title).toContain('Only 80.0 %');
    expect(
      find(withArtifacts({ 'pg-database': { ...database, blocksRead: 20, blocksHit: 80 } }), 'cache-hits'),
    ).toEqual([]);
  });

  test('find a pool at its size by the gateway’s own setting', () => {
    const activity = {
      maxConnections: 100,
      peaks: { active: peak(18), idle_in_transaction: peak(2), total: peak(24) },
    };
    expect(find(withArtifacts({ 'pg-activity': activity }), 'connection-pool')[0]).toMatchObject({
      priority: 'high',
      title: 'Database connections are used up in 6 scenarios: 20 of the pool’s 20 connections at work at once',
    });
    const few = { ...activity, peaks: { active: peak(3), total: peak(95) } };
    expect(find(withArtifacts({ 'pg-activity': few }), 'connection-pool')[0]?.title).toContain(
      '95 of max_connections 100',
    );
  });

  test('find transactions left open, worst when PostgreSQL had to end them', () => {
    const activity = {
      maxConnections: 100,
      peaks: { idle_in_transaction: peak(4), longest_idle_in_transaction_seconds: peak(3.2) },
    };
    expect(find(withArtifacts({ 'pg-activity': activity }), 'idle-in-transaction')[0]?.priority).toBe('medium');
    const logs = {
      lines: 1,
      errors: 2,
      warnings: 0,
      byType: [],
      idleInTransactionTimeouts: 2,
      lastErrors: [],
      bytes: 1,
      skippedBytes: 0,
    };
    expect(
      find(withArtifacts({ 'pg-activity': activity, 'gateway-logs': logs }), 'idle-in-transaction')[0]?.priority,
    ).toBe('high');
  });

  test('find waits for locks with who waited for whom', () => {
    const blocked = [
      { mode: 'ShareLock', table: 'servers', waitMs: 300, statement: 'UPDATE servers', blocker: 'DELETE FROM servers' },
    ];
    expect(find(withArtifacts({ 'pg-locks': { peaks: {}, blocked } }), 'lock-waits')[0]?.evidence[0]).toContain(
      '300 ms for ShareLock on servers: UPDATE servers waited for DELETE FROM servers',
    );
  });

  test('find a blocked event loop under the open load, and too much garbage collection', () => {
    const result = withArtifacts({ 'gateway-runtime': runtime });
    expect(find(result, 'event-loop')[0]).toMatchObject({ priority: 'high' });
    expect(find(result, 'event-loop')[0]?.evidence.every((line) => !line.includes('.closed.'))).toBe(true);
    expect(find(result, 'garbage-collection')[0]?.title).toContain('30 % of the gateway’s CPU');
  });

  test('tell a full core from a CPU that idles while requests wait', () => {
    const withCpu = (percent: number, options: BuildOptions = {}): RunResult => {
      const result = buildResult({ flawed: false, ...options });
      for (const { usage, load } of result.trials)
        if (usage !== null && load !== null) usage.cpuSeconds = (percent / 100) * load.durationSeconds;
      return result;
    };
    expect(find(withCpu(99), 'gateway-cpu').map((finding) => finding.priority)).toEqual(['high', 'low']);
    const waiting = find(withCpu(20, { behaviour: { current: { latency: 10 } } }), 'gateway-cpu');
    expect(waiting[0]?.title).toMatch(/^Requests wait while the gateway’s CPU idles/);
    expect(find(withCpu(60), 'gateway-cpu')).toEqual([]);
  });

  test('find memory that grows through a whole round', () => {
    const result = buildResult({ flawed: false });
    for (const [index, trial] of result.trials.entries())
      if (trial.usage !== null) trial.usage.rssBytes = 100e6 + index * 15e6;
    expect(find(result, 'memory-growth')[0]).toMatchObject({ priority: 'high' });
  });

  test('count failed requests by kind, with an example', () => {
    const [finding] = find(buildResult({ flawed: false, behaviour: { current: { errors: 0.02 } } }), 'request-errors');
    expect(finding).toMatchObject({ priority: 'high', title: '480 of 24000 requests failed: status' });
    expect(finding?.evidence[0]).toContain('for example {"error":"boom"}');
  });

  test('name missed SLOs first, with what repeats the scenario', () => {
    const { findings } = analyze(buildResult({ flawed: false, behaviour: { current: { latency: 8 } } }));
    expect(findings[0]?.rule).toBe('missed-slos');
    expect(findings[0]?.next.at(-1)).toMatch(/^npm run perf -- -p medium --scenario \w+ repeats it alone$/);
  });

  test('find a generator near its ceiling, a noisy machine, an erratic tail and the machine’s settings', () => {
    const result = buildResult({ flawed: false, behaviour: { current: { latency: 6 } } });
    for (const trial of result.trials) {
      if (trial.ceiling !== null) trial.ceiling.requestsPerSecond /= 1.5;
      if (trial.usage !== null) trial.usage.stealPercent = 3;
    }
    const erratic = result.trials.find((trial) => trial.id === 'tools_list.open.current.r1');
    if (erratic?.load == null) throw new Error('no trial');
    erratic.load.latency = { histogram: logNormalHistogram(createRandom(4), 4, 2000, 1.2), count: 2000, lost: 0 };
    result.environment.advice = ['net.core.somaxconn is 128, 4096 is advised'];
    const found = analyze(result).findings.map((finding) => finding.rule);
    expect(found).toEqual(expect.arrayContaining(['generator', 'machine-noise', 'latency-variance', 'host-settings']));
  });

  test('that break say so and leave the others at work', () => {
    const result = buildResult({
      flawed: false,
      behaviour: { current: { errors: 0.02 } },
      artifacts: () => ({ 'pg-tables': { available: true, costMs: 0, data: { tables: 'nonsense' } } }),
    });
    const found = evaluateRules(result, []);
    expect(found.find((finding) => finding.rule === 'sequential-scans')).toMatchObject({
      priority: 'low',
      title: '"Sequential scans on large tables" is not available',
    });
    expect(found[0]?.rule).toBe('request-errors');
  });

  test('stand in the table under their own ids', () => {
    for (const [id, rule] of Object.entries(rules)) expect(rule.id).toBe(id);
  });
});
