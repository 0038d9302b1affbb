// Learns the noise of a figure from all scenarios that have it (moderated t, Smyth 2004): five rounds alone say little about their own spread.
import { digamma, inverseTrigamma, trigamma } from './gamma.ts';
import type { RatioEstimate } from './ratio.ts';

/** Fewer scenarios than this tell too little about how the noise differs between scenarios. */
const MINIMUM_GROUP = 4;

/**
 * Independence is itself estimated from few rounds: a quarter of it is used. With all of it, five
 * pairs alarmed in 8 % of A/A gates instead of 5 %; a quarter costs next to no power (docs/statistics.md).
 */
const TRUST = 0.25;

/**
 * Estimates of one metric over several scenarios, each with its variance drawn towards what the others show, and with the degrees of
 * freedom that this is worth. Two cautions beyond Smyth:
 * - a variance is never made smaller than the scenario's own: one that met an outlier keeps its doubt;
 * - scenarios that move together (they share a round's mood) count as few: see `independentShare`.
 */
export function moderate(estimates: RatioEstimate[]): RatioEstimate[] {
  if (estimates.length < MINIMUM_GROUP) return estimates;
  const prior = fitPrior(estimates);
  const independent = 1 + (estimates.length - 1) * independentShare(estimates);
  return estimates.map((estimate) => {
    const own = estimate.degreesOfFreedom;
    const borrowed = Math.min(prior.degreesOfFreedom, TRUST * own * (independent - 1));
    const mixed = (borrowed * prior.variance + own * estimate.variance) / (borrowed + own);
    return { ...estimate, variance: Math.max(estimate.variance, mixed), degreesOfFreedom: own + borrowed };
  });
}

/** Scaled inverse χ² prior of the variances by moments of their logarithms (Smyth 2004, section 6.2). */
function fitPrior(estimates: RatioEstimate[]): { variance: number; degreesOfFreedom: number } {
  const centred = estimates.map(({ variance, degreesOfFreedom }) => {
    const half = degreesOfFreedom / 2;
    return { value: Math.log(variance) - digamma(half) + Math.log(half), expected: trigamma(half) };
  });
  const count = centred.length;
  const average = centred.reduce((sum, { value }) => sum + value, 0) / count;
  const seen = centred.reduce((sum, { value }) => sum + (value - average) ** 2, 0) / (count - 1);
  const excess = seen - centred.reduce((sum, { expected }) => sum + expected, 0) / count;
  if (excess <= 0) return { variance: Math.exp(average), degreesOfFreedom: Number.POSITIVE_INFINITY };
  const half = inverseTrigamma(excess);
  return { variance: Math.exp(average + digamma(half) - Math.log(half)), degreesOfFreedom: 2 * half };
}

/**
 * How independent the scenarios are, 0…1: one minus the mean squared correlation of their residuals, less what chance gives (1 / degrees).
 * Scenarios whose rounds cannot be laid side by side say nothing; when none can, nothing is borrowed.
 */
function independentShare(estimates: RatioEstimate[]): number {
  let sum = 0;
  let pairs = 0;
  for (const [index, one] of estimates.entries()) {
    for (const other of estimates.slice(index + 1)) {
      if (one.residuals.length !== other.residuals.length || one.residuals.length < 3) continue;
      const chance = 1 / Math.max(2, Math.min(one.degreesOfFreedom, other.degreesOfFreedom));
      sum += (squaredCorrelation(one.residuals, other.residuals) - chance) / (1 - chance);
      pairs += 1;
    }
  }
  if (pairs === 0) return 0;
  const shared = Math.min(1, Math.max(0, sum / pairs));
  // Variance of a mean of k equally correlated things: (1 + (k − 1) ρ²) / k, so k of them are worth k / (1 + (k − 1) ρ²).
  const worth = estimates.length / (1 + (estimates.length - 1) * shared);
  return (worth - 1) / (estimates.length - 1);
}

function squaredCorrelation(one: readonly number[], other: readonly number[]): number {
  let product = 0;
  let squares = 0;
  let otherSquares = 0;
  for (const [index, value] of one.entries()) {
    const beside = other[index] ?? 0;
    product += value * beside;
    squares += value * value;
    otherSquares += beside * beside;
  }
  return squares === 0 || otherSquares === 0 ? 1 : (product * product) / (squares * otherSquares);
}
