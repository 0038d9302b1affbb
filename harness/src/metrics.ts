// Every figure that we state: its unit, which way is better, under which loop it is judged and how it is read from a trial.
// SLO names in scenarios and the names in `gate.metrics` are keys of this table. Reading itself is in analyze/figures.ts.
import { HarnessError } from './errors.ts';

/** Which threshold of the gate applies to a change of this figure. */
export type MetricKind = 'latency' | 'throughput' | 'cpu' | 'error' | 'memory';

/** How a figure is read from the trials of its loop. */
export type Reading =
  | { from: 'percentile'; fraction: number }
  | { from: 'max' }
  | { from: 'mean' }
  | { from: 'throughput' }
  | { from: 'failed-fraction' }
  | { from: 'cpu-per-request' }
  | { from: 'rss' }
  | { from: 'paired-difference'; fraction: number };

export interface Metric {
  title: string;
  unit: 'ms' | 'requests/s' | '%' | 'MB';
  better: 'lower' | 'higher';
  /** The loop it is judged under; null: all loops of the scenario together. */
  loop: 'open' | 'closed' | null;
  kind: MetricKind;
  decimals: number;
  reading: Reading;
  /** Fewer samples than this and the figure is shown, but not judged. */
  minimumSamples: number;
  /** How it was read, for the reader of a report. */
  source: string;
}

/** A percentile needs this many samples beyond it, or the few slowest requests decide alone (issue 3, "Scenarios and SLOs"). */
export const SAMPLES_BEYOND_PERCENTILE = 10;

/** A closed load of fewer requests is over in a fraction of a second: one garbage collection decides its rate. */
const MINIMUM_REQUESTS = 500;

/** Rounded against floating point: 10 / (1 − 0.99) is 1000.0000000000009. */
function samplesFor(fraction: number): number {
  return Math.ceil(Math.round((SAMPLES_BEYOND_PERCENTILE / (1 - fraction)) * 1e6) / 1e6);
}

function openPercentile(name: string, fraction: number): Metric {
  return {
    title: `Latency ${name}`,
    unit: 'ms',
    better: 'lower',
    loop: 'open',
    kind: 'latency',
    decimals: 2,
    reading: { from: 'percentile', fraction },
    minimumSamples: samplesFor(fraction),
    source:
      'open loop, from the intended start of each request; time-outs and dropped requests stand above all samples',
  };
}

function servicePercentile(name: string, fraction: number): Metric {
  return {
    title: `Service time ${name}`,
    unit: 'ms',
    better: 'lower',
    loop: 'closed',
    kind: 'latency',
    decimals: 2,
    reading: { from: 'percentile', fraction },
    minimumSamples: samplesFor(fraction),
    source: 'closed loop, from the send of each request; hides waiting, so it is no user’s latency',
  };
}

function overheadPercentile(name: string, fraction: number): Metric {
  return {
    title: `Gateway overhead ${name}`,
    unit: 'ms',
    better: 'lower',
    loop: 'open',
    kind: 'latency',
    decimals: 2,
    reading: { from: 'paired-difference', fraction },
    minimumSamples: samplesFor(fraction),
    source: 'open loop: the percentile through the gateway minus the same percentile directly, same requests and rate',
  };
}

