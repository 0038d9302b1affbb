// The seeded bootstrap. Rounds are resampled, never requests: requests of one round share its luck (Field & Welsh 2007).
import type { Random } from '../../random.ts';

/** Enough that the Monte Carlo error of a standard error is about 2 % (1 / √(2B)). */
export const RESAMPLES = 1000;

/** HDR histograms keep three digits: two rounds that agree better than this agree by rounding. */
const RESOLUTION = 0.0005;

export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * Variance of one round, from the bootstrap distribution of the mean of `rounds`: n × Var*(mean), times n / (n − 1) because resampling
 * n values from n underestimates by exactly that (Efron & Tibshirani 1993, section 5.3), which is 25 % at five rounds.
 */
export function bootstrapVariance(rounds: readonly number[], random: Random, resamples = RESAMPLES): number {
  const n = rounds.length;
  if (n < 2) throw new Error(`a bootstrap over rounds needs two of them, got ${n}`);
  // Differences to the first value: exact when all rounds are alike, and no cancellation in the squares.
  const origin = rounds[0] ?? 0;
  let sum = 0;
  let squares = 0;
  for (let resample = 0; resample < resamples; resample++) {
    let total = 0;
    for (let draw = 0; draw < n; draw++) total += (rounds[Math.floor(random() * n)] ?? 0) - origin;
    const average = total / n;
    sum += average;
    squares += average * average;
  }
  const variance = squares / resamples - (sum / resamples) ** 2;
  return Math.max(RESOLUTION ** 2, (variance * n * n) / (n - 1));
}
