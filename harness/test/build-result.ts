// A plausible synthetic RunResult for tests: seeded log-normal latencies, two loops, rounds, one or two subjects.
import { build, encodeIntoCompressedBase64 } from 'hdr-histogram-js';
import type { PlannedTrial, SubjectName } from '../src/plan/plan.ts';
import type { Scenario, ScenarioCategory } from '../src/plan/scenario.ts';
import { createRandom, deriveSeed, type Random } from '../src/random.ts';
import type { Artifact, ErrorCount, LoadResult, RunResult, TrialResult } from '../src/result/result.ts';

/** What one subject's gateway is like, as factors of the built-in figures. */
export interface Behaviour {
  latency?: number;
  throughput?: number;
  cpu?: number;
  /** Failed share of all requests. */
  errors?: number;
}

export interface BuildOptions {
  id?: string;
  seed?: number;
  rounds?: number;
  subjects?: SubjectName[];
  /** Coefficient of variation between rounds. */
  noise?: number;
  /** Requests per open trial (latency samples) and per closed trial. */
  samples?: number;
  behaviour?: Partial<Record<SubjectName, Behaviour>>;
  /** Ids of the scenarios to take; all by default. */
  scenarios?: string[];
  /** Adds a trial that is invalid and one that did not run (default true). */
  flawed?: boolean;
  artifacts?: (trial: PlannedTrial) => Record<string, Artifact>;
  config?: unknown;
}

/** Median latency in ms, throughput per second, CPU in ms per request. */
const behaviours: Record<string, { latencyMs: number; throughput: number; cpuMs: number }> = {
  health: { latencyMs: 0.6, throughput: 6200, cpuMs: 0.14 },
  tools_list: { latencyMs: 4.2, throughput: 1450, cpuMs: 0.62 },
  tools_call_simple: { latencyMs: 3.1, throughput: 1900, cpuMs: 0.48 },
  direct_tools_call_simple: { latencyMs: 0.9, throughput: 9800, cpuMs: 0 },
  servers_create: { latencyMs: 11.5, throughput: 310, cpuMs: 1.9 },
  prompts_get: { latencyMs: 3.4, throughput: 1700, cpuMs: 0.5 },
};

function scenario(
  id: string,
  category: ScenarioCategory,
  ratePerSecond: number,
  slos: Record<string, number>,
  more: Partial<Scenario> = {},
): Scenario {
  return {
    id,
    title: id.replaceAll('_', ' '),
    description: `synthetic ${id}`,
    category: category as Scenario['category'],
    target: 'gateway',
    requests: [
      {
        name: id,
        weight: 1,
        method: 'POST',
        path: '/rpc',
        auth: true,
        headers: {},
        expect: { status: 200, jsonRpc: true, body: [] },
      },
    ],
    unique: false,
    creates: false,
    load: { open: true, closed: true, ratePerSecond },
    slos,
    ...more,
  };
}

export const builtScenarios: Scenario[] = [
  scenario('health', 'health', 1000, { 'latency.p95': 5, 'latency.p99': 10, throughput: 1000, 'errors.rate': 0 }),
  scenario('tools_list', 'tools', 500, { 'latency.p95': 30, 'latency.p99': 50, throughput: 500, 'errors.rate': 0.001 }),
  scenario(
    'tools_call_simple',
    'tools',
    300,
    { 'latency.p95': 50, 'latency.p99': 100, 'overhead.p95': 15, throughput: 300, 'errors.rate': 0.001 },
    { pairedWith: 'direct_tools_call_simple' },
  ),
  scenario('direct_tools_call_simple', 'direct', 300, { 'latency.p95': 20, 'errors.rate': 0 }, { target: 'upstream' }),
  scenario('servers_create', 'servers', 50, {
    'latency.p95': 200,
    'latency.p99': 500,
    throughput: 50,
    'errors.rate': 0.01,
  }),
  scenario('prompts_get', 'prompts', 300, {
    'latency.p95': 60,
    'latency.p99': 120,
    throughput: 300,
    'errors.rate': 0.001,
  }),
];

/** A standard normal draw (Box–Muller). */
export function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** A histogram as the drivers write it, of `count` log-normal latencies around `medianMs`. */
export function logNormalHistogram(random: Random, medianMs: number, count: number, sigma = 0.45): string {
  const histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 3_600_000_000,
    numberOfSignificantValueDigits: 3,
    bitBucketSize: 32,
  });
  for (let index = 0; index < count; index++) {
    histogram.recordValue(Math.max(1, Math.round(medianMs * 1000 * Math.exp(sigma * normal(random)))));
  }
  return encodeIntoCompressedBase64(histogram);
}

const startedAtMs = Date.UTC(2026, 10, 20, 13, 45, 0);

