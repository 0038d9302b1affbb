// Series for the time axis: picked, put on seconds since the start of the run, and thinned to what a screen can show.
import type { SubjectName } from '../plan/plan.ts';
import type { RunResult, Series, TrialResult } from '../result/result.ts';
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

export function tookTurns({ plan }: Pick<RunResult, 'plan'>, trial: TrialResult): boolean {
  return plan.trials.some(({ id, turnSeconds }) => id === trial.id && turnSeconds !== null);
}

/**
 * What the drivers counted in each second of each trial of one build, with a break between trials. A trial in turns has one rate, that of
 * its own turns, all along: how many of them fall into a second changes by half from one second to the next.
 */
export function loadSeries(
  result: Pick<RunResult, 'plan' | 'trials' | 'startedAtMs'>,
  subject: SubjectName,
): { succeeded: Point[]; failed: Point[]; p50: Point[]; p95: Point[] } {
  const all: { succeeded: Point[]; failed: Point[]; p50: Point[]; p95: Point[] } = {
    succeeded: [],
    failed: [],
    p50: [],
    p95: [],
  };
  for (const trial of result.trials) {
    const { load, endedAtMs } = trial;
    if (trial.subject !== subject || load === null || load.perSecond.length === 0) continue;
    const start = (load.startedAtMs - result.startedAtMs) / 1000;
    const inTurns = endedAtMs !== null && tookTurns(result, trial);
    // The seconds are those of the clock; the duration of a load in turns is that of its turns alone.
    const spanSeconds = inTurns ? (endedAtMs - load.startedAtMs) / 1000 : load.durationSeconds;
    if (inTurns) {
      for (const at of [toThree(start), toThree(start + spanSeconds)]) {
        all.succeeded.push([at, toThree(load.succeeded / load.durationSeconds)]);
        all.failed.push([at, toThree(load.failed / load.durationSeconds)]);
      }
    }
    for (const second of load.perSecond) {
      // The middle of the second that was counted; a last, shorter second is scaled up to a rate.
      const length = Math.min(1, Math.max(0.1, spanSeconds - second.second));
      const at = toThree(start + second.second + length / 2);
      if (!inTurns) {
        all.succeeded.push([at, toThree(second.succeeded / length)]);
        all.failed.push([at, toThree(second.failed / length)]);
      }
      all.p50.push([at, second.p50Ms === null ? null : toThree(second.p50Ms)]);
      all.p95.push([at, second.p95Ms === null ? null : toThree(second.p95Ms)]);
    }
    const end = toThree(start + spanSeconds + 0.01);
    for (const points of Object.values(all)) points.push([end, null]);
  }
  return all;
}
