// Results as reports meet them: collectors' artifacts and columns as they really are, and texts that nobody may trust.
import type { Analysis, Comparison, ComparisonRow } from '../../src/analyze/analysis.ts';
import { analyze } from '../../src/analyze/index.ts';
import type { PgActivityArtifact } from '../../src/collect/pg-activity.ts';
import type { PgDatabaseArtifact } from '../../src/collect/pg-database.ts';
import type { PgLocksArtifact } from '../../src/collect/pg-locks.ts';
import type { PgStatementsArtifact, Statement } from '../../src/collect/pg-statements.ts';
import type { PgTablesArtifact } from '../../src/collect/pg-tables.ts';
import type { ProcessesArtifact } from '../../src/collect/processes.ts';
import type { PrometheusArtifact } from '../../src/collect/prometheus.ts';
import type { PlannedTrial } from '../../src/plan/plan.ts';
import type { Scenario } from '../../src/plan/scenario.ts';
import { createRandom, deriveSeed } from '../../src/random.ts';
import type { Artifact, RunResult } from '../../src/result/result.ts';
import { type BuildOptions, buildResult } from '../build-result.ts';

/** Ends a script element, a table cell, a Markdown table and a spreadsheet's patience. */
export const hostile = '</script><script>alert(1)</script> & "quoted" | `code` <img src=x onerror=alert(2)>\u2028';

export function createSampleResult(options: BuildOptions = {}): RunResult {
  const result = buildResult({ artifacts: toArtifacts, ...options });
  result.series = toSeries(result);
  result.collectors = [
    { id: 'host', title: 'Machine', available: true, reason: null, cpuMs: 210, samples: 61 },
    { id: 'processes', title: 'Processes', available: true, reason: null, cpuMs: 340, samples: 61 },
    { id: 'pg-statements', title: 'PostgreSQL statements', available: true, reason: null, cpuMs: 95, samples: 0 },
    {
      id: 'gateway-runtime',
      title: 'Gateway runtime',
      available: false,
      reason: '/metrics answered 404',
      cpuMs: 0,
      samples: 0,
    },
  ];
  result.environment.advice = ['net.core.somaxconn is 128, 4096 is advised'];
  const failing = result.trials.find((trial) => trial.scenario === 'servers_create' && trial.load !== null);
  failing?.load?.errors.push(
    { kind: 'body', request: 'create', detail: 'result.id: no value', count: 3, example: hostile },
    { kind: 'status', request: 'create', detail: '503, expected 200', count: 1, example: '{"detail":"busy"}' },
  );
  if (failing?.load != null) {
    failing.load.failed += 4;
    failing.load.succeeded -= 4;
  }
  return result;
}

export function createSample(options: BuildOptions = {}): Analysis {
  return withFindings(analyze(createSampleResult(options)));
}

/** As many scenarios as the product has, by copies of the synthetic ones under other names. */
export function createLargeResult(options: Omit<BuildOptions, 'scenarios'> & { count: number }): RunResult {
  const { count, ...rest } = options;
  const result = createSampleResult(rest);
  const originals = result.scenarios as Scenario[];
  const copies: Scenario[] = [];
  while (originals.length + copies.length < count) {
    const original = originals[copies.length % originals.length];
    if (original === undefined) break;
    const id = `${original.id}_${copies.length}`;
    const { pairedWith: _, ...alone } = original;
    copies.push({ ...alone, id, title: `${original.title}, variant ${copies.length}` });
    const rename = (text: string) => text.replace(`${original.id}.`, `${id}.`);
    for (const planned of result.plan.trials.filter((trial) => trial.scenario === original.id)) {
      result.plan.trials.push({ ...planned, id: rename(planned.id), scenario: id });
    }
    for (const trial of result.trials.filter((each) => each.scenario === original.id)) {
      result.trials.push({ ...structuredClone(trial), id: rename(trial.id), scenario: id });
    }
    result.plan.scenarios.push(id);
  }
  result.scenarios = [...originals, ...copies];
  return result;
}

export function withComparison(analysis: Analysis): Analysis {
  return { ...analysis, comparison: createComparison() };
}

