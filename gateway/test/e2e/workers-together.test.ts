// What the workers of one gateway know of each other: one /metrics for all, and a write through one is seen by all.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWithPostgres, startPostgres, type TestPostgres } from '../postgres.ts';
import { type GatewayProcess, startGateway } from './gateway-process.ts';

const ping = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' });

function workersOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
}

describeWithPostgres('workers of one gateway', () => {
  let postgres: TestPostgres;
  let databaseUrl: string;

  beforeAll(async () => {
    postgres = await startPostgres();
    databaseUrl = await postgres.createDatabase('together');
  });

  afterAll(async () => {
    await postgres?.[Symbol.asyncDispose]();
  });

  const start = (environment: Record<string, string>) =>
    startGateway({ DATABASE_URL: databaseUrl, WORKERS: '2', DB_POOL_SIZE: '2', ...environment });

  /** Each on a connection of its own, so that both workers get some. */
  async function sendPings(gateway: GatewayProcess, count: number): Promise<void> {
    const headers = { ...gateway.headers, 'content-type': 'application/json', connection: 'close' };
    for (let at = 0; at < count; at++) {
      const answer = await fetch(`${gateway.url}/rpc`, { method: 'POST', headers, body: ping });
      expect(answer.status).toBe(200);
      await answer.text();
    }
  }

  async function scrape(gateway: GatewayProcess): Promise<(name: string) => number | undefined> {
    const answer = await fetch(`${gateway.url}/metrics`, { headers: { ...gateway.headers, connection: 'close' } });
    const lines = (await answer.text()).split('\n');
    return (name) => {
      const values = lines.filter((line) => line.startsWith(`${name} `)).map((line) => Number(line.split(' ').at(-1)));
      expect(values.length).toBeLessThan(2);
      return values[0];
    };
  }

  const pings = 'http_requests_total{method="POST",path="/rpc",status="200"}';
  const timed = 'http_request_duration_seconds_count{method="POST",path="/rpc",status="200"}';

  test('/metrics of any worker has the sum of all, which no renewal, death or standstill lowers', async () => {
    await using gateway = await start({ ENABLE_METRICS: 'true' });
    const [first = 0, second = 0] = workersOf(gateway.pid);
    await sendPings(gateway, 40);
    const before = await scrape(gateway);
    expect([before(pings), before(timed)]).toEqual([40, 40]);
    expect([before('gateway_workers'), before('gateway_workers_missing')]).toEqual([2, 0]);
    const shares = [first, second].map((pid) => before(`gateway_worker_requests_total{pid="${pid}"}`) ?? 0);
    expect(Math.min(...shares)).toBeGreaterThan(0);
    expect(shares[0] ?? 0).toBeLessThan(40);
    expect(before(`db_pool_size`)).toBe(4);

    process.kill(first, 'SIGTERM');
    await expect.poll(() => workersOf(gateway.pid), { timeout: 60_000 }).not.toContain(first);
    await sendPings(gateway, 10);
    const renewed = await scrape(gateway);
    expect([renewed(pings), renewed(timed)]).toEqual([50, 50]);
    expect(renewed(`gateway_worker_requests_total{pid="${first}"}`)).toBeUndefined();

    // It was asked just now: nothing of what it counted is lost.
    process.kill(second, 'SIGKILL');
    await expect
      .poll(async () => (await scrape(gateway))('gateway_workers'), { timeout: 60_000, interval: 200 })
      .toBe(2);
    const died = await scrape(gateway);
    expect(died(pings)).toBe(50);

    const [stuck = 0] = workersOf(gateway.pid);
    process.kill(stuck, 'SIGSTOP');
    try {
      // From then on it gets no new connections.
      await sleep(2500);
      const partial = await scrape(gateway);
      expect([partial('gateway_workers'), partial('gateway_workers_missing')]).toEqual([1, 1]);
      expect(partial(pings)).toBe(50);
      expect(partial('db_pool_size')).toBe(2);
    } finally {
      process.kill(stuck, 'SIGCONT');
    }
  });

  test.each(['memory', 'database'])(
    'CACHE_TYPE=%s: a write through one worker shows in all within 100 ms',
    async (type) => {
      // Without word from each other they would show it when TTL or interval have ended.
      await using gateway = await start({ CACHE_TYPE: type, CACHE_SYNC_INTERVAL: '60' });
      // One connection each; they are spread over both workers.
      const clients = Array.from({ length: 6 }, () => new Client(gateway.url));
      const ask = async (client: Client | undefined, method: 'GET' | 'POST', body?: object) => {
        const headers = { ...gateway.headers, 'content-type': 'application/json' };
        const sent = body === undefined ? {} : { body: JSON.stringify(body) };
        const answer = await client?.request({ path: '/servers?limit=0', method, headers, ...sent });
        return { status: answer?.statusCode, text: (await answer?.body.text()) ?? '' };
      };
      for (const client of clients) await ask(client, 'GET');
      const elapsed: number[] = [];
      for (const writer of [0, 1, 2, 3, 4]) {
        const name = `${type}-${writer}`;
        expect((await ask(clients[writer], 'POST', { server: { name } })).status).toBe(201);
        const writtenAt = performance.now();
        const isSeen = async (client: Client) => (await ask(client, 'GET')).text.includes(name);
        let askedAt = performance.now();
        while (!(await Promise.all(clients.map(isSeen))).every(Boolean)) {
          expect(performance.now() - writtenAt).toBeLessThan(3000);
          askedAt = performance.now();
        }
        // When those who saw it asked: how long their answers took is another matter.
        elapsed.push(askedAt - writtenAt);
      }
      for (const client of clients) await client.close();
      // On a machine that does other things too: the median.
      expect(elapsed.toSorted((a, b) => a - b)[2]).toBeLessThan(100);
    },
  );
});
