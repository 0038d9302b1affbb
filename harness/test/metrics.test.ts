import { describe, expect, test } from 'vitest';
import { HarnessError } from '../src/errors.ts';
import { checkSloNames, formatFigure, metricIds, metricOf, metrics } from '../src/metrics.ts';
import { readScenarios } from '../src/plan/read.ts';

describe('metrics', () => {
  test('ask for ten samples beyond a percentile', () => {
    expect(metrics['latency.p95'].minimumSamples).toBe(200);
    expect(metrics['latency.p99'].minimumSamples).toBe(1000);
    expect(metrics['latency.p999'].minimumSamples).toBe(10_000);
  });

  test('judge latency under the open load, throughput and CPU under the closed one', () => {
    for (const id of metricIds) {
      if (id.startsWith('latency.') || id.startsWith('overhead.')) expect(metrics[id].loop).toBe('open');
      if (id.startsWith('service.')) expect(metrics[id].loop).toBe('closed');
    }
    expect([metrics.throughput.loop, metrics['cpu.per_request'].loop]).toEqual(['closed', 'closed']);
  });

  test('are what the SLOs of our scenarios name', () => {
    expect(() => checkSloNames(readScenarios())).not.toThrow();
  });

  test('name every unknown SLO at once', () => {
    const scenarios: { id: string; slos: Record<string, number> }[] = [
      { id: 'a', slos: { 'latency.p95': 1, latenzy: 2 } },
      { id: 'b', slos: { toString: 3 } as Record<string, number> },
    ];
    try {
      checkSloNames(scenarios);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(HarnessError);
      expect((error as HarnessError).code).toBe('SCENARIO_INVALID');
      expect((error as HarnessError).message).toContain('scenarios/a.yaml /slos/latenzy');
      expect((error as HarnessError).message).toContain('scenarios/b.yaml /slos/toString');
      expect((error as HarnessError).hint).toContain('latency.p99');
    }
  });

  test('are written with their unit; error rates as per cent', () => {
    expect(formatFigure('latency.p95', 12.3456)).toBe('12.35 ms');
    expect(formatFigure('errors.rate', 0.001)).toBe('0.1 %');
    expect(formatFigure('throughput', 1234.5)).toMatch(/^1,23\d requests\/s$/);
    expect(() => metricOf('p95', 'here')).toThrow(/here names no metric, got 'p95'/);
  });
});
