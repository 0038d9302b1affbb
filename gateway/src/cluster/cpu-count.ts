// How many processors this process may use: the machine's, less what affinity and control groups take away.
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

const MOST = 16;

/** WORKERS=auto of the source: 2 × CPU + 1, at most 16. */
export function workerCount(wanted: string, processors = processorCount()): number {
  return wanted === 'auto' ? Math.min(MOST, 2 * processors + 1) : Number(wanted);
}

/** At least 1; libuv of Node 20 knows affinity, but not control groups. */
export function processorCount(read: (path: string) => string | undefined = readText): number {
  return Math.max(1, Math.min(availableParallelism(), Math.ceil(cpuLimit(read) ?? Number.POSITIVE_INFINITY)));
}

/** The tightest CPU quota of the process' own control group and those above it; undefined without one. */
export function cpuLimit(read: (path: string) => string | undefined): number | undefined {
  let limit: number | undefined;
  for (const line of (read('/proc/self/cgroup') ?? '0::/').split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    const isSecond = controllers === '';
    if (!isSecond && !controllers.split(',').includes('cpu')) continue;
    const parts = path.split('/').filter((part) => part !== '');
    // In a container the path may be the host's, and only the root be there: every level that is there is read.
    for (let depth = parts.length; depth >= 0; depth--) {
      const at = ['', ...parts.slice(0, depth)].join('/');
      const one = isSecond
        ? readQuota(read(`/sys/fs/cgroup${at}/cpu.max`))
        : readQuota(
            `${read(`/sys/fs/cgroup/cpu${at}/cpu.cfs_quota_us`)} ${read(`/sys/fs/cgroup/cpu${at}/cpu.cfs_period_us`)}`,
          );
      if (one !== undefined) limit = Math.min(limit ?? one, one);
    }
  }
  return limit;
}

/** `200000 100000`: 2 processors; `max 100000` and `-1 100000`: all of them. */
function readQuota(text: string | undefined): number | undefined {
  const [quota, period] = (text ?? '').trim().split(/\s+/).map(Number);
  if (quota === undefined || period === undefined || !(quota > 0) || !(period > 0)) return undefined;
  return quota / period;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
