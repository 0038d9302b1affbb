// The machine: CPU, memory, disks, network, sockets, pressure.
import { type Static, Type } from 'typebox';
import type { Collector, Column } from './collector.ts';
import { toShares } from './proc/cpu.ts';
import { toBusyPercent } from './proc/disk.ts';
import { type HostReading, readHost } from './proc/host.ts';
import { socketStates } from './proc/network.ts';

/** What of the artifact's `values` there is, and the columns of the series, in the same names. */
const fixedColumns: Column[] = [
  { name: 'cpu_percent', unit: '%', title: 'CPU of all cores' },
  { name: 'steal_percent', unit: '%', title: 'CPU stolen by the hypervisor' },
  { name: 'iowait_percent', unit: '%', title: 'CPU idle, waiting for a disk' },
  { name: 'load_average', unit: '', title: 'Load average, 1 minute' },
  { name: 'memory_used_bytes', unit: 'bytes', title: 'Memory used' },
  { name: 'memory_available_bytes', unit: 'bytes', title: 'Memory available' },
  { name: 'swap_used_bytes', unit: 'bytes', title: 'Swap used' },
  { name: 'disk_read_bytes_per_second', unit: 'bytes/s', title: 'Disk read' },
  { name: 'disk_write_bytes_per_second', unit: 'bytes/s', title: 'Disk written' },
  { name: 'disk_busy_percent', unit: '%', title: 'Busiest disk' },
  { name: 'loopback_bytes_per_second', unit: 'bytes/s', title: 'Loopback traffic' },
  { name: 'network_bytes_per_second', unit: 'bytes/s', title: 'Other network traffic' },
  { name: 'context_switches_per_second', unit: '1/s', title: 'Context switches' },
  { name: 'sockets_established', unit: 'count', title: 'TCP connections established, both ends' },
  { name: 'sockets_in_use', unit: 'count', title: 'TCP sockets in use' },
  { name: 'sockets_time_wait', unit: 'count', title: 'TCP sockets in TIME_WAIT' },
];

export const HostArtifact = Type.Object(
  {
    values: Type.Record(Type.String(), Type.Number(), {
      description: 'the columns of the collector, over exactly the trial; levels (memory, sockets) at its end',
    }),
  },
  { additionalProperties: false },
);
export type HostArtifact = Static<typeof HostArtifact>;

/** Listing the sockets by state is the costly part: once in so many samples, and at the end of a trial. */
const SAMPLES_PER_LIST = 10;

export const host: Collector = {
  id: 'host',
  title: 'Machine',
  async start() {
    let last = readHost(false);
    let samples = 0;
    return {
      columns: [
        ...fixedColumns,
        ...last.cores.map((_, core) => ({ name: `cpu${core}_percent`, unit: '%', title: `CPU of core ${core}` })),
        ...[...last.pressureMicroseconds.keys()].map((resource) => ({
          name: `pressure_${resource}_percent`,
          unit: '%',
          title: `Time in which a task waited for ${resource}`,
        })),
        ...socketStates.map((state) => ({
          name: `sockets_state_${state}`,
          unit: 'count',
          title: `TCP sockets, ${state.replaceAll('_', ' ')}`,
        })),
      ],
      async sample() {
        const now = readHost(samples++ % SAMPLES_PER_LIST === 0);
        const values = toValues(last, now);
        last = now;
        return values;
      },
      async watchTrial() {
        const before = readHost(false);
        return async (): Promise<HostArtifact> => ({ values: toValues(before, readHost(true)) });
      },
      async [Symbol.asyncDispose]() {},
    };
  },
};

/** Rates and shares between two readings, levels of the second; what this system does not tell is left out. */
export function toValues(before: HostReading, after: HostReading): Record<string, number> {
  const values: Record<string, number> = {
    load_average: after.loadAverage,
    memory_used_bytes: after.memory.totalBytes - after.memory.availableBytes,
    memory_available_bytes: after.memory.availableBytes,
    swap_used_bytes: after.memory.swapUsedBytes,
  };
  const elapsedMs = after.atMs - before.atMs;
  const perSecond = (earlier: number, later: number) => ((later - earlier) * 1000) / elapsedMs;
  const total = toShares(before.total, after.total);
  if (total !== undefined) {
    values['cpu_percent'] = total.busyPercent;
    values['steal_percent'] = total.stealPercent;
    values['iowait_percent'] = total.iowaitPercent;
  }
  for (const [core, ticks] of after.cores.entries()) {
    const earlier = before.cores[core];
    const shares = earlier === undefined ? undefined : toShares(earlier, ticks);
    if (shares !== undefined) values[`cpu${core}_percent`] = shares.busyPercent;
  }
  if (elapsedMs <= 0) return values;
  if (before.disk !== undefined && after.disk !== undefined) {
    values['disk_read_bytes_per_second'] = perSecond(before.disk.readBytes, after.disk.readBytes);
    values['disk_write_bytes_per_second'] = perSecond(before.disk.writtenBytes, after.disk.writtenBytes);
    values['disk_busy_percent'] = toBusyPercent(before.disk, after.disk, elapsedMs);
  }
  if (before.network !== undefined && after.network !== undefined) {
    values['loopback_bytes_per_second'] = perSecond(before.network.loopbackBytes, after.network.loopbackBytes);
    values['network_bytes_per_second'] = perSecond(before.network.otherBytes, after.network.otherBytes);
  }
  if (before.contextSwitches !== undefined && after.contextSwitches !== undefined) {
    values['context_switches_per_second'] = perSecond(before.contextSwitches, after.contextSwitches);
  }
  for (const [resource, microseconds] of after.pressureMicroseconds) {
    const earlier = before.pressureMicroseconds.get(resource);
    if (earlier !== undefined) values[`pressure_${resource}_percent`] = (microseconds - earlier) / 10 / elapsedMs;
  }
  if (after.established !== undefined) values['sockets_established'] = after.established;
  if (after.sockets !== undefined) {
    values['sockets_in_use'] = after.sockets.tcpInUse;
    values['sockets_time_wait'] = after.sockets.timeWait;
  }
  for (const [state, count] of after.socketStates ?? []) values[`sockets_state_${state}`] = count;
  return values;
}
