// Corrects all tests of a comparison together and says of each row what it means.
import type { ComparisonRow } from './analysis.ts';
import { fisherExact } from './stats/fisher.ts';
import { type Corrected, holm } from './stats/holm.ts';
import { moderate } from './stats/moderate.ts';
import { smallestVisiblePercent } from './stats/power.ts';
import { type RatioEstimate, ratioInterval, ratioP } from './stats/ratio.ts';
import type { ErrorCounts, TestedRow } from './test-row.ts';

/** Rows in their order, with p-values, intervals, and a status each. */
export function decideRows(rows: TestedRow[], alpha: number): ComparisonRow[] {
  const estimates = moderateByMetric(rows);
  const pValues = rows.map((row) => {
    const estimate = estimates.get(row);
    if (estimate !== undefined) return ratioP(estimate);
    if (row.test !== 'errors') return null;
    const { failedBefore, totalBefore, failedAfter, totalAfter } = row.counts;
    return fisherExact(failedBefore, totalBefore, failedAfter, totalAfter);
  });
  const tested = pValues.flatMap((p) => (p === null ? [] : [p]));
  const corrected = holm(tested, alpha);
  let next = 0;
  return rows.map((row, index) => {
    const pValue = pValues[index] ?? null;
    const correction = pValue === null ? undefined : corrected[next++];
    const estimate = estimates.get(row);
    if (row.test === 'ratio' && estimate !== undefined && correction !== undefined && pValue !== null) {
      return decideRatio(row, estimate, { pValue, correction, alpha, tests: tested.length });
    }
    if (row.test === 'errors' && correction !== undefined && pValue !== null) {
      return decideErrors(row, row.counts, { pValue, correction, alpha, tests: tested.length });
    }
    return { ...row.seen, ...untested, status: 'not-compared', reason: row.test === 'none' ? row.reason : null };
  });
}

const untested = { interval: null, pValue: null, pAdjusted: null, smallestVisiblePercent: null } as const;

function moderateByMetric(rows: TestedRow[]): Map<TestedRow, RatioEstimate> {
  const byMetric = new Map<string, { row: TestedRow; estimate: RatioEstimate }[]>();
  for (const row of rows) {
    if (row.test !== 'ratio') continue;
    const group = byMetric.get(row.seen.metric) ?? [];
    group.push({ row, estimate: row.estimate });
    byMetric.set(row.seen.metric, group);
  }
  const result = new Map<TestedRow, RatioEstimate>();
  for (const group of byMetric.values()) {
    const moderated = moderate(group.map(({ estimate }) => estimate));
    for (const [index, { row, estimate }] of group.entries()) result.set(row, moderated[index] ?? estimate);
  }
  return result;
}

interface Tested {
  pValue: number;
  correction: Corrected;
  alpha: number;
  tests: number;
}

/** Significant and larger than the threshold counts; reaching beyond the threshold in the bad direction leaves it open. */
function decideRatio(row: TestedRow, estimate: RatioEstimate, tested: Tested): ComparisonRow {
  const { seen } = row;
  const interval = ratioInterval(estimate, tested.correction.level);
  const threshold = seen.thresholdPercent / 100;
  const ratio = Math.exp(estimate.logRatio);
  const significant = tested.correction.adjusted <= tested.alpha;
  const lowerIsBetter = seen.better === 'lower';
  const worse = lowerIsBetter ? ratio > 1 + threshold : ratio < 1 - threshold;
  const better = lowerIsBetter ? ratio < 1 - threshold : ratio > 1 + threshold;
  const mayBeWorse = lowerIsBetter ? interval[1] > 1 + threshold : interval[0] < 1 - threshold;
  const status =
    significant && worse
      ? 'regression'
      : significant && better
        ? 'improvement'
        : mayBeWorse
          ? 'undecided'
          : 'no-change';
  const visible = smallestVisiblePercent(estimate, tested.alpha / tested.tests, seen.thresholdPercent);
  return {
    ...seen,
    ratio,
    interval,
    pValue: tested.pValue,
    pAdjusted: tested.correction.adjusted,
    smallestVisiblePercent: visible,
    status,
    reason:
      status === 'undecided'
        ? `the interval reaches beyond the threshold of ${seen.thresholdPercent} %: only a change of ${visible.toFixed(0)} % was sure to be seen; more rounds decide it`
        : null,
  };
}

/**
 * From none, any error counts: a load that never failed and now fails has changed in kind. From some, the rise has to be more than
 * chance (Fisher's exact test after Holm), but may be of any size.
 */
function decideErrors(row: TestedRow, counts: ErrorCounts, tested: Tested): ComparisonRow {
  const { failedBefore, totalBefore, failedAfter, totalAfter } = counts;
  const significant = tested.correction.adjusted <= tested.alpha;
  const rises = failedAfter * totalBefore > failedBefore * totalAfter;
  const falls = failedAfter * totalBefore < failedBefore * totalAfter;
  const fromNone = failedBefore === 0 && failedAfter > 0;
  const status =
    fromNone || (significant && rises)
      ? 'regression'
      : significant && falls
        ? 'improvement'
        : rises
          ? 'undecided'
          : 'no-change';
  return {
    ...row.seen,
    interval: null,
    pValue: tested.pValue,
    pAdjusted: tested.correction.adjusted,
    smallestVisiblePercent: smallestVisibleRise(counts, tested.alpha / tested.tests),
    status,
    reason:
      failedBefore === 0 && failedAfter === 0
        ? null
        : `${failedBefore} of ${totalBefore} requests failed before, ${failedAfter} of ${totalAfter} after`,
  };
}

/** Rise of the error rate (%) that Fisher's test would have found significant; null from none, where a single error counts. */
function smallestVisibleRise({ failedBefore, totalBefore, totalAfter }: ErrorCounts, level: number): number | null {
  if (failedBefore === 0) return null;
  const start = Math.floor((failedBefore * totalAfter) / totalBefore);
  let low = start;
  let high = totalAfter;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (fisherExact(failedBefore, totalBefore, middle, totalAfter) <= level) high = middle;
    else low = middle;
  }
  return 100 * (high / totalAfter / (failedBefore / totalBefore) - 1);
}
