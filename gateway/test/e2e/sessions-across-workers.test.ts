// Stateful sessions of a gateway with several workers: whichever a connection comes to, the one that has the session answers.
import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createToken } from '../../src/auth/token.ts';
import { describeWithPostgres, startPostgres, type TestPostgres } from '../postgres.ts';
import { type EverythingUpstream, startEverythingUpstream } from './everything-upstream.ts';
import { type GatewayProcess, secret, startGateway } from './gateway-process.ts';
import { askMcp, openSession } from './mcp-requests.ts';
import { startSteadyClients } from './steady-clients.ts';

const ping = { method: 'ping' };
const call = { method: 'tools/call', params: { name: 'test_simple_text', arguments: {} } };
const mallory = `Bearer ${createToken({ secret, subject: 'mallory', expiresInMinutes: 60, isAdmin: true })}`;

function workersOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
}

/** Of the processes of this test's gateways: those of others have other tags. */
async function socketsOf(tag: string): Promise<string[]> {
  const files = await readdir(join(tmpdir(), `gatebench-${process.getuid?.()}`));
  return files.filter((file) => file.startsWith(tag));
}

describeWithPostgres('sessions of several workers', () => {
  let postgres: TestPostgres;
  let databaseUrl: string;
  let upstream: EverythingUpstream;

  beforeAll(async () => {
    postgres = await startPostgres();
    databaseUrl = await postgres.createDatabase('across_workers');
    upstream = await startEverythingUpstream();
  });

  afterAll(async () => {
    await upstream?.[Symbol.asyncDispose]();
    await postgres?.[Symbol.asyncDispose]();
  });

  async function start(environment: Record<string, string> = {}): Promise<GatewayProcess> {
    const settings = { DATABASE_URL: databaseUrl, USE_STATEFUL_SESSIONS: 'true', DB_POOL_SIZE: '2' };
    const gateway = await startGateway({ ...settings, WORKERS: '3', ...environment });
    await gateway.rest('POST', '/gateways', { name: 'everything', url: upstream.url });
    return gateway;
  }

  test('a session is served on any connection, and to its user alone on every verb', async () => {
    await using gateway = await start({ ENABLE_METRICS: 'true' });
    const { url, headers } = gateway;
    const id = await openSession(url, headers);
    const own = { ...headers, 'mcp-session-id': id };
    for (let at = 0; at < 9; at++) {
      expect((await askMcp(url, { headers: own, message: call })).status).toBe(200);
      for (const method of ['POST', 'GET', 'DELETE'] as const) {
        const options = { method, ...(method === 'POST' ? { message: call } : {}) };
        const foreign = { ...own, authorization: mallory };
        expect((await askMcp(url, { ...options, headers: foreign })).status).toBe(404);
        expect((await askMcp(url, { ...options, headers: { 'mcp-session-id': id } })).status).toBe(401);
      }
    }
    // The upstream was called in one session: the client's.
    expect(upstream.sessions()).toHaveLength(1);
    const body = await (await fetch(`${url}/metrics`, { headers })).text();
    const shares = workersOf(gateway.pid).map((pid) =>
      Number(new RegExp(`gateway_worker_requests_total\\{pid="${pid}"\\} (\\d+)`).exec(body)?.[1] ?? 0),
    );
    expect(shares).toHaveLength(3);
    expect(Math.min(...shares)).toBeGreaterThan(0);
    expect((await askMcp(url, { method: 'DELETE', headers: own })).status).toBe(204);
    for (let at = 0; at < 6; at++) expect((await askMcp(url, { headers: own, message: ping })).status).toBe(404);
    await expect.poll(() => upstream.sessions()).toEqual([]);
  });

  test('when its worker is killed a session is unknown to all others, and its client begins anew', async () => {
    await using gateway = await start();
    const { url, headers } = gateway;
    const ids = await Promise.all(Array.from({ length: 9 }, () => openSession(url, headers)));
    const workerOf = (id: string) => id.slice(id.lastIndexOf('-') + 1);
    expect(new Set(ids.map(workerOf)).size).toBe(3);
    const statuses = () =>
      Promise.all(
        ids.map(async (id) => {
          const own = { ...headers, 'mcp-session-id': id };
          return [workerOf(id), (await askMcp(url, { headers: own, message: ping })).status] as const;
        }),
      );
    expect((await statuses()).map(([, status]) => status)).toEqual(ids.map(() => 200));
    const [killed = 0] = workersOf(gateway.pid);
    process.kill(killed, 'SIGKILL');
    await expect.poll(() => workersOf(gateway.pid)).not.toContain(killed);
    const after = await statuses();
    const lost = new Set(after.filter(([, status]) => status === 404).map(([worker]) => worker));
    expect(lost.size).toBe(1);
    for (const [worker, status] of after) expect(status).toBe(lost.has(worker) ? 404 : 200);
    const anew = await openSession(url, { ...headers, 'mcp-session-id': ids[0] ?? '' });
    expect((await askMcp(url, { headers: { ...headers, 'mcp-session-id': anew }, message: call })).status).toBe(200);
  });

  test('while workers are renewed no request of a session is dropped: it is answered, or its session is over', async () => {
    await using gateway = await start({ WORKERS: '2' });
    const { url, headers } = gateway;
    const ids = await Promise.all(Array.from({ length: 4 }, () => openSession(url, headers)));
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, ...call });
    const clients = ids.map((id) =>
      startSteadyClients({
        url: `${url}/mcp`,
        headers: { ...headers, 'mcp-session-id': id, accept: 'application/json, text/event-stream' },
        body,
        connections: 2,
        pauseMs: 5,
        isGood: (status, text) => (status === 200 ? text.includes('simple text') : status === 404),
      }),
    );
    await expect
      .poll(() => Math.min(...clients.map((client) => client.answered())), { timeout: 20_000 })
      .toBeGreaterThan(5);
    const before = workersOf(gateway.pid);
    process.kill(gateway.pid, 'SIGHUP');
    await expect
      .poll(() => workersOf(gateway.pid).filter((pid) => before.includes(pid)), { timeout: 60_000 })
      .toEqual([]);
    const results = await Promise.all(clients.map((client) => client.stop()));
    expect(results.flatMap(({ failures }) => failures)).toEqual([]);
    // Sessions whose workers are gone are told to begin anew.
    const own = { ...headers, 'mcp-session-id': ids[0] ?? '' };
    expect((await askMcp(url, { headers: own, message: ping })).status).toBe(404);
  });

  test('the doors between workers are this user’s alone, and gone when the gateway is', async () => {
    const gateway = await start({ WORKERS: '2' });
    const id = await openSession(gateway.url, gateway.headers);
    const tag = /\.([0-9a-f]{8})-/.exec(id)?.[1] ?? 'none';
    expect(await socketsOf(tag)).toHaveLength(2);
    const [killed = 0] = workersOf(gateway.pid);
    process.kill(killed, 'SIGKILL');
    await expect.poll(() => workersOf(gateway.pid)).not.toContain(killed);
    await expect.poll(() => socketsOf(tag), { timeout: 20_000 }).toHaveLength(2);
    await gateway.stop();
    expect(await socketsOf(tag)).toEqual([]);
  });
});
