// Workers under load: nothing is dropped when they are renewed, replaced, added or stopped.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWithPostgres, startPostgres, type TestPostgres } from '../postgres.ts';
import { type GatewayProcess, startGateway } from './gateway-process.ts';
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
});
