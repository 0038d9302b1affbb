// Other processes that work while we are about to measure.
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { readText } from './read-text.ts';

/** USER_HZ, in which /proc counts CPU time: 100 on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;
const WATCH_MS = 300;
/** Of one core. */
const BUSY_PERCENT = 20;
const MOST_NAMED = 5;

/** "another process uses 87 % of a core: …"; empty on a quiet machine and where there is no /proc. Names commands, not arguments. */
export async function findBusyProcesses(watchMs = WATCH_MS): Promise<string[]> {
  const before = readTicks();
  const startedAt = performance.now();
  await sleep(watchMs);
  const seconds = (performance.now() - startedAt) / 1000;
  return [...readTicks()]
    .map(([pid, { ticks, command }]) => {
      const earlier = before.get(pid)?.ticks ?? ticks;
      return { pid, command, percent: (100 * (ticks - earlier)) / TICKS_PER_SECOND / seconds };
    })
    .filter(({ pid, percent }) => pid !== process.pid && percent >= BUSY_PERCENT)
    .sort((one, other) => other.percent - one.percent)
    .slice(0, MOST_NAMED)
    .map(({ pid, command, percent }) => {
      return `another process uses ${Math.round(percent)} % of a core: ${command} (pid ${pid})`;
    });
}

function readTicks(): Map<number, { ticks: number; command: string }> {
  const found = new Map<number, { ticks: number; command: string }>();
  if (process.platform !== 'linux') return found;
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? readText(`/proc/${name}/stat`) : undefined;
    if (stat === undefined) continue;
    // proc(5): the command in parentheses may hold some itself; fields 14 and 15 are user and system time.
    const command = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    found.set(Number(name), { ticks: Number(fields[11]) + Number(fields[12]), command });
  }
  return found;
}
