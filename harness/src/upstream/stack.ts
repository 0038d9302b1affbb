// The benchmark servers as a background process that outlives the command which started it: a state file and a log.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { type ErrorCode, errors, HarnessError } from '../errors.ts';
import { builtFile } from '../paths.ts';
import { identifyProcess, readBootId } from '../process-identity.ts';
import { ServersOptions } from './options.ts';
import { ListeningEvent, RunningServer } from './servers.ts';

const StackState = Type.Object({
  pid: Type.Integer(),
  identity: Type.String({ description: 'boot id / startedAt of process-identity.ts' }),
  startedAt: Type.String({ description: 'RFC 3339' }),
  options: ServersOptions,
  servers: Type.Array(RunningServer),
});
export type StackState = Static<typeof StackState>;

const startDeadlineMs = 15_000;
const stopDeadlineMs = 10_000;
const pollMs = 20;

export function toLogFile(folder: string): string {
  return join(folder, 'servers.log');
}

function toStateFile(folder: string): string {
  return join(folder, 'state.json');
}

/** The state of what runs, or undefined when nothing does (a state file left by a dead process counts as nothing). */
export function findStack(folder: string): StackState | undefined {
  const file = toStateFile(folder);
  if (!existsSync(file)) return undefined;
  let state: unknown;
  try {
    state = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw corrupt(file, cause);
  }
  if (!Value.Check(StackState, state)) throw corrupt(file);
  return isThere(state) ? state : undefined;
}

function isThere({ pid, identity }: StackState): boolean {
  return toIdentity(pid) === identity;
}

function toIdentity(pid: number): string | undefined {
  const identity = identifyProcess(pid);
  return identity && `${readBootId()}/${identity.startedAt}`;
}

function corrupt(file: string, cause?: unknown): HarnessError {
  return new HarnessError('CONFIG_INVALID', {
    detail: `${file} is not a state file of the benchmark servers`,
    hint: 'remove it; `ps` shows whether servers still run (upstream/main.js)',
    cause,
  });
}

/**
 * Starts the servers detached, and resolves when all listen.
 * @throws HarnessError with the code that the process itself gave (PORT_IN_USE, USAGE), else UPSTREAM_FAILED
 */
export async function startStack(folder: string, options: ServersOptions): Promise<StackState> {
  const running = findStack(folder);
  if (running !== undefined) {
    throw new HarnessError('UPSTREAM_FAILED', {
      detail: `they run already: pid ${running.pid} since ${running.startedAt}`,
      hint: 'stop them first: npm run benchmark-servers -- down',
    });
  }
  mkdirSync(folder, { recursive: true });
  const log = openSync(toLogFile(folder), 'w');
  const child = spawn(process.execPath, [builtFile('upstream/main.js'), ...toArguments(options)], {
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  try {
    const state = toState(await waitForSpawn(child), options);
    // Written before they listen, too: a Ctrl-C meanwhile must not leave servers that `down` does not know.
    writeState(folder, state);
    const { servers } = await waitForEvent(toLogFile(folder), child);
    const ready = { ...state, servers };
    writeState(folder, ready);
    child.unref();
    return ready;
  } catch (error) {
    // Without a state file nobody would know it any more.
    child.kill('SIGKILL');
    rmSync(toStateFile(folder), { force: true });
    throw error;
  }
}

async function waitForSpawn(child: ChildProcess): Promise<number> {
  await once(child, 'spawn');
  if (child.pid === undefined) throw new HarnessError('UPSTREAM_FAILED', { detail: 'the process has no id' });
  return child.pid;
}

function toState(pid: number, options: ServersOptions): StackState {
  const identity = toIdentity(pid);
  if (identity === undefined) throw new HarnessError('UPSTREAM_FAILED', { detail: `process ${pid} is gone` });
  return { pid, identity, startedAt: new Date().toISOString(), options, servers: [] };
}

function writeState(folder: string, state: StackState): void {
  const file = toStateFile(folder);
  writeFileSync(`${file}.new`, `${JSON.stringify(state, null, 2)}\n`);
  renameSync(`${file}.new`, file);
}

async function waitForEvent(logFile: string, child: ChildProcess): Promise<ListeningEvent> {
  let ended: string | undefined;
  child.once('exit', (code, signal) => {
    ended = `exit ${code ?? signal}`;
  });
  const deadline = performance.now() + startDeadlineMs;
  while (performance.now() < deadline) {
    // Asked before the log is read: what a process wrote before its end is then in it.
    const end = ended;
    const text = readFileSync(logFile, 'utf8');
    const [line] = /^\{"event":"listening".*\}$/m.exec(text) ?? [];
    if (line !== undefined) return Value.Parse(ListeningEvent, JSON.parse(line));
    if (end !== undefined) throw toStartError(text, end);
    await sleep(pollMs);
  }
  throw new HarnessError('UPSTREAM_FAILED', { detail: `not listening after ${startDeadlineMs / 1000} s` });
}

function toArguments(options: ServersOptions): string[] {
  return [
    `--count=${options.count}`,
    `--start-port=${options.startPort}`,
    `--tools=${options.tools}`,
    `--resources=${options.resources}`,
    `--prompts=${options.prompts}`,
    `--page-size=${options.pageSize}`,
    `--body-limit-bytes=${options.bodyLimitBytes}`,
    ...(options.fastTime ? [] : ['--no-fast-time']),
  ];
}

/** The process writes `CODE: message: detail` as the user would see it. */
function toStartError(log: string, end: string): HarnessError {
  for (const line of log.split('\n')) {
    const code = line.slice(0, line.indexOf(':'));
    if (isErrorCode(code)) {
      const detail = line.slice(`${code}: ${errors[code].message}: `.length);
      return new HarnessError(code, { detail });
    }
  }
  return new HarnessError('UPSTREAM_FAILED', { detail: `${end}: ${log.trim().slice(-2000) || 'no output'}` });
}

function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(errors, text);
}

/** Stops what runs: SIGTERM, after 10 s SIGKILL. Returns what was stopped, undefined when nothing ran. */
export async function stopStack(folder: string): Promise<StackState | undefined> {
  const state = findStack(folder);
  if (state !== undefined) {
    process.kill(state.pid, 'SIGTERM');
    const deadline = performance.now() + stopDeadlineMs;
    while (isThere(state)) {
      if (performance.now() > deadline) process.kill(state.pid, 'SIGKILL');
      await sleep(pollMs);
    }
  }
  rmSync(toStateFile(folder), { force: true });
  return state;
}
