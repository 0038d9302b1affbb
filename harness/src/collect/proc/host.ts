// One reading of the machine: everything of /proc that the host collector needs; on macOS what Node itself tells.
import { cpus, freemem, loadavg, totalmem } from 'node:os';
import { type CpuTicks, parseCpu } from './cpu.ts';
import { type DiskReading, parseDisks } from './disk.ts';
import { type MemoryReading, parseLoadAverage, parseMemory } from './memory.ts';
import {
  countSocketStates,
  type NetworkReading,
  parseEstablished,
  parseInterfaces,
  parseSocketSummary,
  type SocketState,
  type SocketSummary,
  socketStates,
} from './network.ts';
import { parsePressure } from './pressure.ts';
import { readProc } from './process.ts';

export interface HostReading {
  atMs: number;
  total: CpuTicks;
  cores: CpuTicks[];
  memory: MemoryReading;
  loadAverage: number;
  contextSwitches?: number;
  disk?: DiskReading;
  network?: NetworkReading;
  sockets?: SocketSummary;
  established?: number;
  /** Left out where there are so many sockets that listing them would disturb the load. */
  socketStates?: Map<SocketState, number>;
  /** By resource: cpu, memory, io. Empty where the kernel does not account for pressure. */
  pressureMicroseconds: Map<string, number>;
}

/** /proc/net/tcp writes 150 bytes per socket: 20,000 take about 30 ms. */
export const MOST_LISTED_SOCKETS = 20_000;

/**
 * @param listSockets also asks for every socket's state: the kernel then walks its whole table, 4 ms for IPv4 and 4 ms
 * for IPv6 on a machine of 23 GiB however few there are; all the rest takes 0.3 ms.
 */
export function readHost(listSockets: boolean): HostReading {
  const stat = readProc('/proc/stat');
  const atMs = performance.now();
  if (stat === undefined) return { atMs, ...readFromNode() };
  const { total, cores, contextSwitches } = parseCpu(stat);
  const reading: HostReading = {
    atMs,
    total,
    cores,
    contextSwitches,
    memory: parseMemory(readProc('/proc/meminfo') ?? ''),
    loadAverage: parseLoadAverage(readProc('/proc/loadavg') ?? ''),
    pressureMicroseconds: readPressure(),
  };
  const disks = readProc('/proc/diskstats');
  if (disks !== undefined) reading.disk = parseDisks(disks);
  const interfaces = readProc('/proc/net/dev');
  if (interfaces !== undefined) reading.network = parseInterfaces(interfaces);
  const sockets = readProc('/proc/net/sockstat');
  if (sockets !== undefined) {
    reading.sockets = parseSocketSummary(sockets);
    if (listSockets && reading.sockets.tcpInUse + reading.sockets.timeWait <= MOST_LISTED_SOCKETS) {
      reading.socketStates = readSocketStates();
    }
  }
  const counters = readProc('/proc/net/snmp');
  if (counters !== undefined) reading.established = parseEstablished(counters);
  return reading;
}

function readSocketStates(): Map<SocketState, number> {
  const counts = new Map<SocketState, number>(socketStates.map((state) => [state, 0]));
  countSocketStates(readProc('/proc/net/tcp') ?? '', counts);
  countSocketStates(readProc('/proc/net/tcp6') ?? '', counts);
  return counts;
}

// A kernel started with psi=0 has the files, but reading them fails: then there is no pressure to tell.
let hasPressure = true;
function readPressure(): Map<string, number> {
  const pressure = new Map<string, number>();
  for (const resource of hasPressure ? ['cpu', 'memory', 'io'] : []) {
    try {
      const text = readProc(`/proc/pressure/${resource}`);
      if (text !== undefined) pressure.set(resource, parsePressure(text));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EOPNOTSUPP') throw error;
    }
  }
  hasPressure &&= pressure.size > 0;
  return pressure;
}

function readFromNode(): Omit<HostReading, 'atMs'> {
  const cores = cpus().map(({ times }) => ({
    user: times.user,
    nice: times.nice,
    system: times.sys,
    idle: times.idle,
    iowait: 0,
    irq: times.irq,
    softirq: 0,
    steal: 0,
  }));
  const total = { user: 0, nice: 0, system: 0, idle: 0, iowait: 0, irq: 0, softirq: 0, steal: 0 };
  for (const core of cores) for (const state of Object.keys(total) as (keyof CpuTicks)[]) total[state] += core[state];
  return {
    total,
    cores,
    memory: { totalBytes: totalmem(), availableBytes: freemem(), swapUsedBytes: 0 },
    loadAverage: loadavg()[0] ?? 0,
    pressureMicroseconds: new Map(),
  };
}
