import { describe, expect, test } from 'vitest';
import { analyze } from '../../src/analyze/index.ts';
import { createRandom } from '../../src/random.ts';
import { createContext } from '../../src/report/context.ts';
import { percentileOf, poolLatencies, toCurve } from '../../src/report/distribution.ts';
import {
  formatAdaptive,
  formatBytes,
  formatChange,
  formatDuration,
  formatInterval,
  formatMetric,
  formatTarget,
  formatWithUnit,
} from '../../src/report/format.ts';
import { timelineSection } from '../../src/report/sections/timeline.ts';
import { loadSeries, thin } from '../../src/report/series.ts';
import { buildResult, logNormalHistogram } from '../build-result.ts';

describe('numbers', () => {
  test('get as many digits as matter', () => {
    expect(formatAdaptive(0.6, 2)).toBe('0.60');
    expect(formatAdaptive(12.34, 2)).toBe('12.3');
    expect(formatAdaptive(145.6, 2)).toBe('146');
    expect(formatAdaptive(0, 2)).toBe('0.00');
  });

  test('follow the decimals and unit of their metric', () => {
    expect(formatWithUnit('cpu.per_request', 0.4821)).toBe('0.482 ms');
    expect(formatWithUnit('throughput', 12345.6)).toBe('12,346 requests/s');
    expect(formatWithUnit('errors.rate', 0.0012)).toBe('0.12 %');
    expect(formatMetric('latency.p99', null)).toBe('lost');
    expect(formatTarget('latency.p95', 30)).toBe('30 ms');
  });

  test('show an interval end beyond the samples as unknown', () => {
    expect(formatInterval('latency.p95', [3.9, null])).toBe('3.90 – ?');
    expect(formatInterval('latency.p95', null)).toBe('');
  });

  test('sign changes and call a rounded nothing neither up nor down', () => {
    expect(formatChange(1.229)).toBe('+22.9 %');
    expect(formatChange(0.96)).toBe('−4.0 %');
    expect(formatChange(1.0001)).toBe('±0.0 %');
    expect(formatChange(null)).toBe('–');
  });

  test('become bytes and durations that people read', () => {
    expect(formatBytes(92_400_000)).toBe('92.4 MB');
    expect(formatBytes(0)).toBe('0 B');
    expect(formatDuration(192)).toBe('3 min 12 s');
    expect(formatDuration(3840)).toBe('1 h 04 min');
  });
});

describe('distributions', () => {
  const latency = (lost: number) => ({
    histogram: logNormalHistogram(createRandom(3), 4, 1000),
    count: 1000,
    lost,
  });

  test('put lost samples above every measured one', () => {
    const pooled = poolLatencies([latency(0), latency(30)]);
    if (pooled === undefined) throw new Error('nothing was pooled');
    expect(pooled.total).toBe(2030);
    expect(percentileOf(pooled, 0.5)).toBeGreaterThan(3.5);
    expect(percentileOf(pooled, 0.99)).toBeNull();
  });

  test('rise and end where too few samples lie beyond', () => {
    const pooled = poolLatencies([latency(0)]);
    const curve = pooled === undefined ? [] : toCurve(pooled);
    expect(Math.max(...curve.map(([nines]) => nines))).toBe(2);
    expect(curve.map(([, value]) => value)).toEqual(curve.map(([, value]) => value).sort((one, other) => one - other));
  });

  test('of nothing are nothing', () => {
    expect(poolLatencies([])).toBeUndefined();
  });
});

describe('series', () => {
  test('keep their peak when thinned', () => {
    const points = Array.from({ length: 5000 }, (_, second): [number, number | null] => [
      second,
      second === 3333 ? 99 : 1,
    ]);
    const kept = thin(points, 500);
    expect(kept.length).toBeLessThanOrEqual(500);
    expect(kept).toContainEqual([3333, 99]);
  });

  test('break between trials, so that no line is drawn through a pause', () => {
    const { succeeded } = loadSeries(buildResult({ scenarios: ['health'], flawed: false }), 'current');
    expect(succeeded.filter(([, value]) => value === null)).toHaveLength(2);
  });

  test('of a trial in turns show the rate of its own turns, up to the end of the last one', () => {
    const result = buildResult({ scenarios: ['health'], subjects: ['current', 'reference'], flawed: false });
    const trial = result.trials.find(({ id }) => id === 'health.closed.current.r1');
    if (trial?.load == null) throw new Error('no trial');
    // As one was seen: 2 s of its own turns within 3.86 s, two or three turns in each second.
    const perSecond = [6306, 5326, 7183, 5412].map((succeeded, second) => ({
      ...{ second, succeeded, failed: 0, p50Ms: 1, p95Ms: 2 },
    }));
    Object.assign(trial.load, { durationSeconds: 2, succeeded: 24_227, perSecond });
    trial.endedAtMs = trial.load.startedAtMs + 3860;
    const start = (trial.load.startedAtMs - result.startedAtMs) / 1000;
    const { succeeded, failed, p50 } = loadSeries({ ...result, trials: [trial] }, 'current');
    expect(succeeded.map(([, value]) => value)).toEqual([12_113.5, 12_113.5, null]);
    expect(succeeded.map(([at]) => at - start)).toEqual([0, expect.closeTo(3.86), expect.closeTo(3.87)]);
    expect(failed.map(([, value]) => value)).toEqual([0, 0, null]);
    expect(p50.map(([at]) => at - start)).toEqual([0.5, 1.5, 2.5, 3.43, 3.87].map((at) => expect.closeTo(at)));
    expect(loadSeries({ ...result, trials: [trial] }, 'reference').succeeded).toEqual([]);
  });

  test('have one band for two builds that took turns, and one for each trial otherwise', () => {
    const result = buildResult({ scenarios: ['health'], subjects: ['current', 'reference'], flawed: false });
    const { blocks } = timelineSection(createContext(analyze(result)));
    const labels = [...JSON.stringify(blocks).matchAll(/"label":"[^"]*, (\w+ loop, [^"]*)"/g)].map(
      ([, label]) => label,
    );
    expect(labels).toEqual(['open loop, current', 'open loop, reference', 'closed loop, both builds']);
  });
});
