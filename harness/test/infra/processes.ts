// What the tests of the infrastructure share: scratch folders, real processes, and a look at what is left of them.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { onTestFinished } from 'vitest';
import { openRunRegistry, type RunRegistry } from '../../src/infra/leftovers.ts';
import type { ProcessRequest } from '../../src/infra/process.ts';
import { politeLadder } from '../../src/infra/stop-ladder.ts';
import { repository } from '../../src/paths.ts';
import { isRunning, type ProcessIdentity } from '../../src/process-identity.ts';

/** A folder that is removed after the test. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gatebench-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function testRegistry(folder: string): RunRegistry {
  return openRunRegistry(join(folder, 'runs'));
}

/** A request for a process that runs a piece of JavaScript. */
export function nodeRequest(script: string, folder: string): ProcessRequest {
  return {
    name: 'the test process',
    command: process.execPath,
    args: ['-e', script],
    environment: { PATH: process.env['PATH'] ?? '' },
    folder,
    cpus: [],
    logFile: join(folder, 'process.log'),
    failure: 'GATEWAY_FAILED',
    ladder: politeLadder,
    registry: testRegistry(folder),
  };
}

/** A stand-in for the harness, from the build: a test's module with arguments. */
export function startStandIn(name: string, args: string[]): ChildProcess {
  const child = spawn(process.execPath, [resolve(repository, 'harness/dist/test/infra', `${name}.js`), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** The first line of a stand-in's output that holds `text`; fails when it ends before. Its output is read on afterwards. */
export function lineOf(child: ChildProcess, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let seen = '';
    child.stdout?.on('data', (chunk) => {
      seen += chunk;
      const lines = seen.split('\n').slice(0, -1);
      const found = lines.find((one) => one.includes(text));
      if (found !== undefined) resolve(found);
    });
    child.once('close', () => reject(new Error(`the stand-in ended without saying "${text}", but: ${seen}`)));
  });
}

/** Command lines of processes that mention a folder, ourselves aside. */
export function processesMentioning(folder: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((name) => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        return ''; // ended since the folder was listed
      }
    })
    .filter((command) => command.includes(folder));
}

export function areRunning(identities: ProcessIdentity[]): boolean[] {
  return identities.map(isRunning);
}
