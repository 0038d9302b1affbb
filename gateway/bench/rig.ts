// What the benches of the gateway share: subjects on core 0, the load and all else on core 1, and the load generator there.
import { type ChildProcess, execFile, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import type { LoadJob, LoadResult } from './http-load.ts';

const run = promisify(execFile);
export const SUBJECT_CORE = 0;
export const LOAD_CORE = 1;

/** All threads of the process; what it starts from here on inherits it. */
export const moveToCore = (core: number | string, pid: number) =>
  run('taskset', ['-a', '-p', '-c', String(core), String(pid)]);

export interface Load extends Disposable {
  /** @throws Error when an answer is not the expected one */
  (job: LoadJob): Promise<LoadResult>;
}

export function startLoad(): Load {
  const generator = fork(join(import.meta.dirname, 'http-load.js'));
  const load = async (job: LoadJob): Promise<LoadResult> => {
    generator.send(job);
    const [answer] = (await once(generator, 'message')) as [{ result?: LoadResult; error?: string }];
    if (answer.result === undefined) throw new Error(`the load failed: ${answer.error}`);
    if (answer.result.wrong > 0) {
      throw new Error(`${answer.result.wrong} wrong answers at ${job.path}, the first: ${answer.result.firstWrong}`);
    }
    return answer.result;
  };
  return Object.assign(load, { [Symbol.dispose]: () => void generator.kill() });
}

/** A script of this folder that prints one line when it is ready. */
export async function startPrinting(script: string, args: string[] = []) {
  const child: ChildProcess = spawn(process.execPath, [join(import.meta.dirname, script), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const stop = async () => {
    const ended = once(child, 'exit');
    child.kill();
    await ended;
  };
  if (child.stdout !== null) {
    for await (const line of createInterface({ input: child.stdout })) {
      return { line, pid: child.pid ?? 0, [Symbol.asyncDispose]: stop };
    }
  }
  throw new Error(`${script} ended before it said where it listens`);
}

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle) - 1] ?? 0)) / 2;
}
