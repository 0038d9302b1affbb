// What the gateway tells of its own work on /metrics, as differences over trials: time by layer, caches, upstream sessions.
// Means only: sums and counts are all that a difference of two readings gives.
import { type PrometheusArtifact, REPORTED, STATES } from '../collect/prometheus.ts';
import { labelOf } from '../collect/scrape.ts';

/** In the order of a request; what is waited for inside `auth` and `route` is no part of them. */
export const layers = ['auth', 'route', 'pool_wait', 'query', 'upstream', 'serialize'] as const;
export type Layer = (typeof layers)[number];

export interface LayerTimes {
  requests: number;
  /** Mean per request, ms. */
  totalMs: number;
  ms: Record<Layer, number>;
  /** Total less all layers; below 0 when waits overlapped. */
  unaccountedMs: number;
}

export interface CacheUse {
  cache: string;
  hits: number;
  misses: number;
  /** Entries at the end of the last trial; null when it is not told. */
  entries: number | null;
}

export interface SessionUse {
  created: number;
  reused: number;
  /** Had to wait for a session. */
  waited: number;
  createFailures: number;
  acquireTimeouts: number;
  trips: number;
  /** Circuits that were not closed at the end of a trial. */
  circuits: { url: string; state: 'half open' | 'open' }[];
}

/** Undefined when no trial has layer timings. */
export function toLayerTimes(artifacts: PrometheusArtifact[]): LayerTimes | undefined {
  const seconds = (layer: string) => sumOf(artifacts, 'gateway_layer_duration_seconds_sum', 'layer', layer);
  const requests = sumOf(artifacts, REPORTED.layers, 'layer', 'total');
  if (requests <= 0) return undefined;
  const mean = (layer: string) => (1000 * seconds(layer)) / requests;
  const [auth, route, pool_wait, query, upstream, serialize, totalMs] = [
    mean('auth'),
    mean('route'),
    mean('pool_wait'),
    mean('query'),
    mean('upstream'),
    mean('serialize'),
    mean('total'),
  ];
  const told = auth + route + pool_wait + query + upstream + serialize;
  return {
    requests,
    totalMs,
    ms: { auth, route, pool_wait, query, upstream, serialize },
    unaccountedMs: totalMs - told,
  };
}

/** Caches that were asked at all, those with the most look-ups first. */
export function toCacheUses(artifacts: PrometheusArtifact[]): CacheUse[] {
  const names = new Set(
    artifacts.flatMap(({ changed }) =>
      changed
        .filter(({ name }) => name === 'cache_hits_total' || name === 'cache_misses_total')
        .flatMap(({ labels }) => labelOf(labels, 'cache') ?? []),
    ),
  );
  return [...names]
    .map((cache) => ({
      cache,
      hits: sumOf(artifacts, 'cache_hits_total', 'cache', cache),
      misses: sumOf(artifacts, 'cache_misses_total', 'cache', cache),
      entries: entriesOf(artifacts.at(-1), cache),
    }))
    .filter(({ hits, misses }) => hits + misses > 0)
    .sort((one, other) => other.hits + other.misses - (one.hits + one.misses));
}

/** Undefined when the target has no session pool. */
export function toSessionUse(artifacts: PrometheusArtifact[]): SessionUse | undefined {
  const told = artifacts.filter(isTold('sessions'));
  if (told.length === 0) return undefined;
  const sum = (name: string) => sumOf(told, `mcp_pool_${name}_total`);
  return {
    created: sum('sessions_created'),
    reused: sum('sessions_reused'),
    waited: sum('misses'),
    createFailures: sum('session_create_failures'),
    acquireTimeouts: sum('acquire_timeouts'),
    trips: sum('circuit_breaker_trips'),
    circuits: toCircuits(told),
  };
}

/** What a section needs was there; of an older result, which does not say: it changed. */
export function isTold(what: keyof typeof REPORTED): (artifact: PrometheusArtifact) => boolean {
  const name = REPORTED[what];
  return ({ absent, changed }) =>
    absent === undefined ? changed.some((sample) => sample.name === name) : !absent.includes(name);
}

function toCircuits(artifacts: PrometheusArtifact[]): SessionUse['circuits'] {
  const worst = new Map<string, number>();
  for (const { changed, standing = [] } of artifacts) {
    for (const { name, labels, value } of [...changed.map((each) => ({ ...each, value: each.after })), ...standing]) {
      const url = labelOf(labels, 'url');
      if (name === STATES.circuits && url !== undefined) worst.set(url, Math.max(value, worst.get(url) ?? 0));
    }
  }
  return [...worst]
    .filter(([, value]) => value > 0)
    .map(([url, value]) => ({ url, state: value >= 2 ? 'open' : 'half open' }));
}

function entriesOf(artifact: PrometheusArtifact | undefined, cache: string): number | null {
  const told = [
    ...(artifact?.changed.map(({ name, labels, after: value }) => ({ name, labels, value })) ?? []),
    ...(artifact?.standing ?? []),
  ].filter(({ name }) => name === STATES.cacheEntries);
  // One that stayed empty is not told.
  return told.find(({ labels }) => labelOf(labels, 'cache') === cache)?.value ?? (told.length > 0 ? 0 : null);
}

/** The growth of a counter over all trials; after a restart it began at 0. */
function sumOf(artifacts: PrometheusArtifact[], name: string, label?: string, value?: string): number {
  let sum = 0;
  for (const { changed, restarted } of artifacts) {
    for (const sample of changed) {
      if (sample.name !== name || (label !== undefined && labelOf(sample.labels, label) !== value)) continue;
      sum += sample.after - (restarted ? 0 : (sample.before ?? 0));
    }
  }
  return sum;
}
