// /proc/stat: CPU time by state, of the machine and of each core.

/** Clock ticks since boot. `guest` time is part of `user` already and left out. */
export interface CpuTicks {
  user: number;
  nice: number;
  system: number;
  idle: number;
  iowait: number;
  irq: number;
  softirq: number;
  steal: number;
}

export interface CpuReading {
  total: CpuTicks;
  /** By core number. */
  cores: CpuTicks[];
  contextSwitches: number;
}

/** Shares of the time between two readings, 0 to 100. */
export interface CpuShares {
  busyPercent: number;
  stealPercent: number;
  iowaitPercent: number;
}

/** @throws when the text has no `cpu` line */
export function parseCpu(text: string): CpuReading {
  let total: CpuTicks | undefined;
  let contextSwitches = 0;
  const cores: CpuTicks[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('cpu ')) total = toTicks(line);
    else if (line.startsWith('cpu')) cores[Number(line.slice(3, line.indexOf(' ')))] = toTicks(line);
    else if (line.startsWith('ctxt ')) contextSwitches = Number(line.slice(5));
  }
  if (total === undefined) throw new Error('/proc/stat has no line "cpu"');
  return { total, cores, contextSwitches };
}

// A kernel before 2.6.11 has no steal; one in a container may leave columns out: they count as 0.
function toTicks(line: string): CpuTicks {
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] = line
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return { user, nice, system, idle, iowait, irq, softirq, steal };
}

/** undefined when no tick passed between the readings. Busy is everything but idle, iowait and steal. */
export function toShares(before: CpuTicks, after: CpuTicks): CpuShares | undefined {
  const ticks = { ...after };
  let all = 0;
  for (const state of Object.keys(ticks) as (keyof CpuTicks)[]) {
    // iowait and idle may go backwards by a tick when a core sleeps without its clock.
    ticks[state] = Math.max(0, after[state] - before[state]);
    all += ticks[state];
  }
  if (all === 0) return undefined;
  const percent = (value: number) => (100 * value) / all;
  return {
    busyPercent: percent(all - ticks.idle - ticks.iowait - ticks.steal),
    stealPercent: percent(ticks.steal),
    iowaitPercent: percent(ticks.iowait),
  };
}
