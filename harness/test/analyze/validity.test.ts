import { describe, expect, test } from 'vitest';
import { judgeTrial } from '../../src/analyze/validity.ts';
import type { LoadResult, TrialResult } from '../../src/result/result.ts';
import { buildResult } from '../build-result.ts';

const result = buildResult({ scenarios: ['health'], flawed: false });

function judge(
  loop: 'open' | 'closed',
  change: Partial<LoadResult> = {},
  more: Partial<TrialResult> = {},
  cores?: number,
) {
  const trial = result.trials.find((each) => each.loop === loop);
  const planned = result.plan.trials.find((each) => each.loop === loop);
  if (trial?.load == null || planned === undefined) throw new Error('no such trial');
  const validity = judgeTrial({ ...trial, ...more, load: { ...trial.load, ...change } }, planned, cores);
  const failed = validity.checks.filter((check) => !check.passed);
  return {
    verdict: validity.verdict,
    failed: failed.map((check) => check.id),
    seen: failed.map((check) => check.seen),
  };
}

describe('a trial', () => {
  test('of a quiet machine is valid in both loops', () => {
    expect(judge('open')).toMatchObject({ verdict: 'valid', failed: [] });
    expect(judge('closed')).toMatchObject({ verdict: 'valid', failed: [] });
  });

  test('is invalid below 99 % of the offered rate, and says what was reached', () => {
    expect(judge('open', { offeredRate: 1000, achievedRate: 991 }).verdict).toBe('valid');
    const late = judge('open', { offeredRate: 1000, achievedRate: 989 });
    expect(late).toMatchObject({ verdict: 'invalid', failed: ['offered-rate'] });
    expect(late.seen[0]).toBe('989.0/s of 1000/s (98.9 %)');
  });

  test('is invalid when the schedule lags by more than 1 ms at p99, or nobody knows', () => {
    expect(judge('open', { scheduleLagMs: { p50: 0, p99: 1.2, max: 3 } }).failed).toEqual(['schedule-lag']);
    expect(judge('open', { scheduleLagMs: null }).verdict).toBe('invalid');
  });

  test('is invalid with dropped requests: their successors’ intended starts are not known', () => {
    const errors = [{ kind: 'dropped', request: 'health', detail: 'no free virtual user', count: 3, example: null }];
    expect(judge('open', { errors: errors as LoadResult['errors'] }).failed).toEqual(['intended-starts']);
  });

  test('is invalid when the generator alone is not 1.3 times as fast', () => {
    const near = { ceiling: { requestsPerSecond: 7000, responseBytes: 20 } };
    expect(judge('closed', {}, near).failed).toEqual(['generator-ceiling']);
    expect(judge('closed', {}, { ceiling: null }).verdict).toBe('invalid');
    expect(judge('open', {}, near).verdict).toBe('valid');
  });

  test('is invalid when more than 5 % of the CPU is stolen', () => {
    const usage = { cpuSeconds: 1, cpuSource: 'stat', rssBytes: 1, stealPercent: 5.1 };
    expect(judge('open', {}, { usage })).toMatchObject({ verdict: 'invalid', failed: ['steal'] });
    expect(judge('open', {}, { usage: { ...usage, stealPercent: null } }).verdict).toBe('valid');
  });

  test('stays valid with a few wrong answers, and is invalid when most fail', () => {
    expect(judge('closed', { succeeded: 1500, failed: 500 }).verdict).toBe('valid');
    expect(judge('open', { succeeded: 900, failed: 1100 }).failed).toEqual(['wrong-answers']);
    expect(judge('open', { succeeded: 0, failed: 0 }).verdict).toBe('invalid');
  });

  test('is only warned about an unsteady warm-up and unused keep-alive', () => {
    const warmup = { requests: 100, seconds: 5, steady: false, driftPercent: 22 };
    expect(judge('open', {}, { warmup })).toMatchObject({ verdict: 'valid', failed: ['warm-up'] });
    expect(judge('closed', { connectionsOpened: 1900 })).toMatchObject({
      verdict: 'valid',
      failed: ['connection-reuse'],
    });
  });

  test('is invalid in the open loop when a pinned generator fills its cores; unpinned it is a warning', () => {
    expect(judge('open', { generatorCpuPercent: 95 }, {}, 1).verdict).toBe('invalid');
    expect(judge('open', { generatorCpuPercent: 95 }, {}, 2).verdict).toBe('valid');
    expect(judge('open', { generatorCpuPercent: 95 })).toMatchObject({ verdict: 'valid', failed: ['generator-cpu'] });
    expect(judge('closed', { generatorCpuPercent: 99 }, {}, 1).verdict).toBe('valid');
  });
});