export function createComparison(): Comparison {
  const row = (given: Partial<ComparisonRow>): ComparisonRow => ({
    scenario: 'tools_list',
    metric: 'latency.p95',
    unit: 'ms',
    better: 'lower',
    before: 8.2,
    after: 8.3,
    ratio: 1.012,
    interval: [0.97, 1.05],
    pValue: 0.4,
    pAdjusted: 1,
    thresholdPercent: 10,
    smallestVisiblePercent: 6.2,
    rounds: [5, 5],
    status: 'no-change',
    reason: null,
    ...given,
  });
  return {
    before: 'main',
    after: 'this run',
    paired: false,
    alpha: 0.05,
    subject: [
      { what: 'build', before: 'e0a2f04', after: '4f2a9c1' },
      { what: 'settings.DB_POOL_SIZE', before: '20', after: '5' },
    ],
    mismatches: [{ what: 'tools.k6', before: '1.8.0', after: '1.8.1' }],
    rows: [
      row({}),
      row({
        scenario: 'tools_call_simple',
        metric: 'cpu.per_request',
        before: 0.48,
        after: 0.59,
        ratio: 1.229,
        interval: [1.16, 1.3],
        pValue: 0.0001,
        pAdjusted: 0.0006,
        status: 'regression',
      }),
      row({
        scenario: 'health',
        metric: 'throughput',
        unit: 'requests/s',
        better: 'higher',
        before: 5400,
        after: 6200,
        ratio: 1.148,
        interval: [1.11, 1.19],
        pAdjusted: 0.002,
        status: 'improvement',
      }),
      row({
        scenario: 'servers_create',
        ratio: 1.08,
        interval: [0.86, 1.36],
        smallestVisiblePercent: 31,
        status: 'undecided',
        reason: 'the interval reaches beyond the threshold',
      }),
      row({
        scenario: 'prompts_get',
        before: 7.1,
        after: null,
        ratio: null,
        interval: null,
        pValue: null,
        pAdjusted: null,
        smallestVisiblePercent: null,
        status: 'not-compared',
        reason: 'it did not run',
      }),
    ],
  };
}

/** What every rule may say, whatever rules there are. */
export function withFindings(analysis: Analysis): Analysis {
  return {
    ...analysis,
    findings: [
      {
        rule: 'sample',
        priority: 'low',
        title: 'The gateway’s memory grew by 4 % over the run',
        evidence: ['92.0 MB at the start, 95.7 MB at the end (12 trials, /proc)'],
        next: ['npm run perf -- --profile heavy --scenario tools_list'],
        scenario: null,
      },
      {
        rule: 'sample',
        priority: 'high',
        title: 'Creating a virtual server takes 4.0 queries per request',
        evidence: ['8,004 calls for 2,000 requests (pg_stat_statements)', hostile],
        next: ['EXPLAIN (ANALYZE, BUFFERS) SELECT * FROM servers WHERE name = $1', 'create an index on servers(name)'],
        scenario: 'servers_create',
      },
      {
        rule: 'sample',
        priority: 'medium',
        title: 'The generator’s ceiling is close in one trial',
        evidence: ['1.1 × the result of 1,450/s'],
        next: ['npm run perf -- --scenario tools_list --rounds 3'],
        scenario: 'tools_list',
      },
    ],
  };
}

const strictPeak = (max: number) => ({ min: 0, mean: max / 2, max, samples: 8 });

