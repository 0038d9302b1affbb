// Runs a load generator as a process of its own: pinned, in a process group of its own, ended with everything it started.
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { HarnessError } from '../errors.ts';
import type { LoadHooks } from './driver.ts';

export interface GeneratorCommand {
  command: string;
  arguments: string[];
  /** Secrets travel here or in `input`, never among the arguments. */
  environment: Record<string, string>;
  /** Written to standard input, which then stays open: a generator whose input ends has lost its harness. */
  input?: string;
  /** Where it runs; by default where we do. */
  folder?: string;
  cpus: number[];
}

export interface GeneratorRun {
  exitCode: number;
  stdout: string;
  stderr: string;
  /** CPU time of all its threads while it ran: epoch milliseconds and seconds. Empty where there is no /proc. */
  cpu: { atMs: number; seconds: number }[];
}

/** A generator's line when it is warm, and after each of its turns; it goes on when a line comes back. */
export const READY_LINE = '{"event":"ready"}\n';

/** A generator gets so long to end by itself after SIGTERM. */
const GRACE_MS = 1000;
const CPU_SAMPLE_MS = 100;
const OUTPUT_LIMIT = 64 * 1024 * 1024;

export function pinned(command: string, parameters: string[], cpus: number[]): [string, string[]] {
  return cpus.length === 0 ? [command, parameters] : ['taskset', ['-c', cpus.join(','), command, ...parameters]];
}

/** Signals a whole process group. False when it is gone already. */
export function signalGroup(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(-pid, signal);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** The kernel counts CPU time in /proc/<pid>/stat in these ticks, on every Linux. */
const TICKS_PER_SECOND = 100;

/**
 * CPU seconds of a process, in steps of 10 ms, its ended threads included; null where the kernel does not tell. The
 * finer schedstat knows living threads only, and k6's end while it works.
 */
export function readCpuSeconds(pid: number): number | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    // No /proc here, or the process has just ended.
    return null;
  }
  // Fields 14 and 15, counted after the name, which may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/**
 * Runs to the end. @throws LOAD_FAILED when it cannot be started, INTERRUPTED when aborted; the process group is gone
 * in either case.
 */
export async function runGenerator(
  generator: GeneratorCommand,
  signal: AbortSignal,
  hooks: LoadHooks = {},
): Promise<GeneratorRun> {
  if (signal.aborted) throw new HarnessError('INTERRUPTED', { detail: 'before the load began' });
  const [command, parameters] = pinned(generator.command, generator.arguments, generator.cpus);
  const child = spawn(command, parameters, {
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...generator.environment },
    cwd: generator.folder,
  });
  const { pid } = child;
  const cpu: GeneratorRun['cpu'] = [];
  const sampler = setInterval(() => {
    const seconds = pid === undefined ? null : readCpuSeconds(pid);
    if (seconds !== null) cpu.push({ atMs: Date.now(), seconds });
  }, CPU_SAMPLE_MS);
  let killTimer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    if (pid === undefined || !signalGroup(pid, 'SIGTERM')) return;
    killTimer = setTimeout(() => signalGroup(pid, 'SIGKILL'), GRACE_MS);
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    if (pid !== undefined) hooks.onProcess?.(pid);
    const run = await finished(child, generator, hooks);
    if (signal.aborted) throw new HarnessError('INTERRUPTED', { detail: `${generator.command} was stopped` });
    return { ...run, cpu };
  } finally {
    signal.removeEventListener('abort', stop);
    clearInterval(sampler);
    clearTimeout(killTimer);
    if (pid !== undefined) signalGroup(pid, 'SIGKILL');
  }
}

async function finished(
  child: ChildProcess,
  generator: GeneratorCommand,
  hooks: LoadHooks,
): Promise<Omit<GeneratorRun, 'cpu'>> {
  const output = { stdout: '', stderr: '' };
  let hookFailure: { error: unknown } | undefined;
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      if (output[name].length < OUTPUT_LIMIT) output[name] += text;
      if (name === 'stdout' && output.stdout === READY_LINE) {
        output.stdout = '';
        // When the hook fails the generator never goes on: its input ends, and so does it.
        Promise.resolve(hooks.onReady?.()).then(
          () => child.stdin?.write('go\n'),
          (error: unknown) => {
            hookFailure = { error };
            child.stdin?.end();
          },
        );
      }
    });
  }
  // A generator that dies early breaks the pipe; its exit code and output tell why.
  child.stdin?.on('error', () => undefined);
  if (generator.input === undefined) child.stdin?.end();
  else child.stdin?.write(generator.input);
  const exitCode = await new Promise<number>((resolve, reject) => {
    child.once('error', (cause) => {
      const detail = `${child.spawnfile} could not be started: ${cause.message}`;
      reject(new HarnessError('LOAD_FAILED', { detail, cause }));
    });
    child.once('close', (code) => resolve(code ?? 1));
  });
  if (hookFailure !== undefined) throw hookFailure.error;
  return { exitCode, ...output };
}
