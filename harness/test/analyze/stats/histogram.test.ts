import { build, encodeIntoCompressedBase64 } from 'hdr-histogram-js';
import { describe, expect, test } from 'vitest';
import { mean, percentile, percentileInterval, poolSamples, toSamples } from '../../../src/analyze/stats/histogram.ts';
import { createRandom } from '../../../src/random.ts';
import { logNormalHistogram } from '../../build-result.ts';

function latencyOf(valuesMs: number[], lost = 0) {
  const histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 3_600_000_000,
    numberOfSignificantValueDigits: 3,
  });
  for (const value of valuesMs) histogram.recordValue(value * 1000);
  return { histogram: encodeIntoCompressedBase64(histogram), count: valuesMs.length, lost };
}

const oneToHundred = Array.from({ length: 100 }, (_, index) => index + 1);

describe('percentiles', () => {
  test('are the sample of the nearest rank', () => {
    const samples = toSamples(latencyOf(oneToHundred));
    expect(percentile(samples, 0.5)).toBeCloseTo(50, 0);
    expect(percentile(samples, 0.95)).toBeCloseTo(95, 0);
    expect(percentile(samples, 0.99)).toBeCloseTo(99, 0);
  });

  test('count lost samples above every measured one', () => {
    const samples = toSamples(latencyOf(oneToHundred, 100));
    expect(percentile(samples, 0.25)).toBeCloseTo(50, 0);
    expect(percentile(samples, 0.5)).toBeCloseTo(100, 0);
    expect(percentile(samples, 0.51)).toBeNull();
    expect(mean(samples)).toBeNull();
  });

  test('of rounds together are those of the pooled samples, whatever the histograms’ ranges', () => {
    const pooled = poolSamples([latencyOf([1, 2]), latencyOf([3000, 4000], 1)]);
    expect(pooled).toMatchObject({ count: 4, lost: 1 });
    expect(percentile(pooled, 0.8)).toBeGreaterThan(3990);
    expect(percentile(pooled, 0.9)).toBeNull();
  });

  test('have an order-statistic interval that is open where the samples end', () => {
    const [low, high] = percentileInterval(toSamples(latencyOf(oneToHundred)), 0.99);
    expect(low).toBeLessThan(99);
    expect(high).toBeNull();
  });

  test('have an interval that holds the true percentile in 95 % of trials', () => {
    const random = createRandom(11);
    const truth = 5 * Math.exp(0.45 * 1.6448536);
    let covered = 0;
    for (let trial = 0; trial < 200; trial++) {
      const latency = { histogram: logNormalHistogram(random, 5, 500), count: 500, lost: 0 };
      const [low, high] = percentileInterval(toSamples(latency), 0.95);
      if ((low ?? 0) <= truth * 1.001 && (high ?? Infinity) >= truth * 0.999) covered += 1;
    }
    expect(covered).toBeGreaterThanOrEqual(182);
    expect(covered).toBeLessThan(200);
  });

  test('of a damaged histogram are a clear error', () => {
    expect(() => toSamples({ histogram: 'nonsense', count: 1, lost: 0 })).toThrow(/RESULT_INVALID/);
  });
});
