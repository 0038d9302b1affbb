// SLOs of the measured build: a latency under the open load, a throughput under the closed one, errors over all loops.
import { formatFigure, type Metric, metricOf } from '../metrics.ts';
import type { Scenario } from '../plan/scenario.ts';
import type { RunResult, TrialResult } from '../result/result.ts';
import type { Figure, Overhead, SloResult } from './analysis.ts';
import {
  answersOf,
  failedChecks,
  generatorChecks,
  hasLoad,
  invalidReason,
  isValid,
  readValue,
  samplesOf,
  trialsOf,
} from './read-metric.ts';

/** Of `current`, in the order of scenarios and of their SLOs. Scenarios on the MCP servers are filed under `current` too. */
export function judgeSlos(
  result: RunResult,
  scenarios: Scenario[],
  figures: Figure[],
  overheads: Overhead[],
): SloResult[] {
  return scenarios.flatMap((scenario) =>
    Object.entries(scenario.slos).map(([id, target]) => {
      const metric = metricOf(id, `scenarios/${scenario.id}.yaml /slos/${id}`);
      const common = { scenario: scenario.id, metric: id, unit: metric.unit, target };
      const partners = metric.reading.from === 'paired-difference' ? [scenario.pairedWith] : [];
      const blocked =
        errorsInInvalid(result, scenario, id, metric, target) ??
        provedAtLeast(result, scenario, metric, target) ??
        blockedBy(result, scenario, metric, partners);
      if (blocked !== null) return { ...common, ...blocked };
      const value =
        metric.reading.from === 'paired-difference'
          ? overheadOf(overheads, scenario.id, id)
          : figures.find((each) => each.scenario === scenario.id && each.subject === 'current' && each.metric === id)
              ?.value;
      return { ...common, ...judge(id, metric, target, value, samplesUsed(result, scenario, metric)) };
    }),
  );
}

function overheadOf(overheads: Overhead[], scenario: string, metric: string): number | null | undefined {
  const overhead = overheads.find((each) => each.scenario === scenario && each.subject === 'current');
  return overhead?.rows.find((row) => row.metric === metric)?.differenceMs;
}

function samplesUsed(result: RunResult, scenario: Scenario, metric: Metric): number {
  const trials = trialsOf(result, scenario.id, 'current', metric.loop).filter(hasLoad);
  const valid = trials.filter((trial) => invalidReason(trial, metric.kind) === null);
  return samplesOf(metric, valid);
}

type Judgement = Pick<SloResult, 'actual' | 'marginPercent' | 'status' | 'reason'>;

function judge(
  id: string,
  metric: Metric,
  target: number,
  value: number | null | undefined,
  samples: number,
): Judgement {
  if (value === undefined) {
    return { actual: null, marginPercent: null, status: 'not-judged', reason: 'this run did not measure it' };
  }
  // Errors are counts of everything that was due: one wrong answer where none is allowed is enough, however few were sent.
  if (samples < metric.minimumSamples) {
    return { actual: value, marginPercent: null, status: 'not-judged', reason: tooFew(metric, samples) };
  }
  if (value === null) {
    const reason = `${metric.title} lies among the lost samples (time-outs, broken connections, dropped requests)`;
    return { actual: null, marginPercent: null, status: 'missed', reason };
  }
  const room = metric.better === 'lower' ? target - value : value - target;
  // "p95 < 5 ms" and "≥ 1,000 rps" as the source writes them; an error rate may equal its limit, or 0 % could never be met.
  const met = metric.better === 'lower' && metric.kind !== 'error' ? room > 0 : room >= 0;
  return {
    actual: value,
    marginPercent: target === 0 ? null : (100 * room) / target,
    status: met ? 'met' : 'missed',
    reason: met ? null : `${formatFigure(id, value)}, target ${formatFigure(id, target)}`,
  };
}

function tooFew(metric: Metric, samples: number): string {
  return `${samples} samples, ${metric.title} needs ${metric.minimumSamples}`;
}