function toArtifacts(trial: PlannedTrial): Record<string, Artifact> {
  if (trial.scenario.startsWith('direct')) return {};
  const available = (data: unknown): Artifact => ({ available: true, costMs: 12, data });
  const statement = (id: string, query: string, given: Partial<Statement>): Statement => ({
    id,
    query,
    calls: trial.requests,
    totalMs: trial.requests * 0.08,
    meanMs: 0.08,
    stddevMs: 0.05,
    maxMs: 3.1,
    rows: trial.requests,
    blocksHit: trial.requests * 3,
    blocksRead: 12,
    blocksDirtied: 0,
    tempBlocksWritten: 0,
    walBytes: 0,
    readMs: 0.2,
    ...given,
  });
  return {
    processes: available({
      groups: {
        gateway: { pids: [100], cpuPercent: 88, rssBytes: 92e6, descriptors: 60, threads: 11 },
        postgres: { pids: [90, 91], cpuPercent: 21, rssBytes: 61e6, descriptors: 90, threads: 9 },
      },
    } satisfies ProcessesArtifact),
    'pg-activity': available({
      maxConnections: 100,
      peaks: {
        total: strictPeak(21),
        active: strictPeak(9),
        idle_in_transaction: strictPeak(1),
        waiting_for_lock: strictPeak(0),
      },
    } satisfies PgActivityArtifact),
    'pg-database': available({
      seconds: 8,
      commits: trial.requests,
      rollbacks: 0,
      blocksRead: 12,
      blocksHit: trial.requests * 3,
      cacheHitPercent: 99.8,
      rowsReturned: trial.requests * 5,
      rowsFetched: trial.requests,
      rowsInserted: 0,
      rowsUpdated: 0,
      rowsDeleted: 0,
      tempFiles: 0,
      tempBytes: 0,
      deadlocks: 0,
      readMs: 0.2,
      sizeBytes: 9.2e6,
      grownBytes: 0,
    } satisfies PgDatabaseArtifact),
    'pg-statements': available({
      statements: [
        statement('1', 'SELECT t.* FROM tools t WHERE t.name = $1 AND t.enabled', {}),
        statement('2', `INSERT INTO servers (id, name, note) VALUES ($1, $2, ${hostile})`, {
          calls: 40,
          totalMs: 62,
          meanMs: 1.55,
          stddevMs: 4.4,
          maxMs: 41,
        }),
      ],
      mostVariable: ['2'],
      slowest: ['2'],
      total: { statements: 2, calls: trial.requests + 40, totalMs: trial.requests * 0.08 + 62, rows: trial.requests },
      evicted: 0,
    } satisfies PgStatementsArtifact),
    'pg-tables': available({
      tables: [
        {
          table: 'public.tools',
          seqScans: 4,
          seqRowsRead: 2040,
          indexScans: trial.requests,
          indexRowsFetched: trial.requests,
          inserted: 0,
          updated: 0,
          hotUpdated: 0,
          deleted: 0,
          heapBlocksRead: 2,
          heapBlocksHit: trial.requests,
          indexBlocksRead: 1,
          indexBlocksHit: trial.requests,
          liveRows: 510,
          deadRows: 0,
          sizeBytes: 640_000,
          vacuums: 0,
          analyzes: 1,
        },
      ],
      warnings: [],
    } satisfies PgTablesArtifact),
    'pg-locks': available({
      peaks: { waiting: strictPeak(1) },
      blocked:
        trial.scenario === 'servers_create'
          ? [{ mode: 'ShareLock', table: 'servers', waitMs: 12.5, statement: 'UPDATE servers SET …', blocker: hostile }]
          : [],
    } satisfies PgLocksArtifact),
    prometheus: available(toTold(trial)),
    'gateway-logs': available({
      lines: 40,
      errors: trial.scenario === 'servers_create' ? 4 : 0,
      warnings: 0,
      byType: trial.scenario === 'servers_create' ? [{ type: `GW_UPSTREAM_TIMEOUT ${hostile}`, count: 4 }] : [],
      idleInTransactionTimeouts: 0,
      lastErrors: [],
      bytes: 4100,
      skippedBytes: 0,
    }),
  };
}

