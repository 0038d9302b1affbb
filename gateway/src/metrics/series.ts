// Counts and durations as plain numbers: what the request path pays is a few comparisons, and no allocation.

/** Upper bounds of the duration buckets, seconds. */
export const durationBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Counts and durations under one set of labels. */
export interface Series {
  labels: Record<string, string>;
  count: number;
  sumSeconds: number;
  /** Not cumulative; the last one is beyond all bounds. */
  buckets: Uint32Array;
}

export function createSeries(labels: Record<string, string>): Series {
  return { labels, count: 0, sumSeconds: 0, buckets: new Uint32Array(durationBuckets.length + 1) };
}

export function observe(series: Series, seconds: number): void {
  let at = 0;
  while (at < durationBuckets.length && seconds > (durationBuckets[at] as number)) at++;
  series.buckets[at] = (series.buckets[at] as number) + 1;
  series.count++;
  series.sumSeconds += seconds;
}

/** The series under `key`, made when it is new. */
export function seriesOf(table: Map<string, Series>, key: string, toLabels: () => Record<string, string>): Series {
  const known = table.get(key);
  if (known !== undefined) return known;
  const made = createSeries(toLabels());
  table.set(key, made);
  return made;
}
