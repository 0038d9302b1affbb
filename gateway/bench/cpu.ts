// CPU time and memory of a process, and how busy a core is, from /proc (proc(5)).
import { readFile } from 'node:fs/promises';

/** USER_HZ, fixed on Linux. */
const TICKS_PER_SECOND = 100;

/** User and system time of the process, seconds. */
export async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The second field is the name in brackets and may hold blanks.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Its own processes: the workers of a gateway with several. */
export async function childrenOf(pid: number): Promise<number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return children
    .split(' ')
    .map(Number)
    .filter((child) => child > 0);
}

export async function rssBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
}

export interface CoreTime {
  busy: number;
  total: number;
}

/** Of one core since the machine started, ticks; time stolen by others counts as busy: it was not there to be had. */
export async function coreTime(core: number): Promise<CoreTime> {
  const stat = await readFile('/proc/stat', 'utf8');
  const line = stat.split('\n').find((row) => row.startsWith(`cpu${core} `)) ?? '';
  const ticks = line.split(' ').slice(1, 9).map(Number);
  const total = ticks.reduce((sum, value) => sum + value, 0);
  return { busy: total - (ticks[3] ?? 0) - (ticks[4] ?? 0), total };
}

/** Percent of the time between two readings. */
export function busyPercent(before: CoreTime, after: CoreTime): number {
  return (100 * (after.busy - before.busy)) / Math.max(1, after.total - before.total);
}