export function buildResult(options: BuildOptions = {}): RunResult {
  const { seed = 1, rounds = 1, subjects = ['current'], samples = 2000, flawed = true } = options;
  const chosen = builtScenarios.filter((each) => options.scenarios?.includes(each.id) ?? true);
  const planned: PlannedTrial[] = [];
  for (let round = 1; round <= rounds; round++) {
    for (const each of chosen) {
      for (const loop of ['open', 'closed'] as const) {
        for (const subject of each.target === 'upstream' ? subjects.slice(0, 1) : subjects) {
          planned.push({
            id: `${each.id}.${loop}.${subject}.r${round}`,
            scenario: each.id,
            loop,
            engine: loop === 'open' ? 'k6' : 'autocannon',
            subject,
            round,
            requests: samples,
            concurrency: 20,
            ratePerSecond: loop === 'open' ? each.load.ratePerSecond : null,
            turnSeconds: loop === 'closed' && subjects.length > 1 && each.target === 'gateway' ? 0.2 : null,
            durationSeconds: loop === 'open' ? samples / each.load.ratePerSecond : 10,
            expectedSeconds: 8,
            note: null,
          });
        }
      }
    }
  }
  let clock = startedAtMs + 8000;
  const trials = planned.map((trial) => {
    const result = buildTrial(trial, clock, options);
    clock = (result.endedAtMs ?? clock) + 1500;
    return result;
  });
  if (flawed) spoil(trials);
  const id = options.id ?? 'results_light_20261120_134500';
  return {
    schemaVersion: 1,
    id,
    startedAtMs,
    elapsedSeconds: (clock - startedAtMs) / 1000,
    status: 'complete',
    failure: null,
    command: `npm run perf -- --profile light --rounds ${rounds} --seed ${seed}`,
    plan: {
      profile: 'light',
      infrastructure: 'embedded',
      serverProfile: 'standard',
      engine: null,
      rounds,
      seed,
      against: subjects.includes('reference') ? 'main' : null,
      scenarios: chosen.map((each) => each.id),
      expectedSeconds: 12 + planned.length * 8,
      trials: planned,
    },
    config: options.config ?? {},
    scenarios: chosen,
    subjects: subjects.map((name) => ({
      name,
      build: name === 'current' ? '4f2a9c1' : 'e0a2f04',
      serverProfile: 'standard',
      settings: { DB_POOL_SIZE: 20, LOG_LEVEL: 'warn' },
      node: '20.20.0',
      postgres: '17.10',
      url: 'http://127.0.0.1:41234',
    })),
    environment: {
      machine: {
        cpuModel: 'Synthetic CPU @ 2.50GHz',
        cores: 2,
        memoryBytes: 24_000_000_000,
        kernel: '6.1.0',
        os: 'Debian GNU/Linux 12',
        hostnameHash: '9f86d081',
        virtualization: 'kvm',
      },
      tools: { node: '20.20.0', k6: '1.8.1', autocannon: '9.0.0', postgres: '17.10', harness: '0.1.0' },
      settings: { 'net.core.somaxconn': '4096' },
      advice: [],
    },
    pinning: { pinned: true, gateway: [0], load: [1], others: [1], note: 'gateway on core 0, all else on core 1' },
    steps: [
      {
        name: 'infrastructure',
        startedAtMs,
        seconds: 4.2,
        status: 'done',
        detail: 'PostgreSQL 17.10, 11 MCP servers, gateway',
      },
      {
        name: 'load',
        startedAtMs: startedAtMs + 8000,
        seconds: (clock - startedAtMs) / 1000 - 8,
        status: 'done',
        detail: '',
      },
    ],
    trials,
    series: buildSeries(trials, seed),
    collectors: [
      { id: 'host', title: 'Host', available: true, reason: null, cpuMs: 210, samples: 60 },
      {
        id: 'docker-stats',
        title: 'Docker',
        available: false,
        reason: 'no container belongs to this run',
        cpuMs: 0,
        samples: 0,
      },
    ],
  };
}

function buildTrial(trial: PlannedTrial, startMs: number, options: BuildOptions): TrialResult {
  const random = createRandom(deriveSeed(options.seed ?? 1, options.id ?? '', trial.id));
  const noise = options.noise ?? 0.04;
  const base = behaviours[trial.scenario];
  if (base === undefined) throw new Error(`no behaviour of ${trial.scenario}`);
  const factor = options.behaviour?.[trial.subject] ?? {};
  const jitter = () => Math.exp(noise * normal(random));
  const failed = Math.round(trial.requests * (factor.errors ?? 0));
  const throughput = base.throughput * (factor.throughput ?? 1) * jitter();
  const seconds = trial.loop === 'open' ? trial.durationSeconds : trial.requests / throughput;
  const cpuSeconds = (trial.requests * base.cpuMs * (factor.cpu ?? 1) * jitter()) / 1000;
  const load = buildLoad(trial, random, {
    startMs,
    seconds,
    failed,
    medianMs: (trial.loop === 'open' ? base.latencyMs : (20 / throughput) * 1000) * (factor.latency ?? 1) * jitter(),
  });
  return {
    id: trial.id,
    scenario: trial.scenario,
    loop: trial.loop,
    subject: trial.subject,
    round: trial.round,
    status: 'ran',
    reason: null,
    startedAtMs: startMs,
    endedAtMs: startMs + seconds * 1000,
    warmup: { requests: 100, seconds: 1, steady: true, driftPercent: 2.1 },
    ceiling: trial.loop === 'closed' ? { requestsPerSecond: throughput * 2.4, responseBytes: 512 } : null,
    load,
    usage:
      base.cpuMs === 0
        ? null
        : {
            cpuSeconds,
            cpuSource: 'schedstat (nanoseconds)',
            rssBytes: 92e6 + trial.round * 4e5,
            stealPercent: 0.2,
          },
    validity: {
      verdict: 'valid',
      checks: [{ id: 'steal', passed: true, fatal: true, seen: '0.2 %', expected: 'at most 5 %' }],
    },
    artifacts: options.artifacts?.(trial) ?? {},
  };
}

