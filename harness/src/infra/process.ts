// A process that the infrastructure runs: in a group of its own (a terminal's Ctrl-C does not reach it), its output in a
// file (no pipe, so that it costs the harness nothing and outlives it), known to the run's registry from the first moment.
import { spawn } from 'node:child_process';
import { closeSync, openSync, statSync } from 'node:fs';
import { type ErrorCode, HarnessError } from '../errors.ts';
import { identifyProcess, type ProcessIdentity } from '../process-identity.ts';
import type { RunRegistry } from './leftovers.ts';
import { readFrom, readLogTail } from './log-tail.ts';
import { type StopLadder, stopByLadder } from './stop-ladder.ts';
import type { UnprivilegedUser } from './unprivileged-user.ts';
import { waitFor } from './wait.ts';

export interface ProcessRequest {
  /** As messages call it: "the gateway". */
  name: string;
  command: string;
  args: string[];
  /** The whole environment; nothing is inherited. */
  environment: Record<string, string>;
  folder: string;
  /** Cores it may run on; empty: all. */
  cpus: number[];
  user?: UnprivilegedUser | undefined;
  /** Output is appended here. */
  logFile: string;
  /** What a failure is called. */
  failure: ErrorCode;
  ladder: StopLadder;
  registry: RunRegistry;
}

export interface ManagedProcess extends AsyncDisposable {
  pid: number;
  logFile: string;
  /** How it ended ("exit code 1", "signal SIGKILL"); undefined while it runs. */
  ending(): string | undefined;
  /** What it has written since it was started. */
  output(): string;
  /** An error with the last lines of its output. */
  failed(detail: string, options?: { code?: ErrorCode; cause?: unknown }): HarnessError;
  /** Ends it with everything in its group. Calling it again waits for the same end. */
  stop(): Promise<void>;
}

/** @throws HarnessError with the request's failure code when the command cannot be run */
export async function startProcess(request: ProcessRequest): Promise<ManagedProcess> {
  const descriptor = openSync(request.logFile, 'a');
  const startsAt = statSync(request.logFile).size;
  const [command, args] = pin(request.command, request.args, request.cpus);
  const child = spawn(command, args, {
    cwd: request.folder,
    env: request.environment,
    stdio: ['ignore', descriptor, descriptor],
    detached: true,
    ...(request.user === undefined ? {} : { uid: request.user.uid, gid: request.user.gid }),
  });
  closeSync(descriptor);
  const identity = child.pid === undefined ? undefined : identifyProcess(child.pid);
  const forget =
    identity === undefined ? () => {} : request.registry.addProcess(request.name, identity, request.ladder);

  let ending: string | undefined;
  const ended = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      ending = signal === null ? `exit code ${code}` : `signal ${signal}`;
      resolve();
    });
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) => {
      const detail = `${request.name}: ${command} cannot be run: ${cause.message}`;
      reject(new HarnessError(request.failure, { detail, cause }));
    });
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${request.name} was spawned without a pid`);

  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= endProcess(identity, request.ladder, ended).then(forget);
    return stopping;
  };
  return {
    pid,
    logFile: request.logFile,
    ending: () => ending,
    output: () => readFrom(request.logFile, startsAt),
    failed(detail, { code = request.failure, cause } = {}) {
      const end = ending === undefined ? '' : ` (it ended with ${ending})`;
      const tail = readLogTail(request.logFile, startsAt);
      return new HarnessError(code, { detail: `${request.name} ${detail}${end}\n${tail}`, cause });
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** A process that ended before it could be identified has no identity; then only its group may be left. */
async function endProcess(
  identity: ProcessIdentity | undefined,
  ladder: StopLadder,
  ended: Promise<void>,
): Promise<void> {
  if (identity !== undefined) await stopByLadder(identity, ladder);
  await ended;
}

/** taskset replaces itself by the command: the pid stays. */
function pin(command: string, args: string[], cpus: number[]): [string, string[]] {
  return cpus.length === 0 ? [command, args] : ['taskset', ['-c', cpus.join(','), command, ...args]];
}

/**
 * Waits for the first line of JSON `{"event":"listening", …}` in the output of a process.
 * @throws HarnessError with the process's failure code when it ends first or the deadline passes; INTERRUPTED on abort
 */
export async function waitForListening(
  started: ManagedProcess,
  options: { deadlineMs: number; signal: AbortSignal },
): Promise<Record<string, unknown>> {
  const line = await waitFor(
    'a server starts',
    () => {
      const ending = started.ending();
      const found = findListening(started.output());
      if (found === undefined && ending !== undefined) throw started.failed('ended before it listened');
      return found;
    },
    { ...options, intervalMs: 10 },
  );
  if (line === undefined) throw started.failed(`did not listen within ${options.deadlineMs} ms`);
  return line;
}

function findListening(output: string): Record<string, unknown> | undefined {
  const end = output.lastIndexOf('\n');
  for (const line of output.slice(0, end + 1).split('\n')) {
    if (!line.startsWith('{') || !line.includes('"listening"')) continue;
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null && 'event' in value && value.event === 'listening') {
      return { ...value };
    }
  }
  return undefined;
}