/** A gateway that reads its tools from a cache, calls an upstream for some of them, and lost one of its two upstreams. */
function toTold({ scenario, requests }: PlannedTrial): PrometheusArtifact {
  const layer = (name: string, ms: number, share = 1) => {
    const labels = `layer="${name}"`;
    const count = Math.round(requests * share);
    return [
      { name: 'gateway_layer_duration_seconds_sum', labels, before: 1, after: 1 + (requests * ms) / 1000 },
      { name: 'gateway_layer_duration_seconds_count', labels, before: 100, after: 100 + count },
    ];
  };
  const grown = (name: string, labels: string, by: number) => ({ name, labels, before: 7, after: 7 + by });
  const calls = scenario.startsWith('tools_call');
  return {
    changed: [
      ...layer('auth', 0.06),
      ...layer('route', 0.31),
      ...(scenario === 'servers_create' ? [...layer('pool_wait', 0.4, 0.2), ...layer('query', 3.2)] : []),
      ...(calls ? layer('upstream', 1.1) : []),
      ...layer('serialize', 0.12),
      ...layer('total', scenario === 'servers_create' ? 4.15 : calls ? 1.63 : 0.49),
      ...(scenario === 'health' ? [] : [grown('cache_hits_total', 'cache="jwt"', requests)]),
      ...(calls
        ? [
            grown('cache_hits_total', 'cache="tool_lookup"', Math.round(requests * 0.6)),
            grown('cache_misses_total', 'cache="tool_lookup"', Math.round(requests * 0.4)),
            grown('mcp_pool_sessions_created_total', '', 2),
            grown('mcp_pool_sessions_reused_total', '', requests - 2),
            grown('mcp_pool_misses_total', '', 3),
            grown('mcp_pool_circuit_breaker_trips_total', '', 1),
          ]
        : []),
    ],
    restarted: false,
    standing: [
      { name: 'cache_entries', labels: 'cache="tool_lookup"', value: 52 },
      ...(calls
        ? [
            {
              name: 'mcp_pool_circuit_breaker_state',
              labels: `url="http://127.0.0.1:9/${hostile.replaceAll('"', '')}"`,
              value: 2,
            },
          ]
        : []),
    ],
    absent: [],
  };
}

/** The columns that the collectors really have, with a plausible second-by-second course. */
function toSeries(result: RunResult): RunResult['series'] {
  const random = createRandom(deriveSeed(1, 'report-series'));
  const columns = [
    ['t', 'ms', 'Time'],
    ['host.cpu_percent', 'percent', 'CPU of all cores'],
    ['host.steal_percent', 'percent', 'CPU stolen by the hypervisor'],
    ['processes.gateway.cpu_percent', 'percent', 'CPU of gateway, 100 = one core'],
    ['processes.postgres.cpu_percent', 'percent', 'CPU of postgres, 100 = one core'],
    ['processes.upstream.cpu_percent', 'percent', 'CPU of upstream, 100 = one core'],
    ['processes.load.cpu_percent', 'percent', 'CPU of load, 100 = one core'],
    ['processes.gateway.rss_bytes', 'bytes', 'Memory of gateway'],
    ['processes.postgres.rss_bytes', 'bytes', 'Memory of postgres'],
    ['gateway-runtime.event_loop_delay_p99_ms', 'ms', 'Event-loop delay, p99'],
    ['pg-activity.total', 'count', 'Connections'],
    ['pg-activity.active', 'count', 'Connections running a statement'],
    ['pg-activity.idle_in_transaction', 'count', 'Connections idle in a transaction'],
    ['host.sockets_established', 'count', 'TCP sockets, established'],
  ] as const;
  const rows: RunResult['series']['rows'] = [];
  const end = result.startedAtMs + result.elapsedSeconds * 1000;
  for (let t = result.startedAtMs; t <= end; t += 1000) {
    const trial = result.trials.find((each) => (each.startedAtMs ?? end) <= t && t < (each.endedAtMs ?? 0));
    const busy = trial === undefined ? 0 : trial.loop === 'closed' ? 1 : 0.45;
    const noise = () => 0.9 + 0.2 * random();
    rows.push([
      t,
      8 + 80 * busy * noise(),
      random(),
      3 + 90 * busy * noise(),
      1 + 22 * busy * noise(),
      1 + 17 * busy * noise(),
      trial === undefined ? null : 30 + 40 * busy * noise(),
      88e6 + ((t - result.startedAtMs) / 1000) * 60_000,
      55e6 + 6e6 * busy,
      1 + 9 * busy * random(),
      21,
      Math.round(9 * busy * random()),
      busy > 0 && random() > 0.9 ? 1 : 0,
      20 + Math.round(60 * busy),
    ]);
  }
  return { columns: columns.map(([id, unit, title]) => ({ id, unit, title })), rows };
}