export const metrics = {
  'latency.p50': openPercentile('p50', 0.5),
  'latency.p75': openPercentile('p75', 0.75),
  'latency.p90': openPercentile('p90', 0.9),
  'latency.p95': openPercentile('p95', 0.95),
  'latency.p99': openPercentile('p99', 0.99),
  'latency.p999': openPercentile('p99.9', 0.999),
  'latency.max': { ...openPercentile('maximum', 0.5), reading: { from: 'max' }, minimumSamples: 1 },
  'latency.mean': { ...openPercentile('mean', 0.5), reading: { from: 'mean' }, minimumSamples: 20 },
  'service.p50': servicePercentile('p50', 0.5),
  'service.p95': servicePercentile('p95', 0.95),
  'service.p99': servicePercentile('p99', 0.99),
  throughput: {
    title: 'Throughput',
    unit: 'requests/s',
    better: 'higher',
    loop: 'closed',
    kind: 'throughput',
    decimals: 0,
    reading: { from: 'throughput' },
    minimumSamples: MINIMUM_REQUESTS,
    source: 'closed loop: correct answers per second, first send to last answer',
  },
  'errors.rate': {
    title: 'Error rate',
    unit: '%',
    better: 'lower',
    loop: null,
    kind: 'error',
    decimals: 3,
    reading: { from: 'failed-fraction' },
    minimumSamples: 1,
    source: 'all loops: failed (wrong status or body, time-out, broken connection, dropped) ÷ all requests due',
  },
  'cpu.per_request': {
    title: 'Gateway CPU per request',
    unit: 'ms',
    better: 'lower',
    loop: 'closed',
    kind: 'cpu',
    decimals: 3,
    reading: { from: 'cpu-per-request' },
    minimumSamples: MINIMUM_REQUESTS,
    source: 'closed loop: CPU time of all gateway processes ÷ requests',
  },
  'memory.rss': {
    title: 'Gateway memory (RSS)',
    unit: 'MB',
    better: 'lower',
    loop: null,
    kind: 'memory',
    decimals: 1,
    reading: { from: 'rss' },
    minimumSamples: 1,
    source: 'resident memory of all gateway processes at the end of the trial',
  },
  'overhead.p50': overheadPercentile('p50', 0.5),
  'overhead.p95': overheadPercentile('p95', 0.95),
  'overhead.p99': overheadPercentile('p99', 0.99),
} as const satisfies Record<string, Metric>;

export type MetricId = keyof typeof metrics;

export const metricIds = Object.keys(metrics) as MetricId[];

export function isMetricId(id: string): id is MetricId {
  return Object.hasOwn(metrics, id);
}

/** @throws SCENARIO_INVALID, naming `where` and every metric there is */
export function metricOf(id: string, where: string): Metric {
  if (isMetricId(id)) return metrics[id];
  throw new HarnessError('SCENARIO_INVALID', {
    detail: `${where} names no metric, got '${id}'`,
    hint: `there are: ${metricIds.join(', ')}`,
  });
}

/**
 * Checks the names in the gate's configuration: a misspelt one would compare nothing, or leave the gate blind without a word.
 * @throws CONFIG_INVALID with one line per fault
 */
export function checkGateMetrics(gate: { metrics: string[]; mustDecide: string[] }): void {
  const faults = [
    ...gate.metrics.filter((id) => !isMetricId(id)).map((id) => `/gate/metrics: '${id}' is no metric`),
    ...gate.mustDecide
      .filter((id) => !gate.metrics.includes(id))
      .map((id) => `/gate/mustDecide: '${id}' is not among /gate/metrics`),
  ];
  if (faults.length === 0) return;
  throw new HarnessError('CONFIG_INVALID', { detail: faults.join('\n'), hint: `there are: ${metricIds.join(', ')}` });
}

/**
 * Checks the SLO names of all scenarios at once.
 * @throws SCENARIO_INVALID with one line per unknown name
 */
export function checkSloNames(scenarios: { id: string; slos: Record<string, number> }[]): void {
  const faults = scenarios.flatMap((scenario) =>
    Object.keys(scenario.slos)
      .filter((id) => !isMetricId(id))
      .map((id) => `scenarios/${scenario.id}.yaml /slos/${id} names no metric`),
  );
  if (faults.length > 0) {
    throw new HarnessError('SCENARIO_INVALID', {
      detail: faults.join('\n'),
      hint: `there are: ${metricIds.join(', ')}`,
    });
  }
}

/** "12.34 ms", "0.1 %", "1,234 requests/s". Error rates are fractions inside and per cent for the reader. */
export function formatFigure(id: string, value: number): string {
  const metric = metricOf(id, 'a figure');
  const shown = metric.unit === '%' ? value * 100 : value;
  const text = shown.toLocaleString('en-US', { maximumFractionDigits: metric.decimals });
  return `${text} ${metric.unit}`;
}
