// Tells a process from a later one that was given the same pid: a pid counts only together with its start time.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { type Static, Type } from 'typebox';

export const ProcessIdentity = Type.Object(
  {
    pid: Type.Integer({ minimum: 1 }),
    startedAt: Type.String({
      description: 'Linux: clock ticks since boot (field 22 of /proc/<pid>/stat); else ps lstart',
    }),
  },
  { additionalProperties: false },
);
export type ProcessIdentity = Static<typeof ProcessIdentity>;

/** The identity of a process that is there; undefined when there is none, or only its zombie. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  const startedAt = process.platform === 'linux' ? readStartTicks(pid) : readStartDate(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

/** Of the machine: after another boot a process may have the same pid and the same ticks. Empty where start times are dates. */
export function readBootId(): string {
  return process.platform === 'linux' ? readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim() : '';
}

/** Whether exactly this process is still there. */
export function isRunning(identity: ProcessIdentity): boolean {
  return identifyProcess(identity.pid)?.startedAt === identity.startedAt;
}

/** Whether the process group of this leader has a member left. A zombie is none: where nobody reaps, it stays for ever. */
export function isGroupAlive(leaderPid: number): boolean {
  if (!sendSignal(-leaderPid, 0)) return false;
  if (process.platform !== 'linux') return true;
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .some((name) => {
      const fields = readStat(Number(name));
      return fields !== undefined && Number(fields[2]) === leaderPid;
    });
}

/** Sends a signal to a process (or, negative, a group); false when it is no longer there. */
export function sendSignal(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if (hasCode(error, 'ESRCH')) return false;
    // Somebody else's process answers EPERM: it is there, but not ours to signal. macOS says so of zombies too.
    if (hasCode(error, 'EPERM')) return signal === 0 && process.platform !== 'darwin';
    throw error;
  }
}

/** Whether `error` is a system error with this code: `ENOENT`, `ESRCH`, … */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function readStartTicks(pid: number): string | undefined {
  return readStat(pid)?.[19];
}

/** Fields of /proc/<pid>/stat from the third (state) on; undefined when the process is gone or a zombie. */
function readStat(pid: number): string[] | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ESRCH')) return undefined;
    throw error;
  }
  // Field 2 is the command in parentheses and may hold spaces and parentheses itself: count from the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields;
}

function readStartDate(pid: number): string | undefined {
  try {
    const text = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
    return text === '' || text.startsWith('Z') ? undefined : text.replace(/^\S+\s+/, '');
  } catch (error) {
    if (error instanceof Error && 'status' in error && error.status === 1) return undefined; // ps: no such process
    throw error;
  }
}
