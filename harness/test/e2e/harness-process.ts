// Runs the built command line as a user does.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../../src/paths.ts';

export interface Ended {
  exitCode: number | null;
  stdout: string;
  stderr: string;
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
    summary: () => JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? ''),
  }));
  return { child, stderr: () => stderr, ended };
}

export function harness(...args: string[]): Promise<Ended> {
  return startHarness(args).ended;
}

/** Command lines of every process whose environment or arguments name the text: what a run may have left. */
export function processesNaming(text: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return command.includes(text) ? [`${pid} ${command}`] : [];
      } catch {
        return []; // it ended while we looked
      }
    });
}
