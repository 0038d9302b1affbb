import { expect, test } from 'vitest';
import { LayerTimings } from '../../src/telemetry/layer-timings.ts';

function busyMs(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

test('what is waited for within a section is no part of the section', () => {
  const timings = new LayerTimings();
  timings.open('route');
  const startedAt = performance.now();
  busyMs(20);
  timings.waited('query', startedAt, performance.now());
  busyMs(5);
  timings.close();
  timings.end();
  expect(timings.ms.query).toBeGreaterThanOrEqual(20);
  expect(timings.ms.route).toBeGreaterThanOrEqual(5);
  // Counted twice, it would be more than there was.
  expect(timings.ms.query + timings.ms.route).toBeLessThanOrEqual(timings.ms.total);
});

test('waits side by side count once, and what ends after the request does not count', () => {
  const timings = new LayerTimings();
  timings.open('route');
  const startedAt = performance.now();
  busyMs(10);
  const endedAt = performance.now();
  timings.waited('upstream', startedAt, endedAt);
  timings.waited('upstream', startedAt, endedAt);
  timings.end();
  timings.waited('upstream', endedAt, endedAt + 1000);
  expect(timings.ms.upstream).toBeCloseTo(endedAt - startedAt, 5);
});
