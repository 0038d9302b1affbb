// A real PgBouncer for tests, in transaction mode and with few server connections, so that clients do share them.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'vitest';
import { freePort } from './postgres.ts';

const program = '/usr/sbin/pgbouncer';

/** Beside PostgreSQL; skipped loudly where PgBouncer is missing, an error with `CI=true`. */
export function describeWithPgBouncer(name: string, suite: () => void): void {
  if (existsSync(program)) describe(name, suite);
  else if (process.env['CI'] === 'true')
    throw new Error(`${name}: ${program} is missing, and nothing may be skipped under CI=true`);
  else describe.skip(`${name} (skipped: ${program} is missing; \`apt-get install pgbouncer\`)`, suite);
}

export interface TestPgBouncer extends AsyncDisposable {
  port: number;
}

export async function startPgBouncer(
  postgresPort: number,
  settings: Record<string, string> = {},
): Promise<TestPgBouncer> {
  const folder = await mkdtemp(join(tmpdir(), 'gatebench-pgbouncer-'));
  const port = await freePort();
  const all = {
    listen_addr: '127.0.0.1',
    listen_port: String(port),
    unix_socket_dir: '',
    auth_type: 'any',
    pool_mode: 'transaction',
    default_pool_size: '2',
    ...settings,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}`);
  const ini = join(folder, 'pgbouncer.ini');
  const databases = `[databases]\n* = host=127.0.0.1 port=${postgresPort} user=postgres\n`;
  await writeFile(ini, `${databases}[pgbouncer]\n${lines.join('\n')}\n`);
  // It refuses to run as root: it reads its file first and then becomes the other user.
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const child = spawn(program, [...user, ini], { stdio: ['ignore', 'ignore', 'pipe'] });
  const output: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => output.push(chunk.toString()));
  const killAtExit = () => child.kill('SIGKILL');
  process.once('exit', killAtExit);
  await listens(child, port, output);
  return {
    port,
    async [Symbol.asyncDispose]() {
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
      process.off('exit', killAtExit);
      await rm(folder, { recursive: true });
    },
  };
}

async function listens(child: ChildProcess, port: number, output: string[]): Promise<void> {
  for (const lateMs = Date.now() + 10_000; ; ) {
    if (await accepts(port)) return;
    if (child.exitCode !== null || Date.now() > lateMs) {
      child.kill('SIGKILL');
      throw new Error(`PgBouncer did not start (exit code ${child.exitCode}):\n${output.join('')}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
