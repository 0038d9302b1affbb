// A real Redis for tests: own folder, own port; stopped and removed at the end.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { describe } from 'vitest';

export interface TestRedis extends AsyncDisposable {
  port: number;
  url: string;
  /** For looking into it. */
  client: Redis;
  stop(): Promise<void>;
  start(): Promise<void>;
  /** SIGSTOP and SIGCONT: it accepts and never answers. */
  freeze(): void;
  thaw(): void;
}

/** As `describeWithPostgres`: skipped loudly where redis-server is missing, an error with `CI=true`. */
export function describeWithRedis(name: string, suite: () => void): void {
  const isThere = spawnSync('redis-server', ['--version']).status === 0;
  if (isThere) describe(name, suite);
  else if (process.env['CI'] === 'true')
    throw new Error(`${name}: redis-server is not installed, and nothing may be skipped under CI=true`);
  else describe.skip(`${name} (skipped: redis-server is not installed: apt-get install redis-server)`, suite);
}

export async function startRedis(settings: string[] = []): Promise<TestRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'gatebench-redis-'));
  const port = await freePort();
  const parameters = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', ...settings];
  let server = await run('redis-server', parameters);
  const kill = () => server.kill('SIGKILL');
  process.once('exit', kill);
  const client = new Redis({ port, host: '127.0.0.1', retryStrategy: () => 20, lazyConnect: true });
  client.on('error', () => undefined);
  const redis: TestRedis = {
    port,
    url: `redis://127.0.0.1:${port}/0`,
    client,
    stop: () => end(server),
    async start() {
      server = await run('redis-server', parameters);
    },
    freeze: () => void server.kill('SIGSTOP'),
    thaw: () => void server.kill('SIGCONT'),
    async [Symbol.asyncDispose]() {
      client.disconnect();
      await end(server);
      process.off('exit', kill);
      await rm(folder, { recursive: true, force: true });
    },
  };
  return redis;
}

/** One that watches one master; answers its port. */
export async function startSentinel(masterPort: number): Promise<AsyncDisposable & { port: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'gatebench-sentinel-'));
  const port = await freePort();
  const file = join(folder, 'sentinel.conf');
  const lines = [`port ${port}`, 'bind 127.0.0.1', `dir ${folder}`, `sentinel monitor main 127.0.0.1 ${masterPort} 1`];
  await writeFile(file, `${lines.join('\n')}\n`);
  const server = await run('redis-server', [file, '--sentinel']);
  return {
    port,
    async [Symbol.asyncDispose]() {
      await end(server);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function run(command: string, parameters: string[]): Promise<ChildProcess> {
  const child = spawn(command, parameters, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${command} ended with ${code}:\n${output}`)));
    child.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (/Ready to accept connections|Sentinel ID is/.test(output)) resolve();
    });
  });
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL'); // also when it is frozen
  await exit;
}

export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('the operating system gave no port');
  return address.port;
}
