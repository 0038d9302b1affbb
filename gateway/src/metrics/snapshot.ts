// Everything that was counted, as plain objects: they cross from worker to primary as JSON, are merged there, and become
// Prometheus' text: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
import { AggregatorRegistry, type MetricObjectWithValues, type MetricValue } from 'prom-client';
import type { Metrics } from '../metrics.ts';
import { durationBuckets, type Series } from './series.ts';

interface SeriesSnapshot {
  labels: Record<string, string>;
  count: number;
  sumSeconds: number;
  buckets: number[];
}

interface HistogramSnapshot {
  name: string;
  help: string;
  series: SeriesSnapshot[];
}

export interface MetricsSnapshot {
  /** prom-client's own form. */
  plain: MetricObjectWithValues<MetricValue<string>>[];
  histograms: HistogramSnapshot[];
}

/** Metrics of that name are told worker by worker, and go with it. */
const OF_ONE_WORKER = 'gateway_worker_';

export async function snapshotMetrics(metrics: Metrics): Promise<MetricsSnapshot> {
  return {
    plain: await metrics.registry.getMetricsAsJSON(),
    histograms: metrics.histograms.map(({ name, help, table }) => ({
      name,
      help,
      series: [...table.values()].map((series) => ({ ...series, buckets: [...series.buckets] })),
    })),
  };
}

/** What only grows, of a process that is gone or does not answer: a scrape must never show less of it than one before. */
export function countsOf({ plain, histograms }: MetricsSnapshot): MetricsSnapshot {
  const isKept = ({ name, type }: { name: string; type: unknown }) =>
    (type === 'counter' || type === 'histogram') && !name.startsWith(OF_ONE_WORKER);
  return { plain: plain.filter(isKept), histograms };
}

/** Added as `renderSnapshots` does it. */
export function mergeSnapshots(snapshots: MetricsSnapshot[]): MetricsSnapshot {
  const merged = AggregatorRegistry.aggregate(snapshots.map(({ plain }) => plain)).getMetricsAsArray();
  const plain = merged as unknown as MetricsSnapshot['plain'];
  return { plain, histograms: mergeHistograms(snapshots) };
}

/**
 * The figures of several processes as one: counts and durations are added; gauges are added, or averaged where a sum means
 * nothing (event-loop lag), as prom-client says of each.
 */
export async function renderSnapshots(snapshots: MetricsSnapshot[]): Promise<string> {
  const plain = await AggregatorRegistry.aggregate(snapshots.map((snapshot) => snapshot.plain)).metrics();
  return [plain, ...mergeHistograms(snapshots).map(renderHistogram)].join('\n');
}

/** Of this process alone. */
export async function renderMetrics(metrics: Metrics): Promise<string> {
  const tables = metrics.histograms.map(({ name, help, table }) =>
    renderHistogram({ name, help, series: [...table.values()] }),
  );
  return [await metrics.registry.metrics(), ...tables].join('\n');
}

function mergeHistograms(snapshots: MetricsSnapshot[]): HistogramSnapshot[] {
  const merged = new Map<string, { help: string; series: Map<string, SeriesSnapshot> }>();
  for (const { name, help, series } of snapshots.flatMap(({ histograms }) => histograms)) {
    const known = merged.get(name) ?? { help, series: new Map<string, SeriesSnapshot>() };
    merged.set(name, known);
    for (const one of series) add(known.series, one);
  }
  return [...merged].map(([name, { help, series }]) => ({ name, help, series: [...series.values()] }));
}

function add(table: Map<string, SeriesSnapshot>, one: SeriesSnapshot): void {
  const key = JSON.stringify(one.labels);
  const sum = table.get(key);
  if (sum === undefined) {
    table.set(key, { ...one, buckets: [...one.buckets] });
    return;
  }
  sum.count += one.count;
  sum.sumSeconds += one.sumSeconds;
  sum.buckets = sum.buckets.map((count, at) => count + (one.buckets[at] ?? 0));
}

/** Buckets are cumulative there. prom-client's histograms cannot take counts that are there already: ours are written here. */
function renderHistogram(histogram: { name: string; help: string; series: (SeriesSnapshot | Series)[] }): string {
  const { name, help, series } = histogram;
  const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} histogram`];
  for (const { labels, count, sumSeconds, buckets } of series) {
    const own = Object.entries(labels).map(([key, value]) => `${key}="${escapeLabel(value)}"`);
    const of = (label: string) => `{${[...own, label].join(',')}}`;
    const named = own.length === 0 ? '' : `{${own.join(',')}}`;
    let cumulative = 0;
    for (const [at, bound] of durationBuckets.entries()) {
      cumulative += buckets[at] ?? 0;
      lines.push(`${name}_bucket${of(`le="${bound}"`)} ${cumulative}`);
    }
    lines.push(`${name}_bucket${of('le="+Inf"')} ${count}`);
    lines.push(`${name}_sum${named} ${sumSeconds}`, `${name}_count${named} ${count}`);
  }
  return `${lines.join('\n')}\n`;
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
