// The gateway's own runtime, from the default metrics of prom-client in its /metrics: event loop, garbage collection, heap.
import { type Static, Type } from 'typebox';
import type { SubjectName } from '../plan/plan.ts';
import type { Collector, Column } from './collector.ts';
import { createPeakSampler, Peaks } from './peaks.ts';
import { type Sample, scrape, sumOf } from './scrape.ts';
import { columnsFor, gatewayOf, subjectsOf } from './subjects.ts';

const strict = { additionalProperties: false } as const;

const columns: Column[] = [
  { name: 'event_loop_delay_p50_ms', unit: 'ms', title: 'Event-loop delay, p50' },
  { name: 'event_loop_delay_p99_ms', unit: 'ms', title: 'Event-loop delay, p99' },
  { name: 'event_loop_delay_max_ms', unit: 'ms', title: 'Event-loop delay, longest' },
  { name: 'event_loop_utilization_percent', unit: '%', title: 'Event-loop utilization' },
  { name: 'cpu_percent', unit: '%', title: 'CPU of the gateway, by its own account' },
  { name: 'gc_percent', unit: '%', title: 'Time in garbage collection' },
  { name: 'gc_per_second', unit: '1/s', title: 'Garbage collections' },
  { name: 'heap_used_bytes', unit: 'bytes', title: 'Heap used' },
  { name: 'heap_total_bytes', unit: 'bytes', title: 'Heap reserved' },
];

export const GatewayRuntimeArtifact = Type.Object(
  {
    seconds: Type.Number({ description: 'between the two readings' }),
    cpuSeconds: Type.Union([Type.Number(), Type.Null()], { description: 'process_cpu_seconds_total' }),
    gc: Type.Union([
      Type.Object(
        {
          seconds: Type.Number(),
          count: Type.Number(),
          majorSeconds: Type.Number(),
          majorCount: Type.Number(),
        },
        strict,
      ),
      Type.Null(),
    ]),
    heapUsedBytes: Type.Union([Type.Number(), Type.Null()], { description: 'at the end' }),
    heapGrownBytes: Type.Union([Type.Number(), Type.Null()]),
    peaks: Peaks,
    restarted: Type.Boolean({ description: 'the gateway was restarted during the trial: counts are those since then' }),
  },
  strict,
);
export type GatewayRuntimeArtifact = Static<typeof GatewayRuntimeArtifact>;

/** What one answer of /metrics says; undefined where the gateway does not say it. */
export interface RuntimeReading {
  atMs: number;
  startedSeconds: number | undefined;
  cpuSeconds: number | undefined;
  gcSeconds: number | undefined;
  gcCount: number | undefined;
  gcMajorSeconds: number | undefined;
  gcMajorCount: number | undefined;
  heapUsedBytes: number | undefined;
  heapTotalBytes: number | undefined;
  utilization: number | undefined;
  /** p50, p99, longest, of the time since the answer before. */
  delayMs: [number, number, number] | undefined;
}

export const gatewayRuntime: Collector = {
  id: 'gateway-runtime',
  title: 'Gateway runtime',
  async start(context) {
    const read = async (subject: SubjectName) => {
      const atMs = performance.now();
      return toReading((await scrape(gatewayOf(context, subject))).samples, atMs);
    };
    const first = await Promise.all(subjectsOf(context).map(read));
    if (first.every(({ heapUsedBytes, delayMs }) => heapUsedBytes === undefined && delayMs === undefined)) {
      throw new Error('/metrics names neither nodejs_heap_size_used_bytes nor nodejs_eventloop_lag_p99_seconds');
    }
    const last = new Map<SubjectName, RuntimeReading>();
    const sampler = createPeakSampler(context, async (subject) => {
      const now = await read(subject);
      const earlier = last.get(subject);
      last.set(subject, now);
      return toValues(earlier, now);
    });
    return {
      columns: columnsFor(context, columns),
      sample: sampler.sample,
      async watchTrial(trial) {
        // Also empties the gateway's event-loop histogram: what comes next is the trial's.
        const before = await read(trial.subject);
        last.set(trial.subject, before);
        const end = sampler.watchTrial(trial);
        return async (): Promise<GatewayRuntimeArtifact> => {
          const peaks = await end();
          return { ...toDifference(before, last.get(trial.subject) ?? before), peaks };
        };
      },
      async [Symbol.asyncDispose]() {},
    };
  },
};

