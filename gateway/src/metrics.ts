// The metric table. What the request path counts are plain numbers, put into Prometheus' form when it scrapes:
// prom-client hashes its labels on every call, which would be paid by every request.
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { createSeries, observe, type Series, seriesOf } from './metrics/series.ts';

export { observe, type Series, seriesOf } from './metrics/series.ts';
export {
  countsOf,
  type MetricsSnapshot,
  mergeSnapshots,
  renderMetrics,
  renderSnapshots,
  snapshotMetrics,
} from './metrics/snapshot.ts';

/** Figures that other parts keep and that are read at scrape time. */
export interface MetricSources {
  database: () => { size: number; active: number; idle: number; waiting: number; overflow: number };
  caches: () => { name: string; hits: number; misses: number; evictions: number; size: number }[];
  sessions: () => number;
  /** Requests answered with 503 because of BACKPRESSURE. */
  refused: () => number;
  /** Rows that are written in bulk: those that never were, because the database was away for too long or refused them. */
  records: () => { table: string; dropped: number }[];
  /** All of them, as they came in. */
  served: () => number;
}

/** What the gateway counts. */
export interface Metrics {
  /** One series per method, route and status; made on first use. */
  http: Map<string, Series>;
  httpInFlight: number;
  /** One series per upstream method and outcome. */
  upstream: Map<string, Series>;
  /** By layer of the request path; counted while LAYER_TIMINGS_ENABLED is on. */
  layers: Map<string, Series>;
  /** Of statements and of waits for a connection. */
  databaseQuery: Series;
  databaseWait: Series;
  /** All tables of durations, with their names. */
  histograms: { name: string; help: string; table: Map<string, Series> }[];
  /** By error code (`GW_UPSTREAM_TIMEOUT`, `-32602`). */
  errors: Map<string, number>;
  /** The rest: the process' own (CPU, memory, event loop, GC) and what `watchSources` adds. */
  registry: Registry;
}

/** @param isEnabled ENABLE_METRICS; off: nobody will read it, and the process is not watched (event loop, GC) */
export function createMetrics(isEnabled = true): Metrics {
  const registry = new Registry();
  if (isEnabled) {
    collectDefaultMetrics({ register: registry });
    const worker = new Gauge({
      name: 'gateway_worker_info',
      help: 'Whose figures these are',
      labelNames: ['pid'],
      registers: [registry],
    });
    worker.set({ pid: String(process.pid) }, 1);
  }
  const http = new Map<string, Series>();
  const upstream = new Map<string, Series>();
  const layers = new Map<string, Series>();
  const databaseQuery = createSeries({});
  const databaseWait = createSeries({});
  const metrics: Metrics = {
    http,
    httpInFlight: 0,
    upstream,
    layers,
    databaseQuery,
    databaseWait,
    histograms: [
      {
        name: 'http_request_duration_seconds',
        help: 'From the arrival of the head to the end of the answer',
        table: http,
      },
      { name: 'upstream_request_duration_seconds', help: 'Calls of upstream MCP servers', table: upstream },
      { name: 'db_query_duration_seconds', help: 'Statements', table: new Map([['', databaseQuery]]) },
      { name: 'db_pool_wait_seconds', help: 'Waits for a database connection', table: new Map([['', databaseWait]]) },
      {
        name: 'gateway_layer_duration_seconds',
        help: 'Time of one request by layer (LAYER_TIMINGS_ENABLED)',
        table: layers,
      },
    ],
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
  const { database, caches, sessions, refused, records, served } = sources;
  registry.registerMetric(
    readGauge('database_connections_active', 'Pooled connections in use', () => database().active),
  );
  // The same under the names of the source's tuning guide.
  registry.registerMetric(
    readGauge('db_pool_connections_active', 'Pooled connections in use', () => database().active),
  );
  registry.registerMetric(
    readGauge('db_pool_size', 'Database connections that are kept open (DB_POOL_SIZE)', () => database().size),
  );
  registry.registerMetric(readGauge('db_pool_connections_idle', 'Pooled connections free', () => database().idle));
  registry.registerMetric(
    readGauge('db_pool_connections_overflow', 'Pooled connections beyond db_pool_size', () => database().overflow),
  );
  registry.registerMetric(
    readGauge('db_pool_connections_waiting', 'Who waits for a pooled connection', () => database().waiting),
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
  registry.registerMetric(
    readGauges('cache_entries', 'Entries in memory', ['cache'], (gauge) => {
      for (const { name, size } of caches()) gauge.set({ cache: name }, size);
    }),
  );
  registry.registerMetric(readGauge('mcp_sessions_active', 'MCP sessions open', sessions));
  registry.registerMetric(
    readCounter('http_requests_refused_total', 'Answered with 503 because of BACKPRESSURE', [], (counter) =>
      counter.inc(refused()),
    ),
  );
  registry.registerMetric(
    readCounter('gateway_records_dropped_total', 'Records that were not written', ['table'], (counter) => {
      for (const { table, dropped } of records()) counter.inc({ table }, dropped);
    }),
  );
  // By worker: whether the work is spread is what the sums do not show.
  registry.registerMetric(
    readCounter('gateway_worker_requests_total', 'Requests that came in, by worker', ['pid'], (counter) =>
      counter.inc({ pid: String(process.pid) }, served()),
    ),
  );
}

/** One call of an upstream: `outcome` is `ok`, `rpc-error` or the code of the failure. On the request path. */
export function observeUpstream({ upstream }: Metrics, method: string, outcome: string, seconds: number): void {
  observe(
    seriesOf(upstream, `${method} ${outcome}`, () => ({ method, outcome })),
    seconds,
  );
}

/** Times statements and waits for connections. */
export function observeDatabase({ databaseWait, databaseQuery }: Metrics) {
  return {
    waited: (startedAt: number, endedAt: number) => observe(databaseWait, (endedAt - startedAt) / 1000),
    queried: (startedAt: number, endedAt: number) => observe(databaseQuery, (endedAt - startedAt) / 1000),
  };
}

/** Counts one failure. */
export function countError(metrics: Metrics, code: string): void {
  metrics.errors.set(code, (metrics.errors.get(code) ?? 0) + 1);
}

export function readGauge(name: string, help: string, read: () => number): Gauge {
  return new Gauge({
    name,
    help,
    registers: [],
    collect() {
      this.set(read());
    },
  });
}

/** @param aggregator what several workers' values become: their sum says nothing of a state */
export function readGauges(
  name: string,
  help: string,
  labelNames: string[],
  fill: (gauge: Gauge) => void,
  aggregator: 'sum' | 'max' = 'sum',
): Gauge {
  return new Gauge({
    name,
    help,
    labelNames,
    aggregator,
    registers: [],
    collect() {
      this.reset();
      fill(this);
    },
  });
}

export function readCounter(
  name: string,
  help: string,
  labelNames: string[],
  fill: (counter: Counter) => void,
): Counter {
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
