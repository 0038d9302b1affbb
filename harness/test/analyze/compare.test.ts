import { parse } from '@gatebench/gateway/parse';
import { describe, expect, test } from 'vitest';
import { compare, compareSubjects } from '../../src/analyze/compare.ts';
import { judgeComparison } from '../../src/analyze/verdict.ts';
import { HarnessError } from '../../src/errors.ts';
import { PerfConfig } from '../../src/plan/config.ts';
import type { RunResult } from '../../src/result/result.ts';
import { type BuildOptions, buildResult } from '../build-result.ts';

const { gate } = parse(PerfConfig, {}, 'defaults');

const build = (id: string, options: BuildOptions = {}) =>
  buildResult({ id, rounds: 6, noise: 0.03, flawed: false, ...options });
const before = build('before');

function rowOf(after: RunResult, scenario: string, metric: string, base = before) {
  const row = compare(base, after, gate).rows.find((each) => each.scenario === scenario && each.metric === metric);
  if (row === undefined) throw new Error(`no row ${scenario} ${metric}`);
  return row;
}

describe('a comparison', () => {
  test('of a run with itself finds nothing', () => {
    const rows = compare(before, before, gate).rows;
    expect(rows.length).toBe(25);
    expect(rows.every((row) => row.ratio === null || Math.abs(row.ratio - 1) < 1e-9)).toBe(true);
    expect(rows.some((row) => row.status === 'regression' || row.status === 'improvement')).toBe(false);
  });

  test('calls slower, costlier and less throughput regressions, the opposite improvements', () => {
    const worse = build('after', { behaviour: { current: { latency: 1.4, throughput: 0.65, cpu: 1.4 } } });
    for (const metric of ['latency.p50', 'latency.p95', 'throughput', 'cpu.per_request']) {
      expect(rowOf(worse, 'tools_list', metric).status).toBe('regression');
      expect(rowOf(before, 'tools_list', metric, worse).status).toBe('improvement');
    }
  });

  test('says of a change within the threshold that nothing changed, however sure it is', () => {
    const row = rowOf(
      build('after', { noise: 0.002, behaviour: { current: { cpu: 1.05 } } }),
      'health',
      'cpu.per_request',
      build('before', { noise: 0.002 }),
    );
    expect(row.pAdjusted).toBeLessThan(0.05);
    expect(row.status).toBe('no-change');
  });

  test('is undecided when it cannot rule a regression out, and says what it could have seen', () => {
    const noisy = { noise: 0.25, rounds: 3 };
    const row = rowOf(build('after', noisy), 'tools_list', 'cpu.per_request', build('before', noisy));
    expect(row.status).toBe('undecided');
    expect(row.smallestVisiblePercent).toBeGreaterThan(20);
    expect(row.reason).toContain('more rounds decide it');
    expect(
      judgeComparison(compare(build('before', noisy), build('after', noisy), gate), gate.mustDecide).exitCode,
    ).toBe(4);
  });

  test('states of every compared row the smallest change that it could have seen', () => {
    for (const row of compare(before, build('after'), gate).rows.filter((each) => each.metric !== 'errors.rate')) {
      expect(row.smallestVisiblePercent).toBeGreaterThan(10);
    }
  });

  test('needs two rounds on each side', () => {
    const row = rowOf(build('after', { rounds: 1 }), 'health', 'throughput');
    expect(row).toMatchObject({ status: 'not-compared', rounds: [6, 1] });
    expect(row.reason).toContain('at least 2');
  });

  test('needs as many samples as an SLO of the same percentile', () => {
    const few = { samples: 25 };
    const row = rowOf(build('after', few), 'health', 'latency.p95', build('before', few));
    expect(row).toMatchObject({
      status: 'not-compared',
      reason: '150 samples in all rounds of one side, Latency p95 needs 200',
    });
  });

  test('leaves out scenarios on the MCP servers themselves: they do not pass the subject', () => {
    expect(compare(before, before, gate).rows.some((row) => row.scenario.startsWith('direct_'))).toBe(false);
  });

  test('counts any error where there was none, and only a sure rise where there were some', () => {
    const rising = (errors: number) => build('after', { behaviour: { current: { errors } } });
    expect(rowOf(rising(0.0005), 'tools_list', 'errors.rate')).toMatchObject({
      status: 'regression',
      before: 0,
      ratio: null,
    });
    const some = build('before', { behaviour: { current: { errors: 0.01 } } });
    expect(rowOf(rising(0.0105), 'tools_list', 'errors.rate', some).status).toBe('undecided');
    expect(rowOf(rising(0.02), 'tools_list', 'errors.rate', some).status).toBe('regression');
    expect(rowOf(rising(0), 'tools_list', 'errors.rate', some).status).toBe('improvement');
    expect(rowOf(before, 'tools_list', 'errors.rate')).toMatchObject({ status: 'no-change', pValue: 1 });
  });

  test('of two subjects goes by pairs of rounds and drops a pair with an invalid half', () => {
    const result = build('run', { subjects: ['current', 'reference'], behaviour: { current: { cpu: 1.3 } } });
    const half = result.trials.find((trial) => trial.id === 'tools_list.closed.reference.r2');
    if (half?.validity == null) throw new Error('no trial');
    half.validity.verdict = 'invalid';
    const comparison = compareSubjects(result, gate);
    const row = comparison.rows.find((each) => each.scenario === 'tools_list' && each.metric === 'cpu.per_request');
    expect(row).toMatchObject({ status: 'regression', rounds: [5, 5] });
    expect(comparison.subject).toContainEqual({ what: 'build', before: 'e0a2f04', after: '4f2a9c1' });
  });
});

