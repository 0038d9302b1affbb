// The benches' upstream as a process of its own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Tests run from the sources, benches from the build; both start the build. */
const script = join(import.meta.dirname.replace(/(dist\/)?test\/e2e$/, ''), 'dist/bench/echo-upstream.js');

export async function startEchoUpstream() {
  const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const stop = async () => {
    const ended = once(child, 'exit');
    child.kill();
    await ended;
  };
  for await (const url of createInterface({ input: child.stdout })) return { url, [Symbol.asyncDispose]: stop };
  throw new Error(`${script} ended before it said where it listens`);
}
