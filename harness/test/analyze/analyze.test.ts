import { describe, expect, test } from 'vitest';
import { analyze } from '../../src/analyze/index.ts';
import { HarnessError } from '../../src/errors.ts';
import { buildResult } from '../build-result.ts';

describe('analyze', () => {
  test('is a pure function of the result: twice gives the same', () => {
    const result = buildResult({ rounds: 2 });
    expect(JSON.stringify(analyze(result))).toBe(JSON.stringify(analyze(structuredClone(result))));
  });

  test('compares the two subjects of an --against run in pairs', () => {
    const analysis = analyze(buildResult({ rounds: 5, subjects: ['current', 'reference'], flawed: false }));
    expect(analysis.comparison?.paired).toBe(true);
    expect(analysis.comparison?.before).toBe('main');
    expect(analysis.comparison?.rows.some((row) => row.status === 'regression')).toBe(false);
  });

  test.each([
    ['failed', 'POSTGRES_FAILED', 3],
    ['interrupted', 'INTERRUPTED', 130],
  ] as const)('of a run whose start %s tells of that alone', (status, code, exitCode) => {
    const baseline = buildResult({ id: 'before', rounds: 2 });
    const result = buildResult({ rounds: 2 });
    Object.assign(result, {
      ...{ status, failure: { code, message: code }, subjects: [], trials: [] },
      pinning: { pinned: false, gateway: [], load: [], others: [], note: 'nothing was started' },
    });
    for (const force of [false, true]) {
      const { comparison, verdict } = analyze(result, { baseline, force });
      expect(comparison).toBeNull();
      expect(verdict.exitCode).toBe(exitCode);
      expect(verdict.reasons.join()).not.toContain('COMPARISON_REFUSED');
    }
    result.plan.against = 'main';
    expect(analyze(result).verdict.exitCode).toBe(exitCode);
  });

  test('names what is wrong in the configuration of a damaged result', () => {
    const result = buildResult({ config: { gate: { alpha: 7 } } });
    expect(() => analyze(result)).toThrow(HarnessError);
    expect(() => analyze(result)).toThrow(/RESULT_INVALID.*results_light_20261120_134500 \/config \/gate\/alpha/);
  });

  test('catches 20 % more CPU per request against a kept baseline', () => {
    const baseline = buildResult({ id: 'before', rounds: 6, noise: 0.03, flawed: false });
    const result = buildResult({
      id: 'after',
      rounds: 6,
      noise: 0.03,
      flawed: false,
      behaviour: { current: { cpu: 1.25 } },
    });
    const { comparison, verdict } = analyze(result, { baseline, baselineName: 'main' });
    const regressed = comparison?.rows.filter((row) => row.status === 'regression').map((row) => row.metric);
    expect(new Set(regressed)).toEqual(new Set(['cpu.per_request']));
    expect(verdict).toMatchObject({ status: 'fail', exitCode: 1 });
    expect(verdict.reasons[0]).toMatch(/^regression: .*cpu\.per_request .* ms → .* ms \(\+\d+\.\d %, interval \+/);
  });
});
