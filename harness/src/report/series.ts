// Series for the time axis: picked, put on seconds since the start of the run, and thinned to what a screen can show.
import type { Series, TrialResult } from '../result/result.ts';
import { toThree } from './distribution.ts';

export type SeriesColumn = Series['columns'][number] & { index: number };
/** [seconds since the start, value]; null breaks the line. */
export type Point = [number, number | null];

/** More points than this are not told apart at the width of a report. */
const MOST_POINTS = 500;

export function findColumns(series: Series, match: RegExp): SeriesColumn[] {
  return series.columns.flatMap((column, index) => (index > 0 && match.test(column.id) ? [{ ...column, index }] : []));
}

export function pointsOf(series: Series, column: SeriesColumn, startedAtMs: number, scale: number): Point[] {
  return series.rows.map((row) => {
    const value = row[column.index] ?? null;
    return [toThree(((row[0] ?? startedAtMs) - startedAtMs) / 1000), value === null ? null : toThree(value * scale)];
  });
}

/** Keeps the greatest value of each stretch, so that no peak is lost; a stretch without values breaks the line. */
export function thin(points: Point[], most = MOST_POINTS): Point[] {
  if (points.length <= most) return points;
  const size = Math.ceil(points.length / most);
  const thinned: Point[] = [];
  for (let from = 0; from < points.length; from += size) {
    const stretch = points.slice(from, from + size);
    const [first] = stretch;
    if (first === undefined) continue;
    thinned.push(
      stretch.reduce(
        (best, point) =>
          (point[1] ?? Number.NEGATIVE_INFINITY) > (best[1] ?? Number.NEGATIVE_INFINITY) ? point : best,
        first,
      ),
    );
  }
  return thinned;
}

/** What the drivers counted in each second of each trial, with a break between trials. */
export function loadSeries(
  trials: TrialResult[],
  startedAtMs: number,
): { succeeded: Point[]; failed: Point[]; p50: Point[]; p95: Point[] } {
  const all: { succeeded: Point[]; failed: Point[]; p50: Point[]; p95: Point[] } = {
    succeeded: [],
    failed: [],
    p50: [],
    p95: [],
  };
  for (const { load } of trials) {
    if (load === null || load.perSecond.length === 0) continue;
    const start = (load.startedAtMs - startedAtMs) / 1000;
    for (const second of load.perSecond) {
      // The middle of the second that was counted; a last, shorter second is scaled up to a rate.
      const length = Math.min(1, Math.max(0.1, load.durationSeconds - second.second));
      const at = toThree(start + second.second + length / 2);
      all.succeeded.push([at, toThree(second.succeeded / length)]);
      all.failed.push([at, toThree(second.failed / length)]);
      all.p50.push([at, second.p50Ms === null ? null : toThree(second.p50Ms)]);
      all.p95.push([at, second.p95Ms === null ? null : toThree(second.p95Ms)]);
    }
    const end = toThree(start + load.durationSeconds + 0.01);
    for (const points of Object.values(all)) points.push([end, null]);
  }
  return all;
}
