// Drives all collectors on one clock. A slow or broken one delays neither the others nor the load, and never ends the run.
import type { PlannedTrial } from '../plan/plan.ts';
import type { Artifact, RunResult, Series } from '../result/result.ts';
import { startClock } from './clock.ts';
import type { Collector, CollectorContext, CollectorSession } from './collector.ts';
import { type Cost, createCostMeter } from './cost.ts';
import { beginMoment } from './scrape.ts';

/** A collector that does not answer within this is told as not available; its answer is no longer awaited. */
const DEADLINE_MS = 5000;
/** So many failed samples up to the end of the run, and a collector is told as not available. It is asked on: the gateway may be starting. */
const MANY_FAILURES = 10;

export interface Watch extends AsyncDisposable {
  /**
   * Just before the load. What it returns is called just after the load and tells what each collector saw, by its id.
   * Trials may overlap. Neither of the two ever throws.
   */
  watchTrial(trial: PlannedTrial): Promise<() => Promise<Record<string, Artifact>>>;
  series(): Series;
  summary(): RunResult['collectors'];
}

interface Watched {
  id: string;
  title: string;
  collector: Collector;
  session: CollectorSession | undefined;
  /** Why it could not start. */
  reason: string | undefined;
  samples: number;
  failures: number;
  failuresInARow: number;
  lastFailure: string | undefined;
  /** The sample that is being taken. */
  sampling: Promise<void> | undefined;
  samplingSinceMs: number;
  cost: Cost;
}

/** @param collectors one whose `start` throws is told as not available, the others start */
export async function startWatch(collectors: readonly Collector[], context: CollectorContext): Promise<Watch> {
  const meter = createCostMeter();
  const all: Watched[] = collectors.map((collector) => ({
    id: collector.id,
    title: collector.title,
    collector,
    session: undefined,
    reason: undefined,
    samples: 0,
    failures: 0,
    failuresInARow: 0,
    lastFailure: undefined,
    sampling: undefined,
    samplingSinceMs: 0,
    cost: { cpuMs: 0, wallMs: 0 },
  }));
  await Promise.all(
    all.map(async (watched) => {
      const starting = meter.run(watched.cost, () => watched.collector.start(context));
      try {
        watched.session = await inTime(starting);
      } catch (error) {
        watched.reason = toMessage(error);
        // When it was only late, what it started is stopped as soon as it is there.
        starting.then((late) => late[Symbol.asyncDispose]()).catch((cause) => recordFailure(watched, cause));
      }
    }),
  );

  const columns: Series['columns'] = [{ id: 't', unit: 'ms', title: 'Time, epoch' }];
  const places = new Map<string, number>();
  for (const { id, session } of all) {
    for (const { name, unit, title } of session?.columns ?? []) {
      places.set(`${id}.${name}`, columns.length);
      columns.push({ id: `${id}.${name}`, unit, title });
    }
  }
  const rows: Series['rows'] = [];

  async function sample(watched: Watched, nowMs: number, row: (number | null)[]): Promise<void> {
    try {
      const values = await meter.run(watched.cost, async () => watched.session?.sample?.(nowMs));
      for (const [name, value] of Object.entries(values ?? {})) {
        const place = places.get(`${watched.id}.${name}`);
        if (place !== undefined && Number.isFinite(value)) row[place] = value;
      }
      watched.samples++;
      watched.failuresInARow = 0;
    } catch (error) {
      recordFailure(watched, error);
      watched.failuresInARow++;
    } finally {
      watched.sampling = undefined;
    }
  }

  const clock = startClock(context.intervalSeconds * 1000, (nowMs) => {
    const row: (number | null)[] = [nowMs, ...new Array<null>(columns.length - 1).fill(null)];
    rows.push(row);
    for (const watched of all) {
      if (watched.session?.sample === undefined || watched.sampling !== undefined) continue;
      watched.samplingSinceMs = performance.now();
      watched.sampling = sample(watched, nowMs, row);
    }
  });

  /** The trial as one collector sees it. */
  async function watchWith({ reason, session, cost }: Watched, trial: PlannedTrial): Promise<() => Promise<Artifact>> {
    if (reason !== undefined) return async () => ({ available: false, reason });
    const wallMsBefore = cost.wallMs;
    let end: (() => Promise<unknown>) | undefined;
    try {
      end = await inTime(meter.run(cost, async () => session?.watchTrial?.(trial)));
    } catch (error) {
      return async () => ({ available: false, reason: toMessage(error) });
    }
    return async () => {
      try {
        const data = await inTime(meter.run(cost, async () => end?.()));
        return { available: true, costMs: cost.wallMs - wallMsBefore, data };
      } catch (error) {
        return { available: false, reason: toMessage(error) };
      }
    };
  }

  let disposal: Promise<void> | undefined;
  return {
    async watchTrial(trial) {
      beginMoment();
      const telling = all.filter(({ reason, session }) => reason !== undefined || session?.watchTrial !== undefined);
      const ends = await Promise.all(
        telling.map(async (watched) => ({ id: watched.id, end: await watchWith(watched, trial) })),
      );
      return async () => {
        beginMoment();
        return Object.fromEntries(await Promise.all(ends.map(async ({ id, end }) => [id, await end()] as const)));
      };
    },
    series: () => ({ columns, rows: rows.map((row) => [...row]) }),
    summary: () => all.map(toSummary),
    [Symbol.asyncDispose]() {
      clock.stop();
      disposal ??= stopAll(all);
      return disposal;
    },
  };
}

function recordFailure(watched: Watched, error: unknown): void {
  watched.failures++;
  watched.lastFailure = toMessage(error);
}

async function stopAll(all: Watched[]): Promise<void> {
  await Promise.all(
    all.map(async (watched) => {
      try {
        if (watched.sampling !== undefined) await inTime(watched.sampling);
        await inTime(Promise.resolve(watched.session?.[Symbol.asyncDispose]()));
      } catch (error) {
        recordFailure(watched, new Error(`it did not stop cleanly: ${toMessage(error)}`, { cause: error }));
      }
    }),
  );
}

function toSummary(watched: Watched): RunResult['collectors'][number] {
  const { id, title, reason, samples, failures, failuresInARow, lastFailure, cost } = watched;
  const hangs = watched.sampling !== undefined && performance.now() - watched.samplingSinceMs > DEADLINE_MS;
  const hasFailed = failures > 0 && (samples === 0 || failuresInARow >= MANY_FAILURES);
  const partly =
    failures > 0 ? `${failures} of ${failures + samples} readings failed, the last one: ${lastFailure}` : null;
  return {
    id,
    title,
    available: reason === undefined && !hangs && !hasFailed,
    reason: reason ?? (hangs ? `a sample was not answered within ${DEADLINE_MS / 1000} s` : partly),
    cpuMs: cost.cpuMs,
    samples,
  };
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await Promise.race([
      work,
      new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`it did not answer within ${DEADLINE_MS / 1000} s`)), DEADLINE_MS);
      }),
    ]);
  } finally {
    clearTimeout(timer);
  }
}

function toMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