/** Why an SLO cannot be judged at all: a trial that it needs did not run, or none of its rounds is valid. */
function blockedBy(
  result: RunResult,
  scenario: Scenario,
  metric: Metric,
  partners: (string | undefined)[],
): Judgement | null {
  const open = { actual: null, marginPercent: null };
  if (metric.loop !== null && !scenario.load[metric.loop]) {
    return { ...open, status: 'not-judged', reason: `the scenario has no ${metric.loop} load` };
  }
  for (const id of [scenario.id, ...partners]) {
    if (id === undefined)
      return { ...open, status: 'not-judged', reason: 'the scenario names no partner (pairedWith)' };
    const trials = trialsOf(result, id, 'current', metric.loop);
    if (trials.length === 0) {
      const why = result.plan.scenarios.includes(id)
        ? 'had not run when the run ended'
        : 'is not among the scenarios of this run';
      return { ...open, status: 'not-run', reason: `${id} ${why}` };
    }
    const ran = trials.filter(hasLoad);
    // Errors are summed over all loops: each of them must have run.
    const missing = metric.loop === null ? missingLoop(trials) : ran.length === 0 ? trials[0] : undefined;
    if (missing !== undefined) {
      return {
        ...open,
        status: 'not-run',
        reason: `${id}, ${missing.loop} loop: ${missing.reason ?? 'it did not run'}`,
      };
    }
    // A profile that is too small to judge it anyway is not to be blamed on an invalid trial.
    const samples = samplesOf(metric, ran);
    if (samples < metric.minimumSamples) return { ...open, status: 'not-judged', reason: tooFew(metric, samples) };
    const invalid = ran.find((trial) => !ran.some((other) => other.loop === trial.loop && isValid(other, metric.kind)));
    if (invalid !== undefined) {
      return {
        ...open,
        status: 'invalid',
        reason: `${id}, ${invalid.loop} loop: ${invalidReason(invalid, metric.kind)}`,
      };
    }
  }
  return null;
}

function missingLoop(trials: TrialResult[]): TrialResult | undefined {
  return trials.find((trial) => !trials.some((other) => other.loop === trial.loop && hasLoad(other)));
}

/**
 * A generator at its own limit makes the throughput a lower bound, and so the trial invalid; but a bound that is above the
 * target proves the target.
 */
function provedAtLeast(result: RunResult, scenario: Scenario, metric: Metric, target: number): Judgement | null {
  if (metric.kind !== 'throughput') return null;
  const ran = trialsOf(result, scenario.id, 'current', metric.loop).filter(hasLoad);
  if (ran.some((trial) => isValid(trial, 'throughput'))) return null;
  const bounds = ran.filter((trial) => failedChecks(trial).every((check) => generatorChecks.includes(check.id)));
  const value = readValue(metric, bounds);
  if (bounds.length === 0 || samplesOf(metric, bounds) < metric.minimumSamples) return null;
  if (value === null || value === undefined || value < target) return null;
  const reason = 'at least so much: the generator was at its own limit';
  return { actual: value, marginPercent: (100 * (value - target)) / target, status: 'met', reason };
}

/**
 * A trial may be invalid because the gateway failed: its wrong answers still break the error SLO. What the generator itself dropped
 * does not count here.
 */
function errorsInInvalid(
  result: RunResult,
  scenario: Scenario,
  id: string,
  metric: Metric,
  target: number,
): Judgement | null {
  if (metric.kind !== 'error') return null;
  const ran = trialsOf(result, scenario.id, 'current', null).filter(hasLoad);
  if (ran.every((trial) => isValid(trial, metric.kind))) return null;
  const { failed, total } = answersOf(ran);
  const rate = total > 0 ? failed / total : 0;
  if (rate <= target) return null;
  const marginPercent = target === 0 ? null : (100 * (target - rate)) / target;
  return {
    actual: rate,
    marginPercent,
    status: 'missed',
    reason: `${formatFigure(id, rate)}, target ${formatFigure(id, target)}`,
  };
}
