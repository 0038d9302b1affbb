// Figures of this worker for the pages: counts since its start, so that whoever asks twice has what happened between.
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import type { Caches } from '../../cache/caches.ts';
import type { Config } from '../../config.ts';
import type { PoolMetrics } from '../../federation/upstreams.ts';
import { durationBuckets } from '../../metrics/series.ts';
import type { Metrics } from '../../metrics.ts';
import type { Records } from '../../records/index.ts';
import { countRegistry, type RegistryCounts } from '../../registry/counts.ts';
import type { Store } from '../../store/store.ts';
import type { Load } from '../load.ts';

export interface StatsOptions {
  config: Config;
  metrics: Metrics;
  caches: Caches;
  store: Pick<Store, 'query' | 'pool'>;
  records: Records;
  load: Load;
  poolMetrics: () => PoolMetrics;
  clientSessions: () => number;
}

const LOOP_RESOLUTION_MS = 20;
const NANOSECONDS = 1e6;

export class AdminStats implements Disposable {
  readonly #options: StatsOptions;
  readonly #counts;
  readonly #executions;
  /** Watches from the first look on: who never looks pays nothing. */
  #loop: IntervalHistogram | undefined;

  constructor(options: StatsOptions) {
    this.#options = options;
    const { caches, config } = options;
    const isEnabled = () => config.ADMIN_STATS_CACHE_ENABLED;
    const counts = caches.create<RegistryCounts>({
      name: 'admin_system',
      isEnabled,
      ttlMs: () => config.ADMIN_STATS_CACHE_SYSTEM_TTL * 1000,
      max: () => 1,
    });
    caches.onInvalidate((name) => {
      if (name.startsWith('list_')) counts.drop();
    });
    this.#counts = counts;
    this.#executions = caches.create<object>({
      name: 'admin_observability',
      isEnabled,
      ttlMs: () => config.ADMIN_STATS_CACHE_OBSERVABILITY_TTL * 1000,
      max: () => 1,
    });
  }

  /** @throws GW_DATABASE_UNAVAILABLE */
  async counts(): Promise<RegistryCounts> {
    return await this.#counts.getOrLoad('', () => countRegistry(this.#options.store));
  }

  /** Undefined: executions are not recorded. @throws GW_DATABASE_UNAVAILABLE */
  async executions(): Promise<object | undefined> {
    const { figures } = this.#options.records;
    return figures && (await this.#executions.getOrLoad('', () => figures.overview(5)));
  }

  /** No I/O: it is asked every other second. */
  live() {
    const { metrics, caches, store, load, poolMetrics, clientSessions, config } = this.#options;
    const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
    return {
      atMs: Math.round(performance.now()),
      pid: process.pid,
      workers: config.WORKERS,
      uptimeSeconds: Math.round(process.uptime()),
      http: config.ENABLE_METRICS ? sumRequests(metrics) : undefined,
      running: load.running,
      refused: load.refused,
      connections: load.sockets.size,
      clientSessions: clientSessions(),
      errors: Object.fromEntries(metrics.errors),
      eventLoop: this.#eventLoop(),
      memory: { rssBytes: rss, heapUsedBytes: heapUsed, heapTotalBytes: heapTotal, externalBytes: external },
      database: store.pool(),
      pool: poolMetrics(),
      caches: caches.stats(),
    };
  }

  memory() {
    const resources = new Map<string, number>();
    for (const name of process.getActiveResourcesInfo()) resources.set(name, (resources.get(name) ?? 0) + 1);
    return {
      pid: process.pid,
      uptimeSeconds: Math.round(process.uptime()),
      process: process.memoryUsage(),
      heap: getHeapStatistics(),
      handles: Object.fromEntries([...resources].sort(([, left], [, right]) => right - left)),
    };
  }

  [Symbol.dispose](): void {
    this.#loop?.disable();
  }

  /** Of the time since the last look. */
  #eventLoop() {
    if (this.#loop === undefined) {
      this.#loop = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
      this.#loop.enable();
    }
    const loop = this.#loop;
    // The timer itself takes its resolution: what is more than that is lag. Without samples there is nothing to tell.
    const lag = (nanoseconds: number) =>
      loop.count === 0 ? 0 : Math.max(0, nanoseconds / NANOSECONDS - LOOP_RESOLUTION_MS);
    const seen = { p50Ms: lag(loop.percentile(50)), p99Ms: lag(loop.percentile(99)), maxMs: lag(loop.max) };
    loop.reset();
    return seen;
  }
}

/** Without the admin pages' own requests. */
function sumRequests({ http, httpInFlight }: Metrics) {
  const buckets = new Array<number>(durationBuckets.length + 1).fill(0);
  let count = 0;
  let failed = 0;
  for (const { labels, count: ofSeries, buckets: own } of http.values()) {
    if (labels['path']?.startsWith('/admin') === true) continue;
    count += ofSeries;
    if (Number(labels['status']) >= 500) failed += ofSeries;
    for (const [at, value] of own.entries()) buckets[at] = (buckets[at] ?? 0) + value;
  }
  return { count, failed, inFlight: httpInFlight, boundsSeconds: durationBuckets, buckets };
}
