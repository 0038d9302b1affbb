import { availableParallelism } from 'node:os';
import { expect, it } from 'vitest';
import { cpuLimit, processorCount, workerCount } from '../../src/cluster/cpu-count.ts';

const files = (table: Record<string, string>) => (path: string) => table[path];

it('takes 2 × CPU + 1 workers, at most 16, or as many as are asked for', () => {
  expect(workerCount('auto', 1)).toBe(3);
  expect(workerCount('auto', 2)).toBe(5);
  expect(workerCount('auto', 8)).toBe(16);
  expect(workerCount('7', 1)).toBe(7);
});

it('reads the quota of the second version of control groups, the tightest of all levels', () => {
  const read = files({
    '/proc/self/cgroup': '0::/kubepods/pod1\n',
    '/sys/fs/cgroup/kubepods/pod1/cpu.max': 'max 100000\n',
    '/sys/fs/cgroup/kubepods/cpu.max': '150000 100000\n',
  });
  expect(cpuLimit(read)).toBe(1.5);
});

it('reads the quota of the first version', () => {
  const read = files({
    '/proc/self/cgroup': '11:memory:/docker/a\n4:cpu,cpuacct:/docker/a\n',
    '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '50000\n',
    '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
  });
  expect(cpuLimit(read)).toBe(0.5);
  expect(processorCount(read)).toBe(1);
});

it('knows no limit where none is set', () => {
  const read = files({ '/sys/fs/cgroup/cpu.max': 'max 100000' });
  expect(cpuLimit(read)).toBeUndefined();
  expect(processorCount(read)).toBe(availableParallelism());
});
