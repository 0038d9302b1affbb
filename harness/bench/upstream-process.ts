// A measured process: started pinned to a core where `taskset` can, asked for its CPU time and memory.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Value } from 'typebox/value';
import { ListeningEvent } from '../src/upstream/servers.ts';

export interface Measured {
  event: ListeningEvent;
  /** From spawn to the line that says that all listen. */
  readyMs: number;
  /** CPU time until now, of user and system. Resolution: one tick of 10 ms. */
  cpuMs(): number;
  rssBytes(): number;
  stop(): Promise<void>;
}

export const isPinned = process.platform === 'linux' && availableParallelism() > 1 && hasTaskset();

function hasTaskset(): boolean {
  try {
    execFileSync('taskset', ['-V'], { stdio: 'ignore' });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
}

/** The command line, on that core where cores can be told apart. */
export function onCore(core: number, args: string[]): [string, string[]] {
  return isPinned ? ['taskset', ['-c', String(core), process.execPath, ...args]] : [process.execPath, args];
}

export async function startMeasured(args: string[]): Promise<Measured> {
  const startMs = performance.now();
  const child = spawn(...onCore(0, args), { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  let text = '';
  for await (const chunk of child.stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    text += chunk;
    if (text.includes('\n')) break;
  }
  const readyMs = performance.now() - startMs;
  const event = Value.Parse(ListeningEvent, JSON.parse(text));
  return {
    event,
    readyMs,
    cpuMs() {
      const stat = readFileSync(`/proc/${event.pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return (Number(fields[11]) + Number(fields[12])) * 10;
    },
    rssBytes() {
      const [, kibibytes] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${event.pid}/status`, 'utf8')) ?? [];
      return Number(kibibytes) * 1024;
    },
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
