// /proc/<pid>: CPU time, memory, descriptors and children of one process. A process that is gone reads as undefined.
import { readdirSync, readFileSync, statSync } from 'node:fs';

/** USER_HZ: 100 on every architecture that Node runs on; /proc counts CPU time in it. */
export const TICKS_PER_SECOND = 100;
/** 4 KiB on x86-64 and most arm64 systems; read once from the kernel's own account of this process. */
const PAGE_BYTES = readPageBytes();

export interface ProcessReading {
  pid: number;
  /** User and system time of all its threads, also of those that have ended. */
  cpuTicks: number;
  /** Clock ticks since boot at its start: tells it from a later process with the same pid. */
  startTicks: number;
  threads: number;
  rssBytes: number;
  /** Part of rssBytes that other processes may share (files, shared memory). */
  sharedBytes: number;
}

/** What a file of /proc says, or undefined when its process has ended (or it belongs to somebody else). */
export function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES') return undefined;
    throw error;
  }
}

export function readProcess(pid: number): ProcessReading | undefined {
  const stat = readProc(`/proc/${pid}/stat`);
  const statm = readProc(`/proc/${pid}/statm`);
  if (stat === undefined || statm === undefined) return undefined;
  return { pid, ...parseStat(stat), ...parseStatm(statm) };
}

/** Fields of proc(5); the command (field 2) may itself hold spaces and parentheses. */
export function parseStat(text: string): {
  cpuTicks: number;
  startTicks: number;
  threads: number;
  parentPid: number;
} {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const field = (number: number) => Number(fields[number - 3]);
  return { parentPid: field(4), cpuTicks: field(14) + field(15), threads: field(20), startTicks: field(22) };
}

export function parseStatm(text: string): { rssBytes: number; sharedBytes: number } {
  const [, resident = 0, shared = 0] = text.split(' ').map(Number);
  return { rssBytes: resident * PAGE_BYTES, sharedBytes: shared * PAGE_BYTES };
}

/** CPU nanoseconds of every thread that lives, by thread id; undefined without CONFIG_SCHED_INFO or process. */
export function readThreadNanoseconds(pid: number): Map<number, number> | undefined {
  const threads = new Map<number, number>();
  for (const tid of listDirectory(`/proc/${pid}/task`)) {
    const text = readProc(`/proc/${pid}/task/${tid}/schedstat`);
    if (text !== undefined) threads.set(Number(tid), Number(text.split(' ', 1)[0]));
  }
  return threads.size > 0 ? threads : undefined;
}

/** Open descriptors; undefined where they may not be seen. Linux 6.2 and later tell the count as the folder's size. */
export function countDescriptors(pid: number): number | undefined {
  try {
    const { size } = statSync(`/proc/${pid}/fd`);
    return size > 0 ? size : readdirSync(`/proc/${pid}/fd`).length;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES') return undefined;
    throw error;
  }
}

/** The process and all its descendants that live now. */
export function withDescendants(pid: number): number[] {
  const found = [pid];
  for (const each of found) found.push(...childrenOf(each));
  return found;
}

// `children` needs CONFIG_PROC_CHILDREN; without it every process is asked for its parent.
const hasChildrenFiles = readProc(`/proc/self/task/${process.pid}/children`) !== undefined;

function childrenOf(pid: number): number[] {
  if (hasChildrenFiles) {
    return listDirectory(`/proc/${pid}/task`).flatMap((tid) =>
      (readProc(`/proc/${pid}/task/${tid}/children`) ?? '').split(' ').filter(Boolean).map(Number),
    );
  }
  const processes = listDirectory('/proc').filter((name) => /^\d+$/.test(name));
  return processes.map(Number).filter((each) => {
    const stat = readProc(`/proc/${each}/stat`);
    return stat !== undefined && parseStat(stat).parentPid === pid;
  });
}

function listDirectory(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES') return [];
    throw error;
  }
}

function readPageBytes(): number {
  const status = readProc('/proc/self/smaps');
  const kibibytes = /^KernelPageSize:\s+(\d+) kB/m.exec(status ?? '')?.[1];
  return Number(kibibytes ?? 4) * 1024;
}
