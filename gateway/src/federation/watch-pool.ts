// The session pools and circuit breakers for Prometheus; read at each scrape, never before.
import { type Metrics, readCounter, readGauge, readGauges } from '../metrics.ts';
import type { PoolMetrics } from './pool-metrics.ts';

const counters = {
  total_sessions_created: 'Upstream sessions opened for the pool',
  total_sessions_reused: 'Requests served in a session that was there',
  pool_hits: 'Requests that found a session at once',
  pool_misses: 'Requests that had to wait for a session',
  pool_keys_evicted: 'Identities whose sessions were closed',
  session_create_failures: 'Upstream sessions that could not be opened',
  health_check_failures: 'Sessions that did not pass the check after being idle',
  acquire_timeouts: 'Requests that got no session in time',
  circuit_breaker_trips: 'Circuits that opened',
} as const satisfies { [name in keyof PoolMetrics]?: string };

const gauges = {
  active_sessions: 'Upstream sessions in the pool',
  client_sessions: 'Upstream sessions of clients with a session of their own',
  pool_key_count: 'Upstreams and identities with sessions in the pool',
} as const satisfies { [name in keyof PoolMetrics]?: string };

const states = { closed: 0, half_open: 1, open: 2 };

export function watchPool({ registry }: Metrics, read: () => PoolMetrics): void {
  for (const name of Object.keys(counters) as (keyof typeof counters)[]) {
    const metric = `mcp_${name.startsWith('pool_') ? '' : 'pool_'}${name.replace(/^total_/, '')}_total`;
    registry.registerMetric(readCounter(metric, counters[name], [], (counter) => counter.inc(read()[name])));
  }
  for (const name of Object.keys(gauges) as (keyof typeof gauges)[]) {
    const metric = `mcp_${name.startsWith('pool_') ? '' : 'pool_'}${name}`;
    registry.registerMetric(readGauge(metric, gauges[name], () => read()[name]));
  }
  registry.registerMetric(
    readGauges(
      'mcp_pool_circuit_breaker_state',
      '0 closed, 1 half open, 2 open; of several workers the worst',
      ['url'],
      (gauge) => {
        for (const [url, { state }] of Object.entries(read().circuit_breaker_states)) gauge.set({ url }, states[state]);
      },
      'max',
    ),
  );
}
