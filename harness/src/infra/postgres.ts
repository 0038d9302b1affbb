// PostgreSQL with a data folder of its own, started from the binaries of the npm packages, for one run.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFile, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { HarnessError } from '../errors.ts';
import { requireDiskSpace } from '../result/disk-space.ts';
import { createCleanupStack } from './cleanup-stack.ts';
import { findFreePort } from './free-port.ts';
import { RUN_FOLDER_PREFIX, type RunRegistry } from './leftovers.ts';
import { locatePostgres, type PostgresBinaries, preparePostgres } from './postgres-binaries.ts';
import { type ManagedProcess, startProcess } from './process.ts';
import type { StopLadder } from './stop-ladder.ts';
import { listUnprivilegedUsers, type UnprivilegedUser } from './unprivileged-user.ts';
import { throwIfAborted, waitFor } from './wait.ts';

const run = promisify(execFile);

export interface PostgresRequest {
  /** Major version: "17". */
  version: string;
  /** Of postgresql.conf; what the harness itself needs (port, address, preloaded libraries) cannot be overridden. */
  settings: Record<string, string | number>;
  /** The data folder is made in here, unless the server's user cannot reach it: then below the temporary folder. */
  dataFolder: string;
  logFile: string;
  /** Cores; empty: all. */
  cpus: number[];
  registry: RunRegistry;
  signal: AbortSignal;
  /** Where the next attempt listens; by default the operating system chooses. */
  findPort?: () => Promise<number>;
}

export interface RunningPostgres extends AsyncDisposable {
  pid: number;
  port: number;
  /** 17.10 */
  version: string;
  /** Who runs it; undefined: we ourselves. */
  user: string | undefined;
  /** Where the cluster lies until it is stopped. */
  dataFolder: string;
  initSeconds: number;
  startSeconds: number;
  /** Creates a database with `pg_stat_statements` in it. @returns its connection string */
  createDatabase(name: string): Promise<string>;
  /** Fast shutdown, then the data folder is removed. */
  stop(): Promise<void>;
}

/** A new cluster takes 40 MB, its WAL may grow to max_wal_size (1 GB) before a checkpoint: refuse only what cannot work. */
const NEEDED_BYTES = 300e6;

const START_DEADLINE_MS = 30_000;

/** Of one attempt: somebody silent may sit at the port. */
const CONNECT_DEADLINE_MS = 1_000;

/** Lost races for a port that was free a moment before, until we stop believing in bad luck. */
const PORT_ATTEMPTS = 5;

/** SIGINT: fast shutdown, with a checkpoint; SIGQUIT: immediate. https://www.postgresql.org/docs/17/server-shutdown.html */
const ladder: StopLadder = [
  { signal: 'SIGINT', to: 'leader', deadlineMs: 10_000 },
  { signal: 'SIGQUIT', to: 'leader', deadlineMs: 5_000 },
  { signal: 'SIGKILL', to: 'group', deadlineMs: 5_000 },
];

/** What the collectors read. fsync and synchronous_commit stay as PostgreSQL has them: on. */
const ownSettings: Record<string, string | number> = {
  track_io_timing: 'on',
  'pg_stat_statements.track': 'all',
  'pg_stat_statements.max': 5000,
  'auto_explain.log_min_duration': '250ms',
  'auto_explain.log_nested_statements': 'on',
  log_line_prefix: '%m [%p] %d ',
  log_lock_waits: 'on',
};

/** @throws HarnessError POSTGRES_FAILED with the last lines of its log, DISK_FULL, PORT_IN_USE, or INTERRUPTED */
export async function startPostgres(request: PostgresRequest): Promise<RunningPostgres> {
  const users = process.getuid?.() === 0 ? listUnprivilegedUsers() : undefined;
  const binaries = await preparePostgres(await locatePostgres(), request.version, users);
  throwIfAborted(request.signal, 'PostgreSQL starts');
  const stack = createCleanupStack();
  try {
    const folder = await makeFolder(request, binaries.user);
    stack.add('the data folder', folder.remove);
    const password = randomBytes(18).toString('base64url');
    const initStartedAt = performance.now();
    const data = await initialize(binaries, folder.path, password, request);
    const startedAt = performance.now();
    const { server, port } = await startOnFreePort(binaries, data, password, request);
    stack.add('PostgreSQL', server.stop);
    await query({ port, password, database: 'template1' }, 'CREATE EXTENSION pg_stat_statements');
    return {
      pid: server.pid,
      port,
      version: binaries.version,
      user: binaries.user?.name,
      dataFolder: data,
      initSeconds: (startedAt - initStartedAt) / 1000,
      startSeconds: (performance.now() - startedAt) / 1000,
      async createDatabase(name) {
        await query({ port, password, database: 'postgres' }, `CREATE DATABASE ${pg.escapeIdentifier(name)}`);
        return `postgresql://postgres:${password}@127.0.0.1:${port}/${encodeURIComponent(name)}`;
      },
      stop: stack.stop,
      [Symbol.asyncDispose]: stack.stop,
    };
  } catch (error) {
    return await stack.unwind(error);
  }
}