export function toReading(samples: readonly Sample[], atMs: number): RuntimeReading {
  const read = (name: string, labels?: string) => sumOf(samples, name, labels);
  return {
    atMs,
    startedSeconds: read('process_start_time_seconds'),
    cpuSeconds: read('process_cpu_seconds_total'),
    gcSeconds: read('nodejs_gc_duration_seconds_sum'),
    gcCount: read('nodejs_gc_duration_seconds_count'),
    gcMajorSeconds: read('nodejs_gc_duration_seconds_sum', 'kind="major"'),
    gcMajorCount: read('nodejs_gc_duration_seconds_count', 'kind="major"'),
    heapUsedBytes: read('nodejs_heap_size_used_bytes'),
    heapTotalBytes: read('nodejs_heap_size_total_bytes'),
    utilization: read('nodejs_eventloop_utilization'),
    delayMs: toDelay(samples),
  };
}

/**
 * Node's monitorEventLoopDelay measures the whole time between two firings of a timer, so an idle loop shows the timer's
 * own 10 ms: the least of the same window is taken off. An empty window reads as NaN or a huge least: then there is none.
 */
function toDelay(samples: readonly Sample[]): [number, number, number] | undefined {
  const read = (part: string) => sumOf(samples, `nodejs_eventloop_lag_${part}_seconds`);
  const [least, p50, p99, longest] = [read('min'), read('p50'), read('p99'), read('max')];
  if (least === undefined || p50 === undefined || p99 === undefined || longest === undefined) return undefined;
  if (![least, p50, p99, longest].every(Number.isFinite) || least > longest) return undefined;
  // Percentiles of the histogram are rounded to three digits and may lie below the least.
  return [p50, p99, longest].map((seconds) => Math.max(0, seconds - least) * 1000) as [number, number, number];
}

function toValues(before: RuntimeReading | undefined, now: RuntimeReading): Record<string, number> {
  const values: Record<string, number> = {};
  const put = (name: string, value: number | undefined | null) => {
    if (value !== undefined && value !== null) values[name] = value;
  };
  put('event_loop_delay_p50_ms', now.delayMs?.[0]);
  put('event_loop_delay_p99_ms', now.delayMs?.[1]);
  put('event_loop_delay_max_ms', now.delayMs?.[2]);
  if (now.utilization !== undefined) put('event_loop_utilization_percent', 100 * now.utilization);
  put('heap_used_bytes', now.heapUsedBytes);
  put('heap_total_bytes', now.heapTotalBytes);
  if (before === undefined) return values;
  const { seconds, cpuSeconds, gc, restarted } = toDifference(before, now);
  if (restarted || seconds <= 0) return values;
  if (cpuSeconds !== null) put('cpu_percent', (100 * cpuSeconds) / seconds);
  if (gc !== null) {
    put('gc_percent', (100 * gc.seconds) / seconds);
    put('gc_per_second', gc.count / seconds);
  }
  return values;
}

export function toDifference(before: RuntimeReading, after: RuntimeReading): Omit<GatewayRuntimeArtifact, 'peaks'> {
  const restarted = before.startedSeconds !== after.startedSeconds;
  const since = (name: 'cpuSeconds' | 'gcSeconds' | 'gcCount' | 'gcMajorSeconds' | 'gcMajorCount') =>
    (after[name] ?? 0) - (restarted ? 0 : (before[name] ?? 0));
  return {
    seconds: (after.atMs - before.atMs) / 1000,
    cpuSeconds: after.cpuSeconds === undefined ? null : since('cpuSeconds'),
    gc:
      after.gcSeconds === undefined
        ? null
        : {
            seconds: since('gcSeconds'),
            count: since('gcCount'),
            majorSeconds: since('gcMajorSeconds'),
            majorCount: since('gcMajorCount'),
          },
    heapUsedBytes: after.heapUsedBytes ?? null,
    heapGrownBytes:
      restarted || after.heapUsedBytes === undefined || before.heapUsedBytes === undefined
        ? null
        : after.heapUsedBytes - before.heapUsedBytes,
    restarted,
  };
}
