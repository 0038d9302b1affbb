// Which cores the gateway, the load generator and everything else run on. Only cores that this process itself may use
// are given out, and the gateway and the generator do not share a physical core where that can be had.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { hasCode } from '../process-identity.ts';
import type { Pinning } from './infrastructure.ts';

/** What of the machine decides. */
export interface Cores {
  /** Logical cores that this process may run on, ascending. */
  allowed: number[];
  /** Logical cores of the same physical core, itself included. */
  siblings: ReadonlyMap<number, number[]>;
  hasTaskset: boolean;
}

/** Reads the machine and decides. Call it before anything narrows the cores of this process itself. */
export function detectPinning(): Pinning {
  return choosePinning(readCores());
}

/** One core for the gateway (it is one process), one for the generator, the rest for the others. Pure. */
export function choosePinning({ allowed, siblings, hasTaskset }: Cores): Pinning {
  const [gateway, ...others] = allowed;
  if (!hasTaskset) return unpinned('taskset is not there: nothing is pinned, the gateway and the load share all cores');
  if (gateway === undefined || others.length === 0) {
    return unpinned('only one core may be used: nothing is pinned, the load takes time from the gateway');
  }
  const physical = siblings.get(gateway) ?? [];
  const load = others.find((core) => !physical.includes(core)) ?? others[0];
  if (load === undefined) throw new Error('unreachable: there is a second core');
  const rest = others.filter((core) => core !== load);
  // Siblings of the gateway's core stay idle where enough is left: they would slow it down.
  const apart = rest.filter((core) => !physical.includes(core));
  const forOthers = apart.length > 0 ? apart : rest.length > 0 ? rest : [load];
  const notes = [`gateway on core ${gateway}, load generator on core ${load}`];
  notes.push(
    forOthers.includes(load)
      ? 'PostgreSQL and the MCP servers beside the load generator: there are only two cores'
      : `PostgreSQL and the MCP servers on ${forOthers.length === 1 ? 'core' : 'cores'} ${forOthers.join(', ')}`,
  );
  if (physical.includes(load)) notes.push('both are threads of one physical core: they disturb each other');
  return { pinned: true, gateway: [gateway], load: [load], others: forOthers, note: notes.join('; ') };
}

/** Narrows a process that runs already, with all its threads; for the harness itself when it is the load generator. */
export function pinProcess(pid: number, cpus: number[]): void {
  if (cpus.length > 0) execFileSync('taskset', ['-a', '-c', '-p', cpus.join(','), String(pid)], { stdio: 'pipe' });
}

/** "0-2,5" → [0, 1, 2, 5]: the kernel's list format, see cpuset(7). */
export function parseCoreList(text: string): number[] {
  return text
    .trim()
    .split(',')
    .filter((part) => part !== '')
    .flatMap((part) => {
      const [first = 0, last = first] = part.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
}

function unpinned(note: string): Pinning {
  return { pinned: false, gateway: [], load: [], others: [], note };
}

function readCores(): Cores {
  const status = readIfThere('/proc/self/status');
  const allowed = parseCoreList(/^Cpus_allowed_list:\s*(.+)$/m.exec(status ?? '')?.[1] ?? '');
  const siblings = new Map(
    allowed.map((core) => {
      const list = readIfThere(`/sys/devices/system/cpu/cpu${core}/topology/thread_siblings_list`);
      return [core, list === undefined ? [core] : parseCoreList(list)];
    }),
  );
  return { allowed, siblings, hasTaskset: canRunTaskset() };
}

function canRunTaskset(): boolean {
  try {
    execFileSync('taskset', ['--version'], { stdio: 'ignore' });
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'EACCES')) return false;
    throw error;
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
