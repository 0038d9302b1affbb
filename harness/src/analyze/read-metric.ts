// Reads one metric from trials of one scenario and subject: `readValue` of a single trial, or of all of them pooled.
import { type Metric, type MetricId, type MetricKind, metrics } from '../metrics.ts';
import type { Loop } from '../plan/plan.ts';
import type { LoadResult, RunResult, TrialResult } from '../result/result.ts';
import { maximum, mean, percentile, poolSamples } from './stats/histogram.ts';

/** A trial that ran. */
export interface LoadedTrial extends TrialResult {
  load: LoadResult;
}

export function hasLoad(trial: TrialResult): trial is LoadedTrial {
  return trial.status === 'ran' && trial.load !== null;
}

/** Checks of when requests left and answers came: a late clock makes no answer right or wrong. */
const clockChecks = ['schedule-lag', 'intended-starts', 'generator-ceiling', 'generator-cpu', 'steal'];
/** A generator at its limit offers less; what the gateway spends on each request is the same. */
export const generatorChecks = ['generator-ceiling', 'generator-cpu'];
const irrelevant: Partial<Record<MetricKind, string[]>> = { error: clockChecks, cpu: generatorChecks };

/** The fatal checks that the trial failed. */
export function failedChecks(trial: TrialResult) {
  return trial.validity?.checks.filter((check) => check.fatal && !check.passed) ?? [];
}

/** Whether a figure of this kind may be read from the trial. */
export function isValid(trial: TrialResult, kind: MetricKind): boolean {
  return hasLoad(trial) && invalidReason(trial, kind) === null;
}

/** The failed fatal checks that matter to this kind of figure, in words; null for a valid trial. */
export function invalidReason(trial: TrialResult, kind: MetricKind): string | null {
  if (!hasLoad(trial)) return null;
  if (trial.validity?.verdict === 'valid') return null;
  const all = failedChecks(trial);
  if (all.length === 0) return 'its validity was not judged';
  const failed = all.filter((check) => !(irrelevant[kind] ?? []).includes(check.id));
  if (failed.length === 0) return null;
  return failed.map((check) => `${check.id}: ${check.seen}, expected ${check.expected}`).join('; ');
}

export function trialsOf(result: RunResult, scenario: string, subject: string, loop: Loop | null): TrialResult[] {
  return result.trials.filter(
    (trial) => trial.scenario === scenario && trial.subject === subject && (loop === null || trial.loop === loop),
  );
}

/** Requests that were due: sent, or dropped by the generator before they could be. */
export function dueRequests(load: LoadResult): number {
  return load.succeeded + load.failed;
}

/** Requests that were really made, and how many of them failed. */
export function answersOf(trials: LoadedTrial[]): { failed: number; total: number } {
  let failed = 0;
  let total = 0;
  for (const { load } of trials) {
    const dropped = load.errors.reduce((sum, error) => sum + (error.kind === 'dropped' ? error.count : 0), 0);
    failed += load.failed - dropped;
    total += dueRequests(load) - dropped;
  }
  return { failed, total };
}

const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);

/** How many samples the metric has in these trials. */
export function samplesOf(metric: Metric, trials: LoadedTrial[]): number {
  switch (metric.reading.from) {
    case 'percentile':
    case 'max':
    case 'mean':
    case 'paired-difference':
      return sum(trials.map(({ load }) => load.latency.count + load.latency.lost));
    case 'rss':
      return trials.filter((trial) => trial.usage !== null).length;
    case 'cpu-per-request':
      return sum(trials.filter((trial) => trial.usage !== null).map(({ load }) => dueRequests(load)));
    default:
      return sum(trials.map(({ load }) => dueRequests(load)));
  }
}

/**
 * The metric over these trials as one. Undefined: it cannot be read from them (no latency samples, no gateway of ours to watch, or it
 * needs a partner). Null: it lies among the lost samples.
 */
export function readValue(metric: Metric, trials: LoadedTrial[]): number | null | undefined {
  if (trials.length === 0) return undefined;
  const { reading } = metric;
  const due = sum(trials.map(({ load }) => dueRequests(load)));
  switch (reading.from) {
    case 'percentile':
    case 'max':
    case 'mean': {
      const samples = poolSamples(trials.map(({ load }) => load.latency));
      if (samples.count + samples.lost === 0) return undefined;
      if (reading.from === 'max') return maximum(samples);
      return reading.from === 'mean' ? mean(samples) : percentile(samples, reading.fraction);
    }
    case 'throughput': {
      const seconds = sum(trials.map(({ load }) => load.durationSeconds));
      return seconds > 0 ? sum(trials.map(({ load }) => load.succeeded)) / seconds : undefined;
    }
    case 'failed-fraction':
      return due > 0 ? sum(trials.map(({ load }) => load.failed)) / due : undefined;
    case 'cpu-per-request': {
      const watched = trials.filter((trial) => trial.usage !== null);
      const answered = sum(watched.map(({ load }) => dueRequests(load)));
      if (answered === 0) return undefined;
      return (1000 * sum(watched.map((trial) => trial.usage?.cpuSeconds ?? 0))) / answered;
    }
    case 'rss': {
      const sizes = trials.flatMap((trial) => (trial.usage === null ? [] : [trial.usage.rssBytes / 1e6]));
      return sizes.length > 0 ? Math.max(...sizes) : undefined;
    }
    case 'paired-difference':
      return undefined;
  }
}

/** The same by the metric's id. */
export function readMetricOf(id: MetricId, trials: LoadedTrial[]): number | null | undefined {
  return readValue(metrics[id], trials);
}
