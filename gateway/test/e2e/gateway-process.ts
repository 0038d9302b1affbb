// The built gateway as a process of its own, as users run it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createToken } from '../../src/auth/token.ts';
import { packageFolder } from '../../src/version.ts';

/** The command as users run it (`npm run build` makes it): tests run from the sources, the bench from the build, both start this. */
const main = join(packageFolder, 'bin/gateway.js');
export const secret = 'a-secret-of-at-least-32-characters!!';

export interface GatewayProcess extends AsyncDisposable {
  url: string;
  pid: number;
  /** Standard error so far. */
  log: () => string;
  /** Standard output so far: the line that says where it listens, and what flags such as --trace-gc print. */
  output: () => string;
  headers: Record<string, string>;
  rest(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }>;
  /** Sends the signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  /** Waits for its end, whoever brings that about. @returns its exit code */
  ended(): Promise<number | null>;
}

/**
 * Runs the command to its end: for what fails at the start.
 * @param interruptAt sends SIGINT when standard error says so
 */
export async function runGateway(args: string[], environment: Record<string, string>, interruptAt?: string) {
  const child = spawnGateway(args, environment);
  const output = { stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
  let isInterrupted = false;
  child.stderr?.on('data', (chunk: Buffer) => {
    output.stderr += chunk.toString();
    if (interruptAt === undefined || isInterrupted || !output.stderr.includes(interruptAt)) return;
    isInterrupted = true;
    child.kill('SIGINT');
  });
  const [exitCode] = (await once(child, 'close')) as [number | null];
  return { ...output, exitCode };
}

/**
 * @param nodeOptions for Node itself, before the script
 * @param args behind `serve`
 */
export async function startGateway(
  environment: Record<string, string>,
  nodeOptions: string[] = [],
  args: string[] = [],
): Promise<GatewayProcess> {
  const child = spawnGateway(['serve', ...args], { PORT: '0', JWT_SECRET_KEY: secret, ...environment }, nodeOptions);
  let log = '';
  child.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()));
  let output = '';
  const ended = once(child, 'exit');
  const line = await new Promise<string | undefined>((resolve) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      const listening = /^\{.*\}$/m.exec(output);
      if (listening !== null) resolve(listening[0]);
    });
    void ended.then(() => resolve(undefined));
  });
  if (line === undefined) throw new Error(`the gateway ended before it listened:\n${log}`);
  const { url, pid } = JSON.parse(line) as { url: string; pid: number };
  // Beyond an hour of soak.
  const token = createToken({ secret, subject: 'admin', expiresInMinutes: 24 * 60, isAdmin: true });
  const headers = { authorization: `Bearer ${token}` };
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    if (child.exitCode === null) child.kill(signal);
    const [exitCode] = (await ended) as [number | null];
    return exitCode;
  };
  return {
    url,
    pid,
    headers,
    log: () => log,
    output: () => output,
    async rest(method, path, body) {
      const answer = await fetch(`${url}${path}`, {
        method,
        headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      return { status: answer.status, body: text === '' ? undefined : (JSON.parse(text) as unknown) };
    },
    stop,
    async ended() {
      const [exitCode] = (await ended) as [number | null];
      return exitCode;
    },
    async [Symbol.asyncDispose]() {
      await stop();
    },
  };
}

function spawnGateway(args: string[], environment: Record<string, string>, nodeOptions: string[] = []): ChildProcess {
  if (!existsSync(join(packageFolder, 'dist/bundle'))) throw new Error('the gateway is not built: run `npm run build`');
  const { PATH, HOME } = process.env;
  return spawn(process.execPath, [...nodeOptions, main, ...args], {
    env: { ...(PATH === undefined ? {} : { PATH }), ...(HOME === undefined ? {} : { HOME }), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}
