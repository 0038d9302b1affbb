// Fisher's exact test of two failure counts: errors are few, and few is where other tests fail.
import { logGamma } from './gamma.ts';

/** Two-sided p-value: all tables with the same margins that are at most as likely as the one seen. Counts are integers ≥ 0. */
export function fisherExact(
  failedBefore: number,
  totalBefore: number,
  failedAfter: number,
  totalAfter: number,
): number {
  const failed = failedBefore + failedAfter;
  const total = totalBefore + totalAfter;
  const lowest = Math.max(0, failed - totalBefore);
  const highest = Math.min(failed, totalAfter);
  const logProbability = (after: number): number =>
    logChoose(totalAfter, after) + logChoose(totalBefore, failed - after) - logChoose(total, failed);
  // Ties in exact arithmetic must count although floating point parts them.
  const limit = logProbability(failedAfter) + 1e-7;
  let p = 0;
  for (let after = lowest; after <= highest; after++) {
    const log = logProbability(after);
    if (log <= limit) p += Math.exp(log);
  }
  return Math.min(1, p);
}

function logChoose(n: number, k: number): number {
  return logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1);
}
