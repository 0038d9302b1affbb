// The gateway's overhead: a percentile through the gateway minus the same percentile directly, same requests, same rate, open loop.
import { type MetricId, metricIds, metrics } from '../metrics.ts';
import type { SubjectName } from '../plan/plan.ts';
import type { Scenario } from '../plan/scenario.ts';
import { createRandom, deriveSeed, type Random } from '../random.ts';
import type { RunResult } from '../result/result.ts';
import type { Overhead } from './analysis.ts';
import { hasLoad, isValid, type LoadedTrial, trialsOf } from './read-metric.ts';
import { bootstrapVariance, meanOf } from './stats/bootstrap.ts';
import { percentile, percentileInterval, poolSamples } from './stats/histogram.ts';
import { twoSidedQuantile } from './stats/student.ts';

const ALPHA = 0.05;

/** One entry per scenario with a partner and subject, when both ran validly under the open load. */
export function readOverheads(result: RunResult, scenarios: Scenario[]): Overhead[] {
  return scenarios.flatMap((scenario) => {
    const direct = scenario.pairedWith;
    if (direct === undefined) return [];
    return result.subjects.flatMap(({ name }) => {
      const pairs = pairRounds(result, scenario.id, direct, name);
      return pairs.length === 0
        ? []
        : [{ scenario: scenario.id, direct, subject: name, rows: rowsOf(pairs, result, scenario.id) }];
    });
  });
}

interface Pair {
  gateway: LoadedTrial;
  direct: LoadedTrial;
}

/** The MCP servers have no builds: their trials, whatever subject they are filed under, serve both. */
function pairRounds(result: RunResult, gateway: string, direct: string, subject: SubjectName): Pair[] {
  const directly = result.trials.filter((trial) => trial.scenario === direct && trial.loop === 'open');
  return trialsOf(result, gateway, subject, 'open').flatMap((trial) => {
    const partner = directly.find((other) => other.round === trial.round);
    if (
      partner === undefined ||
      !hasLoad(trial) ||
      !hasLoad(partner) ||
      !isValid(trial, 'latency') ||
      !isValid(partner, 'latency')
    )
      return [];
    return [{ gateway: trial, direct: partner }];
  });
}

function rowsOf(pairs: Pair[], result: RunResult, scenario: string): Overhead['rows'] {
  return metricIds.flatMap((id) => {
    const { reading } = metrics[id];
    if (reading.from !== 'paired-difference') return [];
    return [rowOf(id, reading.fraction, pairs, createRandom(deriveSeed(result.plan.seed, 'overhead', scenario, id)))];
  });
}

function rowOf(metric: MetricId, fraction: number, pairs: Pair[], random: Random): Overhead['rows'][number] {
  const gateway = poolSamples(pairs.map((pair) => pair.gateway.load.latency));
  const direct = poolSamples(pairs.map((pair) => pair.direct.load.latency));
  const gatewayMs = percentile(gateway, fraction);
  const directMs = percentile(direct, fraction);
  if (gatewayMs === null || directMs === null) {
    return { metric, gatewayMs, directMs, differenceMs: null, interval: null };
  }
  const differenceMs = gatewayMs - directMs;
  const reach = pairs.length > 1 ? roundsReach(pairs, fraction, random) : null;
  const interval: [number, number] | null =
    pairs.length > 1
      ? reach === null
        ? null
        : [differenceMs - reach, differenceMs + reach]
      : combine(
          differenceMs,
          gatewayMs,
          directMs,
          percentileInterval(gateway, fraction),
          percentileInterval(direct, fraction),
        );
  return { metric, gatewayMs, directMs, differenceMs, interval };
}

/** Half the width over rounds: bootstrap standard error of the rounds' differences × Student's quantile. */
function roundsReach(pairs: Pair[], fraction: number, random: Random): number | null {
  const differences = pairs.flatMap((pair) => {
    const through = percentile(poolSamples([pair.gateway.load.latency]), fraction);
    const directly = percentile(poolSamples([pair.direct.load.latency]), fraction);
    return through === null || directly === null ? [] : [through - directly];
  });
  if (differences.length < pairs.length) return null;
  const typical = Math.max(Math.abs(meanOf(differences)), 1e-3);
  const error =
    typical *
    Math.sqrt(
      bootstrapVariance(
        differences.map((each) => each / typical),
        random,
      ) / differences.length,
    );
  return twoSidedQuantile(ALPHA, differences.length - 1) * error;
}

/**
 * One round: the two percentiles' own intervals, combined as independent errors (MOVER: Zou & Donner 2008), which keeps their skew.
 * Null when an end lies beyond the samples.
 */
function combine(
  difference: number,
  gateway: number,
  direct: number,
  ofGateway: [number | null, number | null],
  ofDirect: [number | null, number | null],
): [number, number] | null {
  const [gatewayLow, gatewayHigh] = ofGateway;
  const [directLow, directHigh] = ofDirect;
  if (gatewayLow === null || gatewayHigh === null || directLow === null || directHigh === null) return null;
  return [
    difference - Math.hypot(gateway - gatewayLow, directHigh - direct),
    difference + Math.hypot(gatewayHigh - gateway, direct - directLow),
  ];
}
