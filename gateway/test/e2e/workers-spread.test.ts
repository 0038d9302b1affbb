// Requests of long-lived connections spread evenly over workers, also over workers that were added later.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createToken } from '../../src/auth/token.ts';
import { describeWithPostgres, startPostgres, type TestPostgres } from '../postgres.ts';
import { type GatewayProcess, secret, startGateway } from './gateway-process.ts';
import { startSteadyClients } from './steady-clients.ts';

const ping = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' });
const admin = `Bearer ${createToken({ secret, subject: 'root', expiresInMinutes: 5, isAdmin: true })}`;

/** Requests so far, by worker. */
async function countByWorker(gateway: GatewayProcess): Promise<Map<string, number>> {
  const answer = await fetch(`${gateway.url}/metrics`, { headers: { authorization: admin, connection: 'close' } });
  const counts = (await answer.text()).matchAll(/^gateway_worker_requests_total\{pid="(\d+)"\} (\d+)/gm);
  return new Map([...counts].map(([, pid = '', count]) => [pid, Number(count)]));
}

/** Each worker's share of what came between two counts. */
function sharesOf(before: Map<string, number>, after: Map<string, number>): number[] {
  const own = [...after].map(([worker, count]) => count - (before.get(worker) ?? 0));
  const total = own.reduce((sum, count) => sum + count, 0);
  return own.map((count) => count / total);
}

const EVEN_WITHIN_MS = 30_000;

function isEven(shares: number[], workers: number): boolean {
  return shares.length === workers && shares.every((part) => Math.abs(part - 1 / workers) < 0.1);
}

describeWithPostgres('the spread of requests', () => {
  let postgres: TestPostgres;
  let databaseUrl: string;

  beforeAll(async () => {
    postgres = await startPostgres();
    databaseUrl = await postgres.createDatabase('spread');
  });

  afterAll(async () => {
    await postgres?.[Symbol.asyncDispose]();
  });

  test('32 connections that stay open give each of 2 workers its half, and each of 4 its quarter once they are there', async () => {
    // The default pool of four workers would exceed the connections of the test's database.
    await using gateway = await startGateway({
      DATABASE_URL: databaseUrl,
      WORKERS: '2',
      ENABLE_METRICS: 'true',
      DB_POOL_SIZE: '1',
      MCPGATEWAY_ADMIN_API_ENABLED: 'true',
    });
    const clients = startSteadyClients({
      url: `${gateway.url}/rpc`,
      headers: gateway.headers,
      body: ping,
      connections: 32,
      pauseMs: 20,
    });
    await sleep(500);
    const first = await countByWorker(gateway);
    await sleep(1500);
    const two = sharesOf(first, await countByWorker(gateway));

    const changed = await fetch(`${gateway.url}/admin/config`, {
      method: 'PATCH',
      headers: { authorization: admin, 'content-type': 'application/json' },
      body: JSON.stringify({ WORKERS: '4' }),
    });
    expect(changed.status).toBe(200);
    // They start, then every second half of the excess moves: how soon all is even depends on how soon the new ones run.
    let four: number[] = [];
    let before = await countByWorker(gateway);
    for (const endsAt = performance.now() + EVEN_WITHIN_MS; performance.now() < endsAt && !isEven(four, 4); ) {
      await sleep(2000);
      const after = await countByWorker(gateway);
      four = sharesOf(before, after);
      before = after;
    }
    const { failures } = await clients.stop();
    process.stdout.write(
      `spread over 2: ${two.map((part) => part.toFixed(3))}, over 4: ${four.map((part) => part.toFixed(3))}\n`,
    );
    expect(failures).toEqual([]);
    expect(isEven(two, 2), `over 2: ${two}`).toBe(true);
    expect(isEven(four, 4), `over 4: ${four}`).toBe(true);
  });
});