describe('a comparison is refused', () => {
  function refusal(change: (after: RunResult) => void): string {
    const after = structuredClone(before);
    change(after);
    try {
      compare(before, after, gate);
    } catch (error) {
      expect(error).toBeInstanceOf(HarnessError);
      expect((error as HarnessError).exitCode).toBe(4);
      return (error as HarnessError).message;
    }
    return expect.unreachable();
  }

  test('with everything that differs: machine, profile, tools, scenarios, load', () => {
    const message = refusal((after) => {
      after.environment.machine.cpuModel = 'Other CPU';
      after.environment.tools['k6'] = '1.9.0';
      after.plan.profile = 'medium';
      after.plan.scenarios.pop();
      for (const trial of after.plan.trials) trial.requests += 1;
    });
    for (const what of [
      'machine: cpuModel',
      'tool: k6: 1.8.1 → 1.9.0',
      'load profile: light → medium',
      'scenarios',
      'load of health, open loop',
    ]) {
      expect(message).toContain(what);
    }
  });

  test('for a load in turns with one that had the machine to itself', () => {
    const message = refusal((after) => {
      for (const trial of after.plan.trials) if (trial.loop === 'closed') trial.turnSeconds = 0.2;
    });
    expect(message).toMatch(/load of health, closed loop: .*, 10 s → .*, 10 s, in turns of 0.2 s/);
    expect(message).not.toContain('open loop');
  });

  test('not for a tool whose version neither of them names', () => {
    const [one, other] = [structuredClone(before), structuredClone(before)];
    delete one.environment.tools['harness'];
    expect(() => compare(one, before, gate)).toThrow('tool: harness: none → 0.1.0');
    delete other.environment.tools['harness'];
    expect(compare(one, other, gate).mismatches).toEqual([]);
  });

  test('unless forced: then the mismatches head it', () => {
    const after = structuredClone(before);
    after.environment.machine.cores = 8;
    expect(compare(before, after, gate, { force: true }).mismatches).toEqual([
      { what: 'machine: cores', before: '2', after: '8' },
    ]);
  });

  test('not for what is the subject: build, settings, Node, PostgreSQL, profiles', () => {
    const after = structuredClone(before);
    const [subject] = after.subjects;
    if (subject === undefined) throw new Error('no subject');
    Object.assign(subject, {
      build: 'abc',
      node: '24.9.0',
      postgres: '18.4',
      serverProfile: 'minimal',
      settings: { DB_POOL_SIZE: 5 },
    });
    after.environment.tools['node'] = '24.9.0';
    after.plan.infrastructure = 'staging';
    expect(compare(before, after, gate).subject.map(({ what }) => what)).toEqual([
      'infrastructure profile',
      'build',
      'server profile',
      'Node',
      'PostgreSQL',
      'setting DB_POOL_SIZE',
      'setting LOG_LEVEL',
    ]);
  });
});
