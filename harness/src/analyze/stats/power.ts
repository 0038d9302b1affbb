// What a comparison can see, and how many rounds it takes.
import { type RatioEstimate, standardError } from './ratio.ts';
import { oneSidedQuantile, twoSidedQuantile } from './student.ts';

const POWER = 0.8;

/**
 * The smallest change (%) that would have been counted with 80 % probability: its estimate has to exceed both the significance limit at
 * error `alpha` and the threshold, and lies below the truth by less than t(0.8) standard errors in four cases of five.
 */
export function smallestVisiblePercent(estimate: RatioEstimate, alpha: number, thresholdPercent: number): number {
  const error = standardError(estimate);
  const significance = twoSidedQuantile(alpha, estimate.degreesOfFreedom) * error;
  const limit = Math.max(significance, Math.log1p(thresholdPercent / 100));
  return 100 * Math.expm1(limit + oneSidedQuantile(POWER, estimate.degreesOfFreedom) * error);
}

export interface RoundsRequest {
  /** Coefficient of variation: of one pair's ratio when paired, of one round otherwise. 0.05 is 5 %. */
  noise: number;
  thresholdPercent: number;
  /** How many rows are tested together (Holm). */
  comparisons: number;
  alpha: number;
  /** Interleaved pairs of one run, or two separate runs. */
  paired?: boolean;
  /** Scenarios that have the same metric and so share what they know about its noise; 1 for a scenario alone. */
  scenarios?: number;
}

/** Nothing is learnt about noise from fewer (issue 3). */
export const MINIMUM_ROUNDS = 5;
const MAXIMUM_ROUNDS = 100;

/**
 * Rounds per side until a true change of the threshold's size is significant with 80 % power after Holm's first, hardest step; at least
 * MINIMUM_ROUNDS, at most 100.
 */
export function roundsFor(request: RoundsRequest): number {
  const { noise, thresholdPercent, comparisons, alpha, paired = true, scenarios = 1 } = request;
  const wanted = Math.log1p(thresholdPercent / 100);
  for (let rounds = MINIMUM_ROUNDS; rounds < MAXIMUM_ROUNDS; rounds++) {
    const degrees = (paired ? rounds - 1 : 2 * (rounds - 1)) * scenarios;
    const error = noise * Math.sqrt((paired ? 1 : 2) / rounds);
    const needed = twoSidedQuantile(alpha / comparisons, degrees) + oneSidedQuantile(POWER, degrees);
    if (needed * error <= wanted) return rounds;
  }
  return MAXIMUM_ROUNDS;
}

/**
 * Noise of CPU per request, the figure that the gate must decide, as identical builds showed it on the shared 2-core build machine.
 * `paired`: of one pair that takes turns (root mean square of ten scenarios' series; docs/statistics.md). `separate`: of one round of one
 * side (6 to 15 %).
 */
export const EXPECTED_NOISE = { paired: 0.04, separate: 0.11 };

/** 14 scenarios on the gateway, 5 metrics each. */
const usual = { comparisons: 70, alpha: 0.05, scenarios: 7 };

/**
 * Rounds of a run that is kept or compared, when nobody says. `paired` (`--against`): so many that the default threshold of 10 % would be
 * seen. `separate` (`--baseline`, `--compare-with`): that would take 48 rounds, so as many as show twice the threshold, of which the gate
 * must not be blind. What the machine did differently between the two runs no number of rounds takes out: on a shared one, trust
 * `--against` below +30 %.
 */
export const DEFAULT_ROUNDS = {
  paired: roundsFor({ ...usual, noise: EXPECTED_NOISE.paired, thresholdPercent: 10 }),
  separate: roundsFor({ ...usual, noise: EXPECTED_NOISE.separate, thresholdPercent: 20, paired: false }),
};
