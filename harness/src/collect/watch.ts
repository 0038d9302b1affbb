// Drives all collectors on one clock. A slow or broken one delays neither the others nor the load, and never ends the run.
import type { PlannedTrial } from '../plan/plan.ts';
import type { Artifact, RunResult, Series } from '../result/result.ts';
import { startClock } from './clock.ts';
import type { Collector, CollectorContext, CollectorSession } from './collector.ts';
import { type Cost, createCostMeter } from './cost.ts';

/** A collector that does not answer within this is told as not available; its answer is no longer awaited. */
const DEADLINE_MS = 5000;
/** So many failed samples in a row, and a collector is not asked again: a restart of the gateway takes fewer. */
const GIVE_UP_AFTER = 10;

export interface Watch extends AsyncDisposable {
  /** Just before the load. Never throws. */
  beginTrial(trial: PlannedTrial): Promise<void>;
  /** Just after the load: what each collector saw, by its id. Never throws. */
  endTrial(trial: PlannedTrial): Promise<Record<string, Artifact>>;
  series(): Series;
  summary(): RunResult['collectors'];
}

interface Watched {
  id: string;
  title: string;
  collector: Collector;
  session: CollectorSession | undefined;
  /** Why it is not available; kept for the rest of the run. */
  reason: string | undefined;
  samples: number;
  failures: number;
  failuresInARow: number;
  lastFailure: string | undefined;
  busy: boolean;
  /** Why the trial that is running has no artifact. */
  trialFailure: string | undefined;
  cost: Cost;
  /** `cost.wallMs` when the trial that is running began. */
  wallMsBefore: number;
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
    busy: false,
    trialFailure: undefined,
    cost: { cpuMs: 0, wallMs: 0 },
    wallMsBefore: 0,
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
    if (watched.session?.sample === undefined || watched.busy || watched.reason !== undefined) return;
    const { session } = watched;
    watched.busy = true;
    try {
      const values = await meter.run(watched.cost, async () => session.sample?.(nowMs));
      for (const [name, value] of Object.entries(values ?? {})) {
        const place = places.get(`${watched.id}.${name}`);
        if (place !== undefined && Number.isFinite(value)) row[place] = value;
      }
      watched.samples++;
      watched.failuresInARow = 0;
    } catch (error) {
      recordFailure(watched, error);
      watched.failuresInARow++;
      if (watched.failuresInARow >= GIVE_UP_AFTER) watched.reason = toMessage(error);
    } finally {
      watched.busy = false;
    }
  }

  const clock = startClock(context.intervalSeconds * 1000, (nowMs) => {
    const row: (number | null)[] = [nowMs, ...new Array<null>(columns.length - 1).fill(null)];
    rows.push(row);
    for (const watched of all) void sample(watched, nowMs, row);
  });

  let disposal: Promise<void> | undefined;
  return {
    async beginTrial(trial) {
      await Promise.all(
        all.map(async (watched) => {
          watched.trialFailure = undefined;
          watched.wallMsBefore = watched.cost.wallMs;
          const { session } = watched;
          if (session?.beginTrial === undefined || watched.reason !== undefined) return;
          try {
            await inTime(meter.run(watched.cost, async () => session.beginTrial?.(trial)));
          } catch (error) {
            watched.trialFailure = toMessage(error);
          }
        }),
      );
    },
    async endTrial(trial) {
      const artifacts: Record<string, Artifact> = {};
      await Promise.all(
        all.map(async (watched) => {
          const reason = watched.reason ?? watched.trialFailure;
          if (reason !== undefined) {
            artifacts[watched.id] = { available: false, reason };
            return;
          }
          const { session } = watched;
          if (session?.endTrial === undefined) return;
          try {
            const data = await inTime(meter.run(watched.cost, async () => session.endTrial?.(trial)));
            artifacts[watched.id] = { available: true, costMs: watched.cost.wallMs - watched.wallMsBefore, data };
          } catch (error) {
            artifacts[watched.id] = { available: false, reason: toMessage(error) };
          }
        }),
      );
      return artifacts;
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
        if (watched.session !== undefined) await inTime(Promise.resolve(watched.session[Symbol.asyncDispose]()));
      } catch (error) {
        recordFailure(watched, new Error(`it did not stop cleanly: ${toMessage(error)}`, { cause: error }));
      }
    }),
  );
}

function toSummary({
  id,
  title,
  reason,
  samples,
  failures,
  lastFailure,
  cost,
}: Watched): RunResult['collectors'][number] {
  const neverWorked = samples === 0 && failures > 0 ? lastFailure : undefined;
  const partly =
    failures > 0 ? `${failures} of ${failures + samples} readings failed, the last one: ${lastFailure}` : null;
  return {
    id,
    title,
    available: reason === undefined && neverWorked === undefined,
    reason: reason ?? neverWorked ?? partly,
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
