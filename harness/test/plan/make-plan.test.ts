import { describe, expect, it } from 'vitest';
import { makePlan, type PlanRequest } from '../../src/plan/make-plan.ts';
import { readLoadProfile, readScenarios } from '../../src/plan/read.ts';

const scenarios = readScenarios();
const request = (changes: Partial<PlanRequest> = {}): PlanRequest => ({
  scenarios,
  profile: readLoadProfile('medium'),
  infrastructure: 'embedded',
  serverProfile: 'standard',
  engine: null,
  rounds: 1,
  seed: 1,
  against: null,
  ...changes,
});

describe('the plan', () => {
  it('drives the open loop at the profile’s share of the SLO rate for requests ÷ rate', () => {
    const profile = { ...readLoadProfile('heavy'), requests: 5000, rateFactor: 0.5, maxOpenSeconds: 1000 };
    const { trials } = makePlan(request({ profile }));
    const trial = trials.find((one) => one.id === 'tools_list.open.current.r1');
    expect(trial).toMatchObject({ ratePerSecond: 250, durationSeconds: 20, requests: 5000, engine: 'k6', note: null });
  });

  it('shortens a trial that the profile cannot afford, and says so', () => {
    const trial = makePlan(request()).trials.find((one) => one.id === 'tools_call_simple.open.current.r1');
    expect(trial?.ratePerSecond).toBe(150);
    expect(trial?.requests).toBe(1800);
    expect(trial?.note).toContain('1800 of 10000 requests');
  });

  it('goes on past the limit until the p99 can be judged', () => {
    const trial = makePlan(request()).trials.find((one) => one.id === 'servers_create.open.current.r1');
    expect(trial?.requests).toBeGreaterThanOrEqual(1050);
  });

  it('puts scenarios that are subtracted from each other side by side', () => {
    const order = makePlan(request({ rounds: 3, seed: 9 })).trials.filter(
      (one) => one.round === 2 && one.loop === 'open',
    );
    const at = (id: string) => order.findIndex((one) => one.scenario === id);
    expect(Math.abs(at('tools_call_complex') - at('direct_tools_call_complex'))).toBe(1);
    expect(Math.abs(at('tools_call_simple') - at('direct_tools_call_simple'))).toBeLessThanOrEqual(2);
  });

  it('runs the two subjects of a pair one after the other, each first in half of the rounds', () => {
    const { trials } = makePlan(request({ rounds: 8, against: 'HEAD' }));
    const pairs = trials.filter((one) => one.scenario === 'tools_list' && one.loop === 'closed');
    expect(pairs).toHaveLength(16);
    const first = Array.from({ length: 8 }, (_, index) => pairs[index * 2]?.subject);
    expect(first.filter((subject) => subject === 'current')).toHaveLength(4);
    for (let round = 1; round <= 8; round++) {
      const indexes = trials.flatMap((one, index) =>
        one.scenario === 'tools_list' && one.loop === 'closed' && one.round === round ? [index] : [],
      );
      expect((indexes[1] ?? 0) - (indexes[0] ?? 0)).toBe(1);
    }
  });

  it('measures an MCP server itself once in a comparison of builds', () => {
    const { trials } = makePlan(request({ rounds: 2, against: 'HEAD' }));
    const direct = trials.filter((one) => one.scenario === 'direct_tools_list');
    expect(direct.every((one) => one.subject === 'current')).toBe(true);
  });

  it('is the same for the same seed and another for another', () => {
    const ids = (seed: number) => makePlan(request({ rounds: 5, seed, against: 'HEAD' })).trials.map((one) => one.id);
    expect(ids(3)).toEqual(ids(3));
    expect(ids(3)).not.toEqual(ids(4));
  });

  it('keeps smoke under a minute and medium under ten', () => {
    expect(makePlan(request({ profile: readLoadProfile('smoke') })).expectedSeconds).toBeLessThan(60);
    expect(makePlan(request()).expectedSeconds).toBeLessThan(600);
  });
});
