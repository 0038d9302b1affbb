import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { countSockets, Performance } from '../../src/records/performance.ts';

test('counts, sums and percentiles per operation', () => {
  const performance = new Performance();
  for (let ms = 1; ms <= 100; ms++) performance.record('tools', ms, ms > 90);
  performance.record('database_query', 3, false);
  expect(performance.figures()).toMatchObject({
    tools: { count: 100, failures: 10, avgMs: 50.5, minMs: 1, maxMs: 100, p50Ms: 51, p95Ms: 96, p99Ms: 100 },
    database_query: { count: 1, p50Ms: 3 },
  });
});

test('percentiles are those of the latest samples', () => {
  const performance = new Performance();
  for (let at = 0; at < 512; at++) performance.record('tools', 1000, false);
  for (let at = 0; at < 512; at++) performance.record('tools', 1, false);
  expect(performance.figures()['tools']).toMatchObject({ p99Ms: 1, maxMs: 1000 });
});

test('sees the sockets of this process', async () => {
  const before = await countSockets();
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  expect(await countSockets()).toBe((before ?? 0) + 1);
  server.close();
});
