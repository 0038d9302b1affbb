// Holm's step-down correction (Holm 1979): holds the family-wise error under any dependence between the tests.

export interface Corrected {
  /** Compare this with alpha. */
  adjusted: number;
  /** The error that this test's own interval may have: the interval excludes "no change" exactly when Holm rejects it. */
  level: number;
}

/** In the order given. After the first test that is not rejected, all larger p-values keep that step's level. */
export function holm(pValues: readonly number[], alpha: number): Corrected[] {
  const order = pValues.map((p, index) => ({ p, index })).sort((a, b) => a.p - b.p);
  const corrected: Corrected[] = pValues.map(() => ({ adjusted: 1, level: alpha }));
  let running = 0;
  let stoppedAt: number | null = null;
  for (const [rank, { p, index }] of order.entries()) {
    const level: number = stoppedAt ?? alpha / (pValues.length - rank);
    running = Math.min(1, Math.max(running, p * (pValues.length - rank)));
    if (running > alpha) stoppedAt = level;
    corrected[index] = { adjusted: running, level };
  }
  return corrected;
}
