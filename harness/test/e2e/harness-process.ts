// Runs the built command line as a user does.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runRecordsFolder } from '../../src/infra/leftovers.ts';
import { repository } from '../../src/paths.ts';
import { isRunning, type ProcessIdentity } from '../../src/process-identity.ts';

export interface Ended {
  exitCode: number | null;
  stdout: string;
  stderr: string;
  /** Every process that the run had on its record while it went on, by pid and start time. */
  started: Map<string, ProcessIdentity>;
  /** Which of them are still there, and the records that are. */
  left(): unknown[];
  /** The JSON object of `--json`, the last line on stdout. */
  summary(): { runFolder: string; report: string | null; verdict: string; exitCode: number; elapsedSeconds: number };
}

export interface Started {
  child: ChildProcess;
  stderr(): string;
  ended: Promise<Ended>;
}

export function startHarness(args: string[], environment: Record<string, string> = {}, cwd = repository): Started {
  const child = spawn(process.execPath, [join(repository, 'harness/bin/harness.js'), ...args], {
    cwd,
    env: { ...process.env, CI: 'true', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const seen = new Map<string, ProcessIdentity>();
  const look = setInterval(() => {
    for (const { processes } of readRunRecords(child.pid))
      for (const { name, identity } of processes) seen.set(`${name} ${identity.pid}`, identity);
  }, 50);
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk;
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk;
  });
  const ended = once(child, 'close').then(([exitCode]) => ({
    exitCode: exitCode as number | null,
    stdout,
    stderr,
    started: seen,
    left: () => [...[...seen].filter(([, identity]) => isRunning(identity)), ...readRunRecords(child.pid)],
    summary: () => JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? ''),
  }));
  ended.finally(() => clearInterval(look));
  return { child, stderr: () => stderr, ended };
}

export function harness(...args: string[]): Promise<Ended> {
  return startHarness(args).ended;
}

/** What the run of this harness has put down for the next one to remove: its records, as they are now. */
export function readRunRecords(
  pid: number | undefined,
): { processes: { name: string; identity: ProcessIdentity }[] }[] {
  return readdirSync(runRecordsFolder)
    .filter((name) => name.startsWith(`${pid}-`) && name.endsWith('.json'))
    .flatMap((name) => {
      try {
        return [JSON.parse(readFileSync(join(runRecordsFolder, name), 'utf8'))];
      } catch {
        return []; // the run ended while we looked
      }
    });
}
