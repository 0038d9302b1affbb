// What the session pools and circuit breakers have done, under the source's names. Holds no identity, and no URL's query.
import type { CircuitReport } from './circuits.ts';
import type { PoolCounts, SessionPool } from './session-pool.ts';

export interface PoolMetrics {
  enabled: boolean;
  total_sessions_created: number;
  total_sessions_reused: number;
  pool_hits: number;
  pool_misses: number;
  pool_hit_rate: number;
  active_sessions: number;
  /** Of clients with a session of their own. */
  client_sessions: number;
  requests_in_flight: number;
  pool_key_count: number;
  pool_keys_evicted: number;
  sessions_expired: number;
  acquire_waits: number;
  acquire_timeouts: number;
  session_create_failures: number;
  health_checks: number;
  health_check_failures: number;
  circuit_breaker_trips: number;
  circuit_breaker_states: Record<string, CircuitReport>;
}

export function createCounts(): PoolCounts {
  return {
    created: 0,
    reused: 0,
    hits: 0,
    misses: 0,
    waits: 0,
    acquireTimeouts: 0,
    createFailures: 0,
    healthChecks: 0,
    healthCheckFailures: 0,
    expired: 0,
    keysEvicted: 0,
  };
}

export interface PoolMetricsSources {
  isEnabled: boolean;
  counts: PoolCounts;
  pools: Iterable<SessionPool>;
  clientSessions: number;
  circuits: Record<string, CircuitReport>;
}

export function toPoolMetrics({ isEnabled, counts, pools, clientSessions, circuits }: PoolMetricsSources): PoolMetrics {
  const all = [...pools];
  const { hits, misses } = counts;
  return {
    enabled: isEnabled,
    total_sessions_created: counts.created,
    total_sessions_reused: Math.max(0, counts.reused),
    pool_hits: hits,
    pool_misses: misses,
    pool_hit_rate: hits + misses === 0 ? 0 : hits / (hits + misses),
    active_sessions: all.reduce((sum, { size }) => sum + size, 0),
    client_sessions: clientSessions,
    requests_in_flight: all.reduce((sum, { inFlight }) => sum + inFlight, 0),
    pool_key_count: all.length,
    pool_keys_evicted: counts.keysEvicted,
    sessions_expired: counts.expired,
    acquire_waits: counts.waits,
    acquire_timeouts: counts.acquireTimeouts,
    session_create_failures: counts.createFailures,
    health_checks: counts.healthChecks,
    health_check_failures: counts.healthCheckFailures,
    circuit_breaker_trips: Object.values(circuits).reduce((sum, { trips }) => sum + trips, 0),
    circuit_breaker_states: circuits,
  };
}
