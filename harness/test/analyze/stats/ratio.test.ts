import { describe, expect, test } from 'vitest';
import { simulate } from '../../../bench/statistics.ts';
import { bootstrapVariance } from '../../../src/analyze/stats/bootstrap.ts';
import { moderate } from '../../../src/analyze/stats/moderate.ts';
import { DEFAULT_ROUNDS, MINIMUM_ROUNDS, roundsFor, smallestVisiblePercent } from '../../../src/analyze/stats/power.ts';
import { pairedRatio, ratioInterval, ratioP, unpairedRatio } from '../../../src/analyze/stats/ratio.ts';
import { createRandom } from '../../../src/random.ts';
import { normal } from '../../build-result.ts';

const before = [1, 1.02, 0.97, 1.05, 0.99];

describe('the ratio of rounds', () => {
  test('has a bootstrap variance that agrees with the sample variance, small samples included', () => {
    const mean = before.reduce((sum, value) => sum + value, 0) / 5;
    const variance = before.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 4;
    expect(bootstrapVariance(before, createRandom(1), 20_000) / variance).toBeCloseTo(1, 1);
  });

  test('is the same for the same seed', () => {
    const estimate = (seed: number) => unpairedRatio(before, [1.2, 1.1, 1.15, 1.3, 1.22], createRandom(seed));
    expect(estimate(3)).toEqual(estimate(3));
    expect(estimate(3).variance).not.toBe(estimate(4).variance);
  });

  test('cancels in pairs what both sides share', () => {
    const mood = [1, 1.5, 0.8, 1.3, 0.7];
    const one = mood.map((value) => value * 10);
    const other = mood.map((value, index) => value * 11 * (before[index] ?? 1));
    const paired = pairedRatio(one, other, createRandom(1));
    const unpaired = unpairedRatio(one, other, createRandom(1));
    expect(paired.variance * paired.scale).toBeLessThan((unpaired.variance * unpaired.scale) / 10);
  });

  test('has an interval that excludes 1 exactly when its p-value is below the level', () => {
    const estimate = pairedRatio(
      before,
      before.map((value, index) => value * (1.04 + index / 100)),
      createRandom(1),
    );
    const p = ratioP(estimate);
    expect(ratioInterval(estimate, p * 1.01)[0]).toBeGreaterThan(1);
    expect(ratioInterval(estimate, p * 0.99)[0]).toBeLessThan(1);
  });

  test('does not call rounds that agree to the last digit certain', () => {
    const estimate = pairedRatio([2, 2, 2, 2, 2], [2.0004, 2.0004, 2.0004, 2.0004, 2.0004], createRandom(1));
    expect(ratioP(estimate)).toBeGreaterThan(0.05);
  });
});

describe('moderated variances', () => {
  const random = createRandom(5);
  const rows = (shared: boolean) =>
    Array.from({ length: 12 }, () => 0).map(() => {
      const mood = createRandom(99);
      return pairedRatio(
        [1, 1, 1, 1, 1, 1],
        Array.from({ length: 6 }, () => Math.exp(0.05 * normal(shared ? mood : random))),
        createRandom(1),
      );
    });

  test('gain degrees of freedom from independent scenarios and never shrink a scenario’s own doubt', () => {
    const estimates = rows(false);
    for (const [index, estimate] of moderate(estimates).entries()) {
      expect(estimate.degreesOfFreedom).toBeGreaterThan(7);
      expect(estimate.variance).toBeGreaterThanOrEqual(estimates[index]?.variance ?? 0);
    }
  });

  test('gain nothing from scenarios that move as one', () => {
    for (const estimate of moderate(rows(true))) expect(estimate.degreesOfFreedom).toBeLessThan(5.5);
  });

  test('leave a few scenarios as they are', () => {
    const few = rows(false).slice(0, 3);
    expect(moderate(few)).toEqual(few);
  });
});

describe('rounds', () => {
  const request = { noise: 0.05, thresholdPercent: 10, comparisons: 70, alpha: 0.05 };

  test('are never fewer than five and grow with noise, comparisons and separate runs', () => {
    expect(roundsFor({ ...request, noise: 0.001 })).toBe(MINIMUM_ROUNDS);
    expect(roundsFor({ ...request, noise: 0.08 })).toBeGreaterThan(roundsFor(request));
    expect(roundsFor({ ...request, paired: false })).toBeGreaterThan(roundsFor(request));
    expect(roundsFor({ ...request, comparisons: 1 })).toBeLessThan(roundsFor(request));
  });

  test('are five of builds that take turns, and more of separate runs, whose noise nothing cancels', () => {
    expect(DEFAULT_ROUNDS).toEqual({ paired: MINIMUM_ROUNDS, separate: 14 });
  });

  test('show a smaller change the more there are', () => {
    const visible = (rounds: number) => {
      const random = createRandom(2);
      const values = Array.from({ length: rounds }, () => Math.exp(0.05 * normal(random)));
      return smallestVisiblePercent(
        pairedRatio(
          values.map(() => 1),
          values,
          random,
        ),
        0.001,
        10,
      );
    };
    expect(visible(16)).toBeLessThan(visible(5));
    expect(visible(16)).toBeGreaterThan(10);
  });
});

// The full tables: harness/bench/statistics.ts and docs/statistics.md. 60 gates: 5 % ± 2.8 %, so 9 alarms would be far out.
describe('a gate of 64 tests', () => {
  const family = { scenarios: 16, metrics: 4, thresholdPercent: 10, gates: 60, seed: 31, paired: true };

  test.each(['normal', 'log-normal', 'outliers', 'shared'] as const)(
    'keeps its family-wise error without a change under %s noise of 10 % at five rounds',
    (noise) => {
      expect(simulate({ ...family, noise, variation: 0.1, rounds: 5, change: 0 }).alarms * 60).toBeLessThanOrEqual(8);
    },
  );

  test('catches +20 % in nearly every gate at five pairs with 8 % noise', () => {
    const outcome = simulate({ ...family, noise: 'log-normal', variation: 0.08, rounds: 5, change: 0.2, gates: 30 });
    expect(outcome.caught).toBe(1);
    expect(outcome.power).toBeGreaterThan(0.4);
  });
});
