import { expect, test } from 'vitest';
import { createMetrics, observe, renderMetrics, renderSnapshots, seriesOf, snapshotMetrics } from '../src/metrics.ts';

function worker(requests: number) {
  const metrics = createMetrics();
  metrics.httpInFlight = requests;
  metrics.errors.set('GW_INTERNAL', requests);
  const labels = { method: 'GET', path: '/health', status: '200' };
  for (let at = 0; at < requests; at++)
    observe(
      seriesOf(metrics.http, 'GET /health 200', () => labels),
      0.02,
    );
  return metrics;
}

test('the figures of several workers become one: counts, durations and gauges are added', async () => {
  const snapshots = await Promise.all([worker(2), worker(3)].map(snapshotMetrics));
  const text = await renderSnapshots(JSON.parse(JSON.stringify(snapshots)));
  for (const line of [
    'http_requests_total{method="GET",path="/health",status="200"} 5',
    'http_requests_in_flight 5',
    'gateway_errors_total{code="GW_INTERNAL"} 5',
    'http_request_duration_seconds_bucket{method="GET",path="/health",status="200",le="0.01"} 0',
    'http_request_duration_seconds_bucket{method="GET",path="/health",status="200",le="0.025"} 5',
    'http_request_duration_seconds_count{method="GET",path="/health",status="200"} 5',
    'db_query_duration_seconds_count 0',
  ]) {
    expect(text.split('\n')).toContain(line);
  }
});

test('one worker’s snapshot reads like its own metrics', async () => {
  const metrics = worker(1);
  const names = (text: string) => [...new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name))];
  const own = names(await renderMetrics(metrics));
  const merged = names(await renderSnapshots([await snapshotMetrics(metrics)]));
  // prom-client leaves out what means nothing for several processes: the start time of one.
  expect(own.filter((name) => !merged.includes(name))).toEqual(['process_start_time_seconds']);
});

test('nothing watches the process while metrics are off', async () => {
  expect(await renderMetrics(createMetrics(false))).not.toContain('nodejs_');
  expect(await renderMetrics(createMetrics(true))).toContain('nodejs_gc_duration_seconds');
});
