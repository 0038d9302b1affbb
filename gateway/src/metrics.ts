// The metric table. What the request path counts are plain numbers, put into Prometheus' form when it scrapes:
// prom-client hashes its labels on every call, which would be paid by every request.
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';

/** Upper bounds of the duration buckets, seconds. */
export const durationBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Counts and durations under one set of labels. */
export interface Series {
  labels: Record<string, string>;
  count: number;
  sumSeconds: number;
  /** Not cumulative; the last one is beyond all bounds. */
  buckets: Uint32Array;
}

export function createSeries(labels: Record<string, string>): Series {
  return { labels, count: 0, sumSeconds: 0, buckets: new Uint32Array(durationBuckets.length + 1) };
}

/** On the request path: a few comparisons, no allocation. */
export function observe(series: Series, seconds: number): void {
  let at = 0;
  while (at < durationBuckets.length && seconds > (durationBuckets[at] as number)) at++;
  series.buckets[at] = (series.buckets[at] as number) + 1;
  series.count++;
  series.sumSeconds += seconds;
}

/** Figures that other parts keep and that are read at scrape time. */
export interface MetricSources {
  database: () => { active: number; idle: number };
  caches: () => { name: string; hits: number; misses: number; evictions: number; size: number }[];
  sessions: () => number;
}

/** What the gateway counts. */
export interface Metrics {
  /** One series per method, route and status; made on first use. */
  http: Map<string, Series>;
  httpInFlight: number;
  /** One series per upstream method and outcome. */
  upstream: Map<string, Series>;
  /** By error code (`GW_UPSTREAM_TIMEOUT`, `-32602`). */
  errors: Map<string, number>;
  /** The rest: the process' own (CPU, memory, event loop, GC) and what `watchSources` adds. */
  registry: Registry;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const metrics: Metrics = {
    http: new Map(),
    httpInFlight: 0,
    upstream: new Map(),
    errors: new Map(),
    registry,
  };
  const register = (metric: Counter | Gauge) => registry.registerMetric(metric);

  register(
    readCounter('http_requests_total', 'HTTP requests answered', ['method', 'path', 'status'], (counter) => {
      for (const series of metrics.http.values()) counter.inc(series.labels, series.count);
    }),
  );
  register(readGauge('http_requests_in_flight', 'HTTP requests being answered', () => metrics.httpInFlight));
  register(
    readCounter('gateway_errors_total', 'Failures by error code', ['code'], (counter) => {
      for (const [code, count] of metrics.errors) counter.inc({ code }, count);
    }),
  );
  return metrics;
}

/** @param sources read at each scrape, never before */
export function watchSources({ registry }: Metrics, sources: MetricSources): void {
  const { database, caches, sessions } = sources;
  registry.registerMetric(
    readGauge('database_connections_active', 'Pooled connections in use', () => database().active),
  );
  registry.registerMetric(readGauge('database_connections_idle', 'Pooled connections waiting', () => database().idle));
  const cacheCounts = {
    hits: 'Look-ups answered from memory',
    misses: 'Look-ups that had to be made elsewhere',
    evictions: 'Entries pushed out before their time',
  };
  for (const [count, help] of Object.entries(cacheCounts) as [keyof typeof cacheCounts, string][]) {
    registry.registerMetric(
      readCounter(`cache_${count}_total`, help, ['cache'], (counter) => {
        for (const cache of caches()) counter.inc({ cache: cache.name }, cache[count]);
      }),
    );
  }
  registry.registerMetric(readGauge('mcp_sessions_active', 'MCP sessions open', sessions));
}

/** All of it as Prometheus text. prom-client's histograms cannot take counts that are there already: ours are written here. */
export async function renderMetrics({ registry, http, upstream }: Metrics): Promise<string> {
  const rest = await registry.metrics();
  const requests = renderHistogram(
    'http_request_duration_seconds',
    'From the arrival of the head to the end of the answer',
    http,
  );
  const calls = renderHistogram('upstream_request_duration_seconds', 'Calls of upstream MCP servers', upstream);
  return `${rest}\n${requests}\n${calls}`;
}

/** https://prometheus.io/docs/instrumenting/exposition_formats/#histograms-and-summaries: buckets are cumulative. */
function renderHistogram(name: string, help: string, table: Map<string, Series>): string {
  const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} histogram`];
  for (const { labels, count, sumSeconds, buckets } of table.values()) {
    const own = Object.entries(labels).map(([key, value]) => `${key}="${escapeLabel(value)}"`);
    let cumulative = 0;
    for (const [at, bound] of durationBuckets.entries()) {
      cumulative += buckets[at] ?? 0;
      lines.push(`${name}_bucket{${[...own, `le="${bound}"`].join(',')}} ${cumulative}`);
    }
    lines.push(`${name}_bucket{${[...own, 'le="+Inf"'].join(',')}} ${count}`);
    lines.push(`${name}_sum{${own.join(',')}} ${sumSeconds}`, `${name}_count{${own.join(',')}} ${count}`);
  }
  return `${lines.join('\n')}\n`;
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

/** Counts one failure. */
export function countError(metrics: Metrics, code: string): void {
  metrics.errors.set(code, (metrics.errors.get(code) ?? 0) + 1);
}

/** The series under `key`, made when it is new. */
export function seriesOf(table: Map<string, Series>, key: string, toLabels: () => Record<string, string>): Series {
  const known = table.get(key);
  if (known !== undefined) return known;
  const made = createSeries(toLabels());
  table.set(key, made);
  return made;
}

function readGauge(name: string, help: string, read: () => number): Gauge {
  return new Gauge({
    name,
    help,
    registers: [],
    collect() {
      this.set(read());
    },
  });
}

function readCounter(name: string, help: string, labelNames: string[], fill: (counter: Counter) => void): Counter {
  return new Counter({
    name,
    help,
    labelNames,
    registers: [],
    collect() {
      this.reset();
      fill(this);
    },
  });
}
