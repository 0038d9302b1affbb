import { describe, expect, test } from 'vitest';
import { analyze } from '../../src/analyze/index.ts';
import type { RunResult } from '../../src/result/result.ts';
import { buildResult } from '../build-result.ts';

function sloOf(result: RunResult, scenario: string, metric: string) {
  const slo = analyze(result).slos.find((each) => each.scenario === scenario && each.metric === metric);
  if (slo === undefined) throw new Error(`no SLO ${metric} of ${scenario}`);
  return slo;
}

describe('an SLO', () => {
  test('is met with its margin, latency from the open loop and throughput from the closed one', () => {
    const result = buildResult({ flawed: false });
    const latency = sloOf(result, 'tools_list', 'latency.p95');
    expect(latency).toMatchObject({ status: 'met', target: 30, unit: 'ms' });
    expect(latency.actual).toBeGreaterThan(6);
    expect(latency.marginPercent).toBeCloseTo((100 * (30 - (latency.actual ?? 0))) / 30, 6);
    expect(sloOf(result, 'tools_list', 'throughput').actual).toBeGreaterThan(1000);
  });

  test('is missed with the figure and the target in words', () => {
    const slo = sloOf(
      buildResult({ flawed: false, behaviour: { current: { latency: 8 } } }),
      'tools_list',
      'latency.p95',
    );
    expect(slo.status).toBe('missed');
    expect(slo.reason).toMatch(/^\d+(\.\d+)? ms, target 30 ms$/);
    expect(slo.marginPercent).toBeLessThan(0);
  });

  test('is not judged on too few samples, and does not change the exit code', () => {
    const result = buildResult({ flawed: false, samples: 150, behaviour: { current: { latency: 20 } } });
    expect(sloOf(result, 'tools_list', 'latency.p95')).toMatchObject({
      status: 'not-judged',
      reason: '150 samples, Latency p95 needs 200',
    });
    expect(analyze(result).verdict.exitCode).toBe(0);
  });

  test('of errors at 0 % is missed by a single wrong answer', () => {
    const result = buildResult({ flawed: false, behaviour: { current: { errors: 0.0005 } } });
    expect(sloOf(result, 'health', 'errors.rate')).toMatchObject({ status: 'missed', marginPercent: null });
    expect(sloOf(result, 'servers_create', 'errors.rate').status).toBe('met');
  });

  test('is missed when the percentile lies among lost samples', () => {
    const result = buildResult({ flawed: false });
    const trial = result.trials.find((each) => each.id === 'tools_list.open.current.r1');
    if (trial?.load == null) throw new Error('no trial');
    trial.load.latency.lost = 200;
    expect(sloOf(result, 'tools_list', 'latency.p95')).toMatchObject({ status: 'missed', actual: null });
  });

  test('of an invalid trial is invalid, of one that did not run not run; neither is met', () => {
    const result = buildResult();
    const throughput = sloOf(result, 'tools_list', 'throughput');
    expect(throughput.status).toBe('invalid');
    expect(throughput.reason).toContain('steal: 7.5 % of the machine’s CPU time, expected at most 5 %');
    expect(sloOf(result, 'prompts_get', 'latency.p95')).toMatchObject({ status: 'not-run' });
    expect(sloOf(result, 'prompts_get', 'latency.p95').reason).toContain('K6_MISSING');
    expect(sloOf(result, 'prompts_get', 'throughput').status).toBe('met');
  });

  test('of errors does not depend on the clock: a stolen core makes no answer wrong', () => {
    expect(sloOf(buildResult(), 'tools_list', 'errors.rate').status).toBe('met');
  });

  test('of throughput is met by a lower bound above the target, and open below it', () => {
    const result = buildResult({ flawed: false });
    const trial = result.trials.find((each) => each.id === 'tools_list.closed.current.r1');
    if (trial?.validity == null || trial.load === null) throw new Error('no trial');
    const check = { id: 'generator-ceiling', passed: false, fatal: true, seen: '1.1 ×', expected: 'at least 1.3 ×' };
    trial.validity = { verdict: 'invalid', checks: [check] };
    expect(sloOf(result, 'tools_list', 'throughput')).toMatchObject({ status: 'met' });
    expect(sloOf(result, 'tools_list', 'throughput').reason).toContain('at least');
    trial.load.durationSeconds *= 1000;
    expect(sloOf(result, 'tools_list', 'throughput')).toMatchObject({ status: 'invalid' });
  });

  test('is not judged when the profile is too small for it, also when the trial is invalid', () => {
    const result = buildResult({ samples: 150 });
    expect(sloOf(result, 'tools_list', 'throughput')).toMatchObject({ status: 'not-judged' });
  });

  test('of errors is missed by an invalid trial too, when the gateway gave wrong answers', () => {
    const result = buildResult({ flawed: false, behaviour: { current: { errors: 0.6 } } });
    for (const trial of result.trials) {
      trial.validity = {
        verdict: 'invalid',
        checks: [{ id: 'wrong-answers', passed: false, fatal: true, seen: '60 %', expected: '50 %' }],
      };
    }
    expect(sloOf(result, 'tools_list', 'errors.rate')).toMatchObject({ status: 'missed', actual: 0.6 });
    expect(analyze(result).verdict.exitCode).toBe(1);
  });

  test('of overhead is judged on the difference with its interval', () => {
    const analysis = analyze(buildResult({ flawed: false }));
    const row = analysis.overheads[0]?.rows.find((each) => each.metric === 'overhead.p95');
    const slo = analysis.slos.find((each) => each.metric === 'overhead.p95');
    expect(slo).toMatchObject({ status: 'met', actual: row?.differenceMs });
    expect(row?.differenceMs).toBeCloseTo((row?.gatewayMs ?? 0) - (row?.directMs ?? 0), 9);
    expect(row?.interval?.[0]).toBeLessThan(row?.differenceMs ?? 0);
    expect(row?.interval?.[1]).toBeGreaterThan(row?.differenceMs ?? 0);
  });

  test('of overhead is not run when its partner is not there', () => {
    const result = buildResult({ flawed: false, scenarios: ['tools_call_simple'] });
    expect(sloOf(result, 'tools_call_simple', 'overhead.p95').status).toBe('not-run');
  });
});

describe('figures', () => {
  test('leave out invalid rounds and say so', () => {
    const figures = analyze(buildResult({ rounds: 3 })).figures;
    const throughput = figures.find((each) => each.scenario === 'tools_list' && each.metric === 'throughput');
    expect(throughput).toMatchObject({ rounds: 2, valid: true });
    expect(throughput?.reason).toContain('round 3 left out: steal');
  });

  test('of an invalid single round are stated as not valid', () => {
    const figures = analyze(buildResult()).figures;
    const throughput = figures.find((each) => each.scenario === 'tools_list' && each.metric === 'throughput');
    expect(throughput).toMatchObject({ rounds: 1, valid: false });
  });

  test('hold their own value within the interval, by order statistics or over rounds', () => {
    for (const rounds of [1, 4]) {
      for (const { value, interval } of analyze(buildResult({ rounds, flawed: false })).figures) {
        if (value === null || interval === null) continue;
        expect(interval[0] ?? -Infinity).toBeLessThanOrEqual(value);
        expect(interval[1] ?? Infinity).toBeGreaterThanOrEqual(value);
      }
    }
  });
});
