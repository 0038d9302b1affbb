// CPU and memory of a gateway over exactly the load: read before, read after, take the difference.
import type { Usage } from '../result/result.ts';
import { type CpuTicks, parseCpu, toShares } from './proc/cpu.ts';
import { type ProcessReading, readProc, readProcess, readThreadNanoseconds, TICKS_PER_SECOND } from './proc/process.ts';
import { scrape, sumOf } from './scrape.ts';

interface ProcessUsage extends ProcessReading {
  threadNanoseconds: Map<number, number> | undefined;
}

export interface UsageReading {
  /** Empty where there is no /proc, or the gateway is not ours. */
  processes: ProcessUsage[];
  /** What the target's /metrics says, when its processes cannot be seen. */
  target: { cpuSeconds: number; rssBytes: number; startSeconds: number } | null;
  machine: CpuTicks | null;
}

/**
 * Of the processes as given (name a cluster's workers too); takes less than 1 ms per process: call it right beside the load.
 * @param target asked for `process_cpu_seconds_total` in its /metrics when there are no processes of ours to see
 */
export async function readUsage(
  pids: readonly number[],
  target?: { url: string; token: string },
): Promise<UsageReading> {
  const processes: ProcessUsage[] = [];
  for (const pid of new Set(pids)) {
    const reading = readProcess(pid);
    if (reading !== undefined) processes.push({ ...reading, threadNanoseconds: readThreadNanoseconds(pid) });
  }
  const machine = readMachine();
  const seen = processes.length === 0 && target !== undefined ? await readTarget(target) : null;
  // Another machine's steal is not ours.
  return { processes, target: seen, machine: seen === null ? machine : null };
}

/** null when /metrics cannot be read, or does not name the CPU time: some gateways keep it closed. */
async function readTarget(gateway: { url: string; token: string }): Promise<UsageReading['target']> {
  const samples = await scrape(gateway).then(
    (answer) => answer.samples,
    () => [],
  );
  const cpuSeconds = sumOf(samples, 'process_cpu_seconds_total');
  if (cpuSeconds === undefined) return null;
  return {
    cpuSeconds,
    rssBytes: sumOf(samples, 'process_resident_memory_bytes') ?? 0,
    startSeconds: sumOf(samples, 'process_start_time_seconds') ?? 0,
  };
}

/** null when nothing could be read, or a process of the gateway ended or was restarted in between. */
export function diffUsage(before: UsageReading, after: UsageReading): Usage | null {
  const stealPercent =
    before.machine !== null && after.machine !== null
      ? (toShares(before.machine, after.machine)?.stealPercent ?? null)
      : null;
  if (before.target !== null && after.target !== null) {
    if (after.target.startSeconds !== before.target.startSeconds) return null;
    const cpuSeconds = after.target.cpuSeconds - before.target.cpuSeconds;
    return { cpuSeconds, cpuSource: 'metrics', rssBytes: after.target.rssBytes, stealPercent };
  }
  if (after.processes.length === 0) return null;
  for (const process of before.processes) {
    if (!after.processes.some((other) => isSame(process, other))) return null;
  }
  const precise = toNanoseconds(before, after);
  const cpuSeconds = precise === undefined ? toTicks(before, after) / TICKS_PER_SECOND : precise / 1e9;
  const rssBytes = after.processes.reduce((sum, { rssBytes }) => sum + rssBytes, 0);
  return { cpuSeconds, cpuSource: precise === undefined ? 'stat' : 'schedstat', rssBytes, stealPercent };
}

const isSame = (one: ProcessUsage, other: ProcessUsage) => one.pid === other.pid && one.startTicks === other.startTicks;

/** undefined when threads cannot be seen, or one ended: what it used after the first reading is only in the ticks. */
function toNanoseconds(before: UsageReading, after: UsageReading): number | undefined {
  let sum = 0;
  for (const process of after.processes) {
    const earlier = before.processes.find((other) => isSame(process, other));
    const earlierThreads = earlier === undefined ? new Map<number, number>() : earlier.threadNanoseconds;
    if (process.threadNanoseconds === undefined || earlierThreads === undefined) return undefined;
    for (const tid of earlierThreads.keys()) if (!process.threadNanoseconds.has(tid)) return undefined;
    for (const [tid, nanoseconds] of process.threadNanoseconds) sum += nanoseconds - (earlierThreads.get(tid) ?? 0);
  }
  return sum;
}

function toTicks(before: UsageReading, after: UsageReading): number {
  return after.processes.reduce((sum, process) => {
    const earlier = before.processes.find((other) => isSame(process, other));
    return sum + process.cpuTicks - (earlier?.cpuTicks ?? 0);
  }, 0);
}

function readMachine(): CpuTicks | null {
  const text = readProc('/proc/stat');
  return text === undefined ? null : parseCpu(text).total;
}
