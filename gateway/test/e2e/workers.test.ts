// Workers under load: nothing is dropped when they are renewed, replaced, added or stopped.
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWithPostgres, startPostgres, type TestPostgres } from '../postgres.ts';
import { type GatewayProcess, runGateway, secret, startGateway } from './gateway-process.ts';
import { startSteadyClients } from './steady-clients.ts';

const ping = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' });

/** Processes below this one that live. */
function workersOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
}

async function until(what: string, isDone: () => boolean | Promise<boolean>, deadlineMs = 60_000): Promise<void> {
  const startedAt = performance.now();
  while (!(await isDone())) {
    if (performance.now() - startedAt > deadlineMs) throw new Error(`${what}: not within ${deadlineMs} ms`);
    await sleep(20);
  }
}

describeWithPostgres('workers', () => {
  let postgres: TestPostgres;
  let databaseUrl: string;

  beforeAll(async () => {
    postgres = await startPostgres();
    databaseUrl = await postgres.createDatabase('workers');
  });

  afterAll(async () => {
    await postgres?.[Symbol.asyncDispose]();
  });

  const start = (environment: Record<string, string>) =>
    startGateway({ DATABASE_URL: databaseUrl, LOG_LEVEL: 'info', ...environment });

  const load = (gateway: GatewayProcess, connections = 16, pauseMs = 5) =>
    startSteadyClients({ url: `${gateway.url}/rpc`, headers: gateway.headers, body: ping, connections, pauseMs });

  test('as many workers serve as WORKERS says, below one process that tells where it listens', async () => {
    await using gateway = await start({ WORKERS: '2' });
    expect(workersOf(gateway.pid)).toHaveLength(2);
    expect((await gateway.rest('GET', '/health')).status).toBe(200);
  });

  test('MAX_REQUESTS renews workers, and no request is dropped', async () => {
    await using gateway = await start({ WORKERS: '2', MAX_REQUESTS: '300', MAX_REQUESTS_JITTER: '50' });
    const before = workersOf(gateway.pid);
    const clients = load(gateway);
    await until('both workers are new', () => workersOf(gateway.pid).every((pid) => !before.includes(pid)));
    const { failures, answered } = await clients.stop();
    expect(failures).toEqual([]);
    expect(answered).toBeGreaterThan(600);
  });

  test('SIGHUP renews all workers, and no request is dropped', async () => {
    await using gateway = await start({ WORKERS: '2' });
    const before = workersOf(gateway.pid);
    const clients = load(gateway);
    await sleep(200);
    process.kill(gateway.pid, 'SIGHUP');
    await until('two new workers serve alone', () => {
      const now = workersOf(gateway.pid);
      return now.length === 2 && now.every((pid) => !before.includes(pid));
    });
    const { failures } = await clients.stop();
    expect(failures).toEqual([]);
  });

  test('SIGHUP makes as many workers as the environment file says now', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gatebench-workers-'));
    const file = join(folder, 'workers.env');
    writeFileSync(file, 'WORKERS=1\n');
    try {
      await using gateway = await startGateway({ DATABASE_URL: databaseUrl }, [], ['--env-file', file]);
      const before = workersOf(gateway.pid);
      expect(before).toHaveLength(1);
      writeFileSync(file, 'WORKERS=2\n');
      process.kill(gateway.pid, 'SIGHUP');
      await until('two new workers serve alone', () => {
        const now = workersOf(gateway.pid);
        return now.length === 2 && now.every((pid) => !before.includes(pid));
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('SIGTERM ends the gateway in order: whoever was served is answered', async () => {
    const gateway = await start({ WORKERS: '2' });
    const clients = startSteadyClients({
      url: `${gateway.url}/rpc`,
      headers: gateway.headers,
      body: ping,
      connections: 16,
      pauseMs: 2,
    });
    await sleep(300);
    const startedAt = performance.now();
    const exitCode = await gateway.stop('SIGTERM');
    expect(exitCode).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(30_000);
    const { failures } = await clients.stop();
    // New connections are refused once it no longer listens; nothing that was accepted is cut off.
    expect(failures.filter((failure) => !failure.includes('ECONNREFUSED'))).toEqual([]);
    expect(failures.length).toBeGreaterThan(0);
  });

  test('a killed worker is replaced within two seconds, and only what it was answering is lost', async () => {
    const beganAt = performance.now();
    await using gateway = await start({ WORKERS: '2' });
    // Where other tests keep the machine busy, a start takes longer than two seconds: then a replacement may take as long.
    const startMs = performance.now() - beganAt;
    const clients = load(gateway);
    await sleep(200);
    const [victim = 0] = workersOf(gateway.pid);
    process.kill(victim, 'SIGKILL');
    const startedAt = performance.now();
    await until('there are two again', () => {
      const now = workersOf(gateway.pid);
      return now.length === 2 && !now.includes(victim);
    });
    expect(performance.now() - startedAt).toBeLessThan(Math.max(2000, startMs));
    await sleep(300);
    const { failures } = await clients.stop();
    expect(failures.length).toBeLessThanOrEqual(8 + 1); // half of the connections were its own
  });

  test('TIMEOUT: a worker that stands still for so long is killed and replaced; with 0 it is left alone', async () => {
    // A worker that is loaded on a busy machine stands still for seconds too.
    await using gateway = await start({ WORKERS: '1', TIMEOUT: '4' });
    await using patient = await start({ WORKERS: '1', TIMEOUT: '0' });
    const [stuck = 0] = workersOf(gateway.pid);
    const [left = 0] = workersOf(patient.pid);
    process.kill(stuck, 'SIGSTOP');
    process.kill(left, 'SIGSTOP');
    try {
      await until('another serves', async () => !workersOf(gateway.pid).includes(stuck) && (await isServing(gateway)));
      expect(gateway.log()).toContain('a worker stands still: it is killed');
      expect(workersOf(patient.pid)).toEqual([left]);
    } finally {
      process.kill(left, 'SIGCONT');
    }
  });

  test('RESPAWN_FAILED=false: a worker that ended is not replaced, and with the last of them the gateway ends', async () => {
    const gateway = await start({ WORKERS: '2', RESPAWN_FAILED: 'false' });
    const [first = 0, second = 0] = workersOf(gateway.pid);
    process.kill(first, 'SIGKILL');
    await until('one is left', () => workersOf(gateway.pid).length === 1);
    await sleep(1000); // a replacement comes at once where there is one: see the test above
    expect(workersOf(gateway.pid)).toEqual([second]);
    expect(await isServing(gateway)).toBe(true);
    process.kill(second, 'SIGKILL');
    expect(await gateway.ended()).toBe(1);
  });

  test.each(['0', '2'])('Ctrl-C while it waits for its database ends it at once, with WORKERS=%s', async (WORKERS) => {
    const away = { DATABASE_URL: 'postgresql://127.0.0.1:1/away', JWT_SECRET_KEY: secret, PORT: '0', WORKERS };
    // The next attempt would come after a minute.
    const settings = { ...away, DB_RETRY_INTERVAL_MS: '60000' };
    const startedAt = performance.now();
    const ended = await runGateway(['serve'], settings, 'the database cannot be reached yet');
    expect(ended.exitCode).toBe(130);
    expect(ended.stderr).toContain('SIGINT while starting');
    expect(performance.now() - startedAt).toBeLessThan(25_000);
  });

  test('--dev (DEV_MODE): the .env file is changed, also by an editor that puts a new file in its place, and new workers have what it says', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gatebench-dev-'));
    const file = join(folder, 'dev.env');
    writeFileSync(file, 'SESSION_TTL=100\n');
    try {
      const environment = { DATABASE_URL: databaseUrl, MCPGATEWAY_ADMIN_API_ENABLED: 'true' };
      await using gateway = await startGateway(environment, [], ['--dev', '--env-file', file]);
      const ttl = async () => {
        const { body } = await gateway.rest('GET', '/admin/config');
        return (body as { settings: Record<string, { value: unknown }> }).settings['SESSION_TTL']?.value;
      };
      const before = workersOf(gateway.pid);
      expect(before).toHaveLength(1);
      expect(await ttl()).toBe(100);
      writeFileSync(file, 'SESSION_TTL=200\n');
      await until('it is read again', async () => (await ttl()) === 200);
      await until('the worker is new', () => workersOf(gateway.pid).every((pid) => !before.includes(pid)));
      writeFileSync(`${file}.new`, 'SESSION_TTL=300\n');
      renameSync(`${file}.new`, file);
      await until('the new file is read', async () => (await ttl()) === 300);
      writeFileSync(file, 'SESSION_TTL=400\n');
      await until('the new file is watched', async () => (await ttl()) === 400);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

async function isServing(gateway: GatewayProcess): Promise<boolean> {
  return (await gateway.rest('GET', '/health')).status === 200;
}