/** A folder that the server's user owns and can reach: below the run's folder, or else below the temporary one. */
async function makeFolder(
  { dataFolder, registry }: PostgresRequest,
  user: UnprivilegedUser | undefined,
): Promise<{ path: string; remove(): Promise<void> }> {
  let lastError: unknown;
  for (const place of [dataFolder, tmpdir(), '/var/tmp']) {
    requireDiskSpace(place, NEEDED_BYTES);
    const path = await mkdtemp(join(place, `${RUN_FOLDER_PREFIX}data-`));
    const forget = registry.addFolder(path);
    const remove = async () => {
      await rm(path, { recursive: true, force: true });
      forget();
    };
    if (user === undefined) return { path, remove };
    await chown(path, user.uid, user.gid);
    try {
      await run('/bin/sh', ['-c', 'cd "$1"', 'sh', path], { cwd: '/', uid: user.uid, gid: user.gid });
      return { path, remove };
    } catch (error) {
      lastError = error;
      await remove();
    }
  }
  throw new HarnessError('POSTGRES_FAILED', {
    detail: `no folder for its data that the user ${user?.name} can reach; tried ${dataFolder}, ${tmpdir()} and /var/tmp`,
    cause: lastError,
  });
}

/** @returns the data folder */
async function initialize(
  { folder, user }: PostgresBinaries,
  parent: string,
  password: string,
  { logFile, settings, registry, signal, cpus }: PostgresRequest,
): Promise<string> {
  const data = join(parent, 'data');
  const passwordFile = join(parent, 'password');
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (user !== undefined) await chown(passwordFile, user.uid, user.gid);
  const initdb = await startProcess({
    name: 'initdb',
    command: join(folder, 'bin', 'initdb'),
    // --no-sync: a crash during initdb loses nothing of worth; the running server syncs as ever.
    // C locale: the same on every machine, whatever locales it has.
    args: [
      ...['--pgdata', data, '--username', 'postgres', '--pwfile', passwordFile, '--auth', 'scram-sha-256'],
      ...['--encoding', 'UTF8', '--no-locale', '--no-sync', '--no-instructions'],
    ],
    environment,
    folder: parent,
    cpus,
    user,
    logFile,
    failure: 'POSTGRES_FAILED',
    ladder: [{ signal: 'SIGKILL', to: 'group', deadlineMs: 5_000 }],
    registry,
  });
  try {
    const ending = await waitFor('PostgreSQL starts', () => initdb.ending(), {
      deadlineMs: START_DEADLINE_MS,
      intervalMs: 10,
      signal,
    });
    if (ending !== 'exit code 0') throw explain(initdb, 'could not make the data folder');
  } finally {
    await initdb.stop();
    await rm(passwordFile, { force: true });
  }
  const lines = Object.entries({ ...ownSettings, ...settings }).map(([name, value]) => `${name} = ${toSetting(value)}`);
  await appendFile(join(data, 'postgresql.conf'), `${lines.join('\n')}\n`);
  return data;
}

async function startOnFreePort(
  binaries: PostgresBinaries,
  data: string,
  password: string,
  request: PostgresRequest,
): Promise<{ server: ManagedProcess; port: number }> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await (request.findPort ?? findFreePort)();
    const server = await startServer(binaries, data, port, request);
    try {
      const isReady = await waitFor('PostgreSQL starts', () => isAnswering(server, { port, password }), {
        deadlineMs: START_DEADLINE_MS,
        intervalMs: 15,
        signal: request.signal,
      });
      if (isReady) return { server, port };
      throw explain(server, `did not accept connections within ${START_DEADLINE_MS} ms`);
    } catch (error) {
      await server.stop();
      const isTaken = error instanceof HarnessError && error.code === 'PORT_IN_USE';
      if (!isTaken || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

function startServer(
  { folder, user }: PostgresBinaries,
  data: string,
  port: number,
  { cpus, logFile, registry }: PostgresRequest,
): Promise<ManagedProcess> {
  const fixed: Record<string, string | number> = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    shared_preload_libraries: 'pg_stat_statements,auto_explain',
    logging_collector: 'off',
    log_destination: 'stderr',
  };
  return startProcess({
    name: 'PostgreSQL',
    command: join(folder, 'bin', 'postgres'),
    args: ['-D', data, ...Object.entries(fixed).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    environment,
    folder: data,
    cpus,
    user,
    logFile,
    failure: 'POSTGRES_FAILED',
    ladder,
    registry,
  });
}

const environment = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };

/** True once it answers; undefined while it does not yet. @throws HarnessError when it has ended */
async function isAnswering(
  server: ManagedProcess,
  access: { port: number; password: string },
): Promise<true | undefined> {
  if (server.ending() !== undefined) throw explain(server, 'ended while it started');
  try {
    await query({ ...access, database: 'postgres' }, 'SELECT 1');
    return true;
  } catch (error) {
    // Nobody listens yet, or "the database system is starting up" (57P03). Every other word of a PostgreSQL is final,
    // unless it is that of another server that was faster at the port: then ours is about to end because of it.
    if (!(error instanceof pg.DatabaseError) || error.code === '57P03') return undefined;
    if (await waitFor('PostgreSQL ends', server.ending, { deadlineMs: 2_000, intervalMs: 10 })) return undefined;
    throw server.failed('refused the first query', { cause: error });
  }
}

async function query(access: { port: number; password: string; database: string }, text: string): Promise<void> {
  const client = new pg.Client({
    host: '127.0.0.1',
    user: 'postgres',
    connectionTimeoutMillis: CONNECT_DEADLINE_MS,
    ...access,
  });
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}

/** Names the two causes that have a code of their own. */
function explain(ended: ManagedProcess, detail: string): HarnessError {
  const output = ended.output();
  if (output.includes('No space left on device')) return ended.failed(detail, { code: 'DISK_FULL' });
  if (/could not bind .* Address already in use/.test(output)) return ended.failed(detail, { code: 'PORT_IN_USE' });
  return ended.failed(detail);
}

function toSetting(value: string | number): string {
  return typeof value === 'number' ? String(value) : `'${value.replaceAll("'", "''")}'`;
}
