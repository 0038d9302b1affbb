// One row of a comparison before the family of tests is corrected: what was seen on both sides, and how sure it is.
import { metricOf } from '../metrics.ts';
import type { PerfConfig } from '../plan/config.ts';
import type { SubjectName } from '../plan/plan.ts';
import type { Scenario } from '../plan/scenario.ts';
import { createRandom, deriveSeed } from '../random.ts';
import type { RunResult } from '../result/result.ts';
import type { ComparisonRow } from './analysis.ts';
import { answersOf, hasLoad, isValid, type LoadedTrial, readValue, samplesOf, trialsOf } from './read-metric.ts';
import { meanOf } from './stats/bootstrap.ts';
import { pairedRatio, type RatioEstimate, unpairedRatio } from './stats/ratio.ts';

/** One side of a comparison. */
export interface Side {
  result: RunResult;
  subject: SubjectName;
}

export interface ErrorCounts {
  failedBefore: number;
  totalBefore: number;
  failedAfter: number;
  totalAfter: number;
}

type Seen = Pick<
  ComparisonRow,
  'scenario' | 'metric' | 'unit' | 'better' | 'before' | 'after' | 'ratio' | 'thresholdPercent' | 'rounds'
>;

/** `ratio`: judged by its rounds; `errors`: judged by counts; `none`: not compared, because of `reason`. */
export type TestedRow = { seen: Seen } & (
  | { test: 'ratio'; estimate: RatioEstimate }
  | { test: 'errors'; counts: ErrorCounts }
  | { test: 'none'; reason: string }
);

/** Empty when the metric does not apply to the scenario (it has no such loop, or nobody could measure it on either side). */
export function testRow(
  scenario: Scenario,
  metricId: string,
  before: Side,
  after: Side,
  gate: PerfConfig['gate'],
  paired: boolean,
): TestedRow[] {
  const metric = metricOf(metricId, 'gate.metrics');
  if (metric.loop !== null && !scenario.load[metric.loop]) return [];
  if (metric.reading.from === 'paired-difference' && scenario.pairedWith === undefined) return [];
  const sides = [before, after].map((side) => trialsOf(side.result, scenario.id, side.subject, metric.loop));
  const [beforeTrials = [], afterTrials = []] = sides;
  const seen: Seen = {
    scenario: scenario.id,
    metric: metricId,
    unit: metric.unit,
    better: metric.better,
    before: null,
    after: null,
    ratio: null,
    thresholdPercent: thresholdOf(metric.kind, gate),
    rounds: [0, 0],
  };
  if (metric.kind === 'error') {
    return [countErrors(seen, beforeTrials.filter(hasLoad), afterTrials.filter(hasLoad))];
  }
  const used = sides.map((trials) => trials.filter(hasLoad).filter((trial) => isValid(trial, metric.kind))) as [
    LoadedTrial[],
    LoadedTrial[],
  ];
  const rounds = used.map((trials) => roundsOf(metricId, trials)) as [
    Map<number, number | null>,
    Map<number, number | null>,
  ];
  const measured = sides.some((trials) =>
    trials.filter(hasLoad).some((trial) => readValue(metric, [trial]) !== undefined),
  );
  if (!measured && sides.every((trials) => trials.every(hasLoad))) return [];
  const common = [...rounds[0].keys()].filter((round) => rounds[1].has(round));
  const values = paired
    ? rounds.map((side) => common.map((round) => side.get(round) ?? null))
    : rounds.map((side) => [...side.values()]);
  const [was = [], is = []] = values;
  const counted: Seen = { ...seen, rounds: [was.length, is.length] };
  if (was.length < 2 || is.length < 2) {
    const reason = `valid rounds: ${was.length} before, ${is.length} after${paired ? ' in pairs' : ''}: at least 2 each are needed to know the noise`;
    return [{ seen: withMeans(counted, was, is), test: 'none', reason }];
  }
  const few = used.map((trials) => samplesOf(metric, trials)).find((samples) => samples < metric.minimumSamples);
  if (few !== undefined) {
    const reason = `${few} samples in all rounds of one side, ${metric.title} needs ${metric.minimumSamples}`;
    return [{ seen: withMeans(counted, was, is), test: 'none', reason }];
  }
  const full = withMeans(counted, was, is);
  if (full.before === null || full.after === null) {
    return [{ seen: full, test: 'none', reason: lostReason(metric.title, full.before === null, full.after === null) }];
  }
  const random = createRandom(deriveSeed(after.result.plan.seed, 'compare', scenario.id, metricId));
  const estimate = (paired ? pairedRatio : unpairedRatio)(was as number[], is as number[], random);
  return [{ seen: full, test: 'ratio', estimate }];
}

