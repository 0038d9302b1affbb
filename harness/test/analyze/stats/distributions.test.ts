import { describe, expect, test } from 'vitest';
import { binomialAtMost, incompleteBeta } from '../../../src/analyze/stats/beta.ts';
import { fisherExact } from '../../../src/analyze/stats/fisher.ts';
import { digamma, inverseTrigamma, logGamma, trigamma } from '../../../src/analyze/stats/gamma.ts';
import { holm } from '../../../src/analyze/stats/holm.ts';
import { oneSidedQuantile, twoSidedP, twoSidedQuantile } from '../../../src/analyze/stats/student.ts';

describe('distributions', () => {
  test('the gamma family has its known values', () => {
    expect(logGamma(10)).toBeCloseTo(Math.log(362_880), 10);
    expect(logGamma(0.5)).toBeCloseTo(Math.log(Math.sqrt(Math.PI)), 10);
    expect(digamma(1)).toBeCloseTo(-0.5772156649, 8);
    expect(trigamma(1)).toBeCloseTo(Math.PI ** 2 / 6, 7);
    expect(trigamma(inverseTrigamma(0.37))).toBeCloseTo(0.37, 8);
  });

  test('the incomplete beta function has its closed forms', () => {
    expect(incompleteBeta(0.3, 1, 1)).toBeCloseTo(0.3, 12);
    expect(incompleteBeta(0.3, 2, 1)).toBeCloseTo(0.09, 12);
    expect(incompleteBeta(0.9, 1, 3)).toBeCloseTo(1 - 0.1 ** 3, 12);
  });

  test('a binomial tail is the sum of its terms', () => {
    expect(binomialAtMost(1, 4, 0.5)).toBeCloseTo(5 / 16, 12);
    expect(binomialAtMost(-1, 4, 0.5)).toBe(0);
    expect(binomialAtMost(4, 4, 0.5)).toBe(1);
  });

  test('Student’s quantiles are those of the tables, far tails included', () => {
    expect(twoSidedQuantile(0.05, 4)).toBeCloseTo(2.776445, 5);
    expect(twoSidedQuantile(0.001, 4)).toBeCloseTo(8.610302, 5);
    expect(twoSidedQuantile(0.05, 1e6)).toBeCloseTo(1.959966, 4);
    expect(oneSidedQuantile(0.8, 9)).toBeCloseTo(0.883404, 5);
    expect(twoSidedP(twoSidedQuantile(0.0007, 7), 7)).toBeCloseTo(0.0007, 10);
  });

  test('Fisher’s test agrees with the tea tasting and sees no difference in equal counts', () => {
    expect(fisherExact(1, 4, 3, 4)).toBeCloseTo(34 / 70, 8);
    expect(fisherExact(5, 1000, 5, 1000)).toBeCloseTo(1, 6);
    expect(fisherExact(0, 1000, 20, 1000)).toBeLessThan(1e-5);
  });

  test('Holm multiplies by what is left and stays monotone', () => {
    const corrected = holm([0.04, 0.01, 0.03, 0.005], 0.05);
    expect(corrected.map(({ adjusted }) => Number(adjusted.toFixed(6)))).toEqual([0.06, 0.03, 0.06, 0.02]);
  });

  test('a test’s own level rejects exactly what Holm rejects', () => {
    const pValues = [0.04, 0.01, 0.03, 0.005, 0.2];
    for (const [index, { adjusted, level }] of holm(pValues, 0.05).entries()) {
      expect((pValues[index] ?? 1) <= level).toBe(adjusted <= 0.05);
    }
  });
});
