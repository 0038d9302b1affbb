// Every figure of a result: the metric over all rounds of a scenario and subject, with interval, sample count and source.
import { type MetricId, type MetricKind, metricIds, metrics } from '../metrics.ts';
import type { SubjectName } from '../plan/plan.ts';
import type { Scenario } from '../plan/scenario.ts';
import { createRandom, deriveSeed } from '../random.ts';
import type { RunResult, TrialResult } from '../result/result.ts';
import type { Figure } from './analysis.ts';
import { hasLoad, invalidReason, type LoadedTrial, readValue, samplesOf, trialsOf } from './read-metric.ts';
import { bootstrapVariance } from './stats/bootstrap.ts';
import { percentileInterval, poolSamples } from './stats/histogram.ts';
import { twoSidedQuantile } from './stats/student.ts';

const ALPHA = 0.05;

/** Figures in the order of scenarios, subjects and the metric table. What cannot be read at all (no trial ran) is left out. */
export function readFigures(result: RunResult, scenarios: Scenario[]): Figure[] {
  return scenarios.flatMap((scenario) =>
    result.subjects.flatMap((subject) =>
      metricIds.flatMap((id) => {
        const figure = readFigure(result, scenario, subject.name, id);
        return figure === null ? [] : [figure];
      }),
    ),
  );
}

/**
 * Percentiles pool the samples of all rounds; throughput and CPU per request pool requests and time, so longer rounds weigh more.
 * Invalid rounds are left out when a valid one is there; otherwise their figure is stated, marked as not valid.
 */
function readFigure(result: RunResult, scenario: Scenario, subject: SubjectName, id: MetricId): Figure | null {
  const metric = metrics[id];
  const ran = trialsOf(result, scenario.id, subject, metric.loop).filter(hasLoad);
  const valid = ran.filter((trial) => invalidReason(trial, metric.kind) === null);
  const used = valid.length > 0 ? valid : ran;
  const value = readValue(metric, used);
  if (value === undefined) return null;
  const reasons = ran.flatMap((trial) => describeInvalid(trial, metric.kind, ran.length));
  return {
    scenario: scenario.id,
    subject,
    metric: id,
    loop: metric.loop,
    unit: metric.unit,
    value,
    interval: intervalOf(id, used, value, result.plan.seed),
    samples: samplesOf(metric, used),
    rounds: new Set(used.map((trial) => trial.round)).size,
    source: sourceOf(id, used),
    valid: valid.length > 0,
    reason: reasons.length > 0 ? [...new Set(reasons)].join('; ') : null,
  };
}

function describeInvalid(trial: TrialResult, kind: MetricKind, rounds: number): string[] {
  const reason = invalidReason(trial, kind);
  if (reason === null) return [];
  return [rounds > 1 ? `${trial.loop} loop, round ${trial.round} left out: ${reason}` : reason];
}

/** One round: order statistics, for p50, p95 and p99. Several: the bootstrap over rounds with Student's quantile. */
function intervalOf(id: MetricId, trials: LoadedTrial[], value: number | null, seed: number): Figure['interval'] {
  const metric = metrics[id];
  if (metric.kind === 'error' || metric.kind === 'memory' || value === null) return null;
  if (trials.length === 1) {
    if (metric.reading.from !== 'percentile') return null;
    return percentileInterval(poolSamples(trials.map(({ load }) => load.latency)), metric.reading.fraction, 1 - ALPHA);
  }
  const rounds = trials.map((trial) => readValue(metric, [trial]));
  const logs = rounds.flatMap((round) => (typeof round === 'number' && round > 0 ? [Math.log(round)] : []));
  if (logs.length < rounds.length || value <= 0) return null;
  const random = createRandom(deriveSeed(seed, 'figure', id, trials[0]?.id ?? ''));
  const error = Math.sqrt(bootstrapVariance(logs, random) / logs.length);
  const reach = twoSidedQuantile(ALPHA, logs.length - 1) * error;
  return [value * Math.exp(-reach), value * Math.exp(reach)];
}

function sourceOf(id: MetricId, trials: LoadedTrial[]): string {
  const engines = [...new Set(trials.map(({ load }) => load.engine))].join(' and ');
  const rates = [...new Set(trials.flatMap(({ load }) => (load.offeredRate === null ? [] : [load.offeredRate])))];
  const rate = rates.length === 1 && metrics[id].loop === 'open' ? ` at ${rates[0]}/s` : '';
  const cpu = id === 'cpu.per_request' ? `; ${trials[0]?.usage?.cpuSource ?? ''}` : '';
  return `${engines}${rate}: ${metrics[id].source}${cpu}`;
}