function thresholdOf(kind: string, gate: PerfConfig['gate']): number {
  if (kind === 'error') return 0;
  // Memory has no threshold of its own; like latency it is something that users' machines feel.
  return kind === 'cpu' || kind === 'throughput' ? gate.thresholdPercent[kind] : gate.thresholdPercent.latency;
}

/** Value by round, in the order of rounds; null among lost samples. Rounds in which it could not be read are left out. */
function roundsOf(metricId: string, trials: LoadedTrial[]): Map<number, number | null> {
  const metric = metricOf(metricId, 'gate.metrics');
  const byRound = new Map<number, LoadedTrial[]>();
  for (const trial of trials) byRound.set(trial.round, [...(byRound.get(trial.round) ?? []), trial]);
  const values = new Map<number, number | null>();
  for (const round of [...byRound.keys()].sort((a, b) => a - b)) {
    const value = readValue(metric, byRound.get(round) ?? []);
    // A logarithm needs a positive value; a throughput of 0 is a broken round and stands in the error count.
    if (value !== undefined) values.set(round, value !== null && value > 0 ? value : null);
  }
  return values;
}

/** Geometric means, so that after ÷ before is exactly the ratio that is tested. */
function withMeans(seen: Seen, was: (number | null)[], is: (number | null)[]): Seen {
  const [before, after] = [geometricMean(was), geometricMean(is)];
  return { ...seen, before, after, ratio: before === null || after === null ? null : after / before };
}

function geometricMean(values: (number | null)[]): number | null {
  const logs = values.flatMap((value) => (value === null ? [] : [Math.log(value)]));
  return logs.length < values.length || logs.length === 0 ? null : Math.exp(meanOf(logs));
}

function lostReason(title: string, before: boolean, after: boolean): string {
  const side = before && after ? 'on both sides' : before ? 'before' : 'after';
  return `${title} lies among the lost samples in some round ${side}: see the error rate`;
}

/** Errors are summed over all rounds and loops, valid or not; what the generator dropped is not the gateway's fault. */
function countErrors(seen: Seen, before: LoadedTrial[], after: LoadedTrial[]): TestedRow {
  const rounds: [number, number] = [countRounds(before), countRounds(after)];
  const [was, is] = [answersOf(before), answersOf(after)];
  if (was.total === 0 || is.total === 0) {
    return {
      seen: { ...seen, rounds },
      test: 'none',
      reason: `no request was made ${was.total === 0 ? 'before' : 'after'}`,
    };
  }
  const [rateBefore, rateAfter] = [was.failed / was.total, is.failed / is.total];
  return {
    seen: {
      ...seen,
      rounds,
      before: rateBefore,
      after: rateAfter,
      ratio: rateBefore > 0 ? rateAfter / rateBefore : null,
    },
    test: 'errors',
    counts: { failedBefore: was.failed, totalBefore: was.total, failedAfter: is.failed, totalAfter: is.total },
  };
}

function countRounds(trials: LoadedTrial[]): number {
  return new Set(trials.map((trial) => trial.round)).size;
}
