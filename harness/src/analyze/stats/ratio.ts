// The ratio after ÷ before of a figure, from its rounds. On the logarithm: noise is proportional, and ratios are symmetric there.
import type { Random } from '../../random.ts';
import { bootstrapVariance, meanOf } from './bootstrap.ts';
import { twoSidedP, twoSidedQuantile } from './student.ts';

/** log(after ÷ before) with its uncertainty: standard error² = `variance` × `scale`. */
export interface RatioEstimate {
  logRatio: number;
  /** Of one round (unpaired) or of one pair's log ratio. */
  variance: number;
  degreesOfFreedom: number;
  scale: number;
  /** What each round adds: deviations from the mean, in the order of rounds; tells whether figures move together. */
  residuals: number[];
}

/** Interleaved pairs: what both sides of a pair share, cancels. Lists are aligned by round, at least two long, positive. */
export function pairedRatio(before: readonly number[], after: readonly number[], random: Random): RatioEstimate {
  const ratios = after.map((value, index) => Math.log(value / (before[index] ?? Number.NaN)));
  const logRatio = meanOf(ratios);
  return {
    logRatio,
    variance: bootstrapVariance(ratios, random),
    degreesOfFreedom: ratios.length - 1,
    scale: 1 / ratios.length,
    residuals: ratios.map((value) => value - logRatio),
  };
}

/** Two independent sets of rounds; unequal variances allowed, with Welch's degrees of freedom (Welch 1947). */
export function unpairedRatio(before: readonly number[], after: readonly number[], random: Random): RatioEstimate {
  const sides = [before.map(Math.log), after.map(Math.log)] as const;
  const [meanBefore, meanAfter] = [meanOf(sides[0]), meanOf(sides[1])];
  const parts = sides.map((side) => ({
    variance: bootstrapVariance(side, random) / side.length,
    degrees: side.length - 1,
  }));
  const squaredError = parts.reduce((sum, part) => sum + part.variance, 0);
  const scale = 1 / before.length + 1 / after.length;
  return {
    logRatio: meanAfter - meanBefore,
    variance: squaredError / scale,
    degreesOfFreedom: squaredError ** 2 / parts.reduce((sum, part) => sum + part.variance ** 2 / part.degrees, 0),
    scale,
    residuals: [...sides[0].map((value) => value - meanBefore), ...sides[1].map((value) => value - meanAfter)],
  };
}

export function standardError(estimate: Pick<RatioEstimate, 'variance' | 'scale'>): number {
  return Math.sqrt(estimate.variance * estimate.scale);
}

/** Two-sided p-value of "the ratio is 1". */
export function ratioP(estimate: RatioEstimate): number {
  return twoSidedP(estimate.logRatio / standardError(estimate), estimate.degreesOfFreedom);
}

/** Interval of the ratio at error `alpha`: bootstrap standard error × Student's quantile. Excludes 1 exactly when ratioP < alpha. */
export function ratioInterval(estimate: RatioEstimate, alpha: number): [number, number] {
  const reach = twoSidedQuantile(alpha, estimate.degreesOfFreedom) * standardError(estimate);
  return [Math.exp(estimate.logRatio - reach), Math.exp(estimate.logRatio + reach)];
}