function buildLoad(
  trial: PlannedTrial,
  random: Random,
  given: { startMs: number; seconds: number; failed: number; medianMs: number },
): LoadResult {
  const { startMs, seconds, failed, medianMs } = given;
  const succeeded = trial.requests - failed;
  const achieved = trial.requests / seconds;
  return {
    engine: trial.loop === 'open' ? 'k6 1.8.1' : 'autocannon 9.0.0',
    startedAtMs: startMs,
    durationSeconds: seconds,
    offeredRate: trial.ratePerSecond,
    achievedRate: achieved,
    sent: trial.requests,
    succeeded,
    failed,
    errors:
      failed > 0
        ? [
            {
              kind: 'status' as ErrorCount['kind'],
              request: trial.scenario,
              detail: '500',
              count: failed,
              example: '{"error":"boom"}',
            },
          ]
        : [],
    latency: { histogram: logNormalHistogram(random, medianMs, succeeded), count: succeeded, lost: 0 },
    scheduleLagMs: trial.loop === 'open' ? { p50: 0.05, p99: 0.4, max: 2.2 } : null,
    connectionsOpened: 20,
    bytesReceived: trial.requests * 512,
    generatorCpuPercent: trial.loop === 'open' ? 34 : 71,
    perSecond: Array.from({ length: Math.max(1, Math.floor(seconds)) }, (_, second) => ({
      second,
      succeeded: Math.round(succeeded / Math.max(1, Math.floor(seconds))),
      failed: 0,
      p50Ms: medianMs * Math.exp(0.05 * normal(random)),
      p95Ms: medianMs * 2.1 * Math.exp(0.08 * normal(random)),
    })),
    rawFiles: [`${trial.id}.txt`],
  };
}

/** The last closed tool list becomes invalid, the last open prompt get did not run. */
function spoil(trials: TrialResult[]): void {
  const invalid = trials.findLast((trial) => trial.scenario === 'tools_list' && trial.loop === 'closed');
  if (invalid !== undefined) {
    invalid.validity = {
      verdict: 'invalid',
      checks: [
        { id: 'steal', passed: false, fatal: true, seen: '7.5 % of the machine’s CPU time', expected: 'at most 5 %' },
      ],
    };
  }
  const missing = trials.findLast((trial) => trial.scenario === 'prompts_get' && trial.loop === 'open');
  if (missing !== undefined) {
    Object.assign(missing, {
      status: 'not-run',
      reason: 'K6_MISSING: k6 could not be found or fetched',
      startedAtMs: null,
      endedAtMs: null,
      warmup: null,
      load: null,
      usage: null,
      validity: null,
      artifacts: {},
    } satisfies Partial<TrialResult>);
  }
}

function buildSeries(trials: TrialResult[], seed: number): RunResult['series'] {
  const random = createRandom(deriveSeed(seed, 'series'));
  const end = trials.reduce((latest, trial) => Math.max(latest, trial.endedAtMs ?? 0), startedAtMs);
  const rows: RunResult['series']['rows'] = [];
  for (let t = startedAtMs; t <= end; t += 1000) {
    const loaded = trials.some((trial) => (trial.startedAtMs ?? end) <= t && t < (trial.endedAtMs ?? 0));
    const cpu = loaded ? 70 + 20 * random() : 2 + 3 * random();
    rows.push([t, cpu, 88e6 + (t - startedAtMs) * 40, loaded ? 8 : 1, null]);
  }
  return {
    columns: [
      { id: 't', unit: 'ms', title: 'Time' },
      { id: 'processes.gateway_cpu_percent', unit: '%', title: 'Gateway CPU' },
      { id: 'processes.gateway_rss_bytes', unit: 'bytes', title: 'Gateway memory' },
      { id: 'pg-activity.active', unit: 'connections', title: 'Active connections' },
      { id: 'host.steal_percent', unit: '%', title: 'Steal' },
    ],
    rows,
  };
}
