import { describe, expect, test } from 'vitest';
import type { Comparison, ComparisonRow, SloResult } from '../../src/analyze/analysis.ts';
import { type GateInput, judgeGate } from '../../src/analyze/verdict.ts';
import { buildResult } from '../build-result.ts';

const clean = buildResult({ flawed: false, scenarios: ['health'] });

function slo(status: SloResult['status']): SloResult {
  return {
    scenario: 'health',
    metric: 'latency.p95',
    unit: 'ms',
    target: 5,
    actual: 7,
    marginPercent: -40,
    status,
    reason: status === 'met' ? null : '7 ms, target 5 ms',
  };
}

function comparisonOf(change: Partial<ComparisonRow>): Comparison {
  const row: ComparisonRow = {
    scenario: 'tools_list',
    metric: 'cpu.per_request',
    unit: 'ms',
    better: 'lower',
    before: 0.5,
    after: 0.61,
    ratio: 1.22,
    interval: [1.14, 1.3],
    pValue: 1e-5,
    pAdjusted: 7e-4,
    thresholdPercent: 10,
    smallestVisiblePercent: 14,
    rounds: [5, 5],
    status: 'regression',
    reason: null,
    ...change,
  };
  return { before: 'main', after: 'run', paired: true, alpha: 0.05, subject: [], mismatches: [], rows: [row] };
}

function judge(input: Partial<GateInput>) {
  return judgeGate({
    result: clean,
    slos: [slo('met')],
    findings: [],
    comparison: null,
    refused: null,
    mustDecide: ['cpu.per_request'],
    ...input,
  });
}

const withStatus = (status: 'interrupted' | 'failed', code: string) => ({
  ...clean,
  status,
  failure: { code, message: `${code}: it broke` },
});

describe('the verdict', () => {
  test('passes with what was judged', () => {
    expect(judge({})).toEqual({
      status: 'pass',
      exitCode: 0,
      reasons: ['all 1 SLOs that this run could judge are met'],
    });
  });

  test('fails with 1 on a missed SLO and on a regression, with figures', () => {
    expect(judge({ slos: [slo('missed')] })).toMatchObject({ status: 'fail', exitCode: 1 });
    expect(judge({ comparison: comparisonOf({}) })).toEqual({
      status: 'fail',
      exitCode: 1,
      reasons: ['regression: tools_list cpu.per_request 0.5 ms → 0.61 ms (+22.0 %, interval +14.0 to +30.0 %)'],
    });
  });

  test('is 4 when an SLO’s trial is invalid, and untouched by one that was not judged', () => {
    expect(judge({ slos: [slo('met'), slo('invalid')] })).toMatchObject({ status: 'invalid', exitCode: 4 });
    expect(judge({ slos: [slo('met'), slo('not-judged')] })).toMatchObject({ status: 'pass', exitCode: 0 });
  });

  test('is 4 when a metric that must be decided could not be, and only then', () => {
    const blind = { status: 'undecided', ratio: 1.02, pAdjusted: 1, smallestVisiblePercent: 21 } as const;
    expect(judge({ comparison: comparisonOf(blind) })).toMatchObject({ status: 'undecided', exitCode: 4 });
    expect(judge({ comparison: comparisonOf(blind), mustDecide: [] }).exitCode).toBe(0);
    expect(judge({ comparison: comparisonOf({ status: 'not-compared', interval: null }) }).exitCode).toBe(4);
  });

  test('lets a row pass that would have shown twice the threshold, and says what it saw, but not one that is surely worse', () => {
    const quiet = { status: 'undecided', ratio: 1.04, pAdjusted: 0.3, smallestVisiblePercent: 17.4 } as const;
    expect(judge({ comparison: comparisonOf(quiet) })).toMatchObject({
      exitCode: 0,
      reasons: [expect.stringContaining('each cpu.per_request would have shown +18 %')],
    });
    expect(
      judge({ comparison: comparisonOf({ ...quiet, ratio: 1.08, interval: [1.04, 1.12], pAdjusted: 0.01 }) }).exitCode,
    ).toBe(4);
  });

  test('is 4 with what differs when the comparison was refused', () => {
    const verdict = judge({ refused: 'COMPARISON_REFUSED: machine: cores: 2 → 8' });
    expect(verdict).toMatchObject({
      status: 'invalid',
      exitCode: 4,
      reasons: ['COMPARISON_REFUSED: machine: cores: 2 → 8'],
    });
  });

  test('is 3 when a trial did not run, and names it', () => {
    const verdict = judge({ result: buildResult() });
    expect(verdict).toMatchObject({ status: 'error', exitCode: 3 });
    expect(verdict.reasons[0]).toBe(
      '1 trial did not run, K6_MISSING: k6 could not be found or fetched: prompts_get (open)',
    );
  });

  test('takes the exit code of what made the run fail', () => {
    expect(judge({ result: withStatus('failed', 'POSTGRES_FAILED') }).exitCode).toBe(3);
    expect(judge({ result: withStatus('failed', 'SCENARIO_INVALID') }).exitCode).toBe(2);
    expect(judge({ result: withStatus('interrupted', 'INTERRUPTED') })).toMatchObject({
      status: 'interrupted',
      exitCode: 130,
    });
  });

  test('when several apply, follows 130, 2, 3, 1, 4, 0 and keeps every reason in that order', () => {
    const everything = { slos: [slo('invalid'), slo('missed')], comparison: comparisonOf({}) };
    const verdict = judge({ ...everything, result: withStatus('failed', 'GATEWAY_FAILED') });
    expect(verdict.exitCode).toBe(3);
    expect(verdict.reasons.map((reason) => reason.split(':')[0])).toEqual([
      'the run failed',
      'SLO missed',
      'regression',
      'invalid measurement',
    ]);
    expect(judge({ ...everything, result: withStatus('interrupted', 'INTERRUPTED') }).exitCode).toBe(130);
    expect(judge(everything).exitCode).toBe(1);
  });
});
