// The connections to upstreams, and what changes of their settings do while requests run.
import { expect, test } from 'vitest';
import { createRestCalls } from '../../src/federation/rest-tool.ts';
import { createUpstreams, type Upstreams } from '../../src/federation/upstreams.ts';
import { callerOf } from '../caller-of.ts';
import { configOf } from '../config-of.ts';
import { startFullListener } from './full-listener.ts';
import { type Answer, json, type RawUpstream, result, startRawUpstream } from './raw-upstream.ts';

const call = (upstreams: Upstreams, { url }: { url: string }) =>
  upstreams
    .of({ id: 'a', url, transport: 'STREAMABLEHTTP', headers: {} }, callerOf())
    .request('tools/call', '{}', undefined);
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** An upstream that takes some time, and knows its connections and how many calls it had at a time. */
async function startWatched(ms: number) {
  const sockets = new Set<object>();
  let running = 0;
  const seen = { most: 0, opened: 0 };
  const answer: Answer = ({ id }, response, { socket }) => {
    seen.most = Math.max(seen.most, ++running);
    if (!sockets.has(socket)) {
      seen.opened++;
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    }
    setTimeout(() => {
      running--;
      json(response, result(id, 'ok'));
    }, ms);
  };
  const raw: RawUpstream = await startRawUpstream(answer);
  return { url: raw.url, raw, sockets, seen, [Symbol.asyncDispose]: () => raw[Symbol.asyncDispose]() };
}

test('HTTPX_MAX_CONNECTIONS changes while calls run and wait, and none is lost', async () => {
  await using upstream = await startWatched(100);
  const config = configOf({ HTTPX_MAX_CONNECTIONS: '2', HTTPX_POOL_TIMEOUT: '5' });
  await using upstreams = createUpstreams({ config });
  await call(upstreams, upstream);
  const few = Array.from({ length: 6 }, () => call(upstreams, upstream));
  await expect.poll(() => upstream.seen.most, { timeout: 5_000 }).toBe(2);
  config.HTTPX_MAX_CONNECTIONS = 12;
  const many = Array.from({ length: 12 }, () => call(upstreams, upstream));
  await expect.poll(() => upstream.seen.most, { timeout: 5_000 }).toBeGreaterThanOrEqual(12);
  config.HTTPX_MAX_CONNECTIONS = 1;
  const last = Array.from({ length: 3 }, () => call(upstreams, upstream));
  for (const answer of await Promise.all([...few, ...many, ...last])) expect(answer).toMatchObject({ ok: true });
  upstream.seen.most = 0;
  await Promise.all(Array.from({ length: 4 }, () => call(upstreams, upstream)));
  expect(upstream.seen.most).toBe(1);
  expect(upstream.raw.count('initialize')).toBe(1);
});

test('HTTPX_MAX_KEEPALIVE_CONNECTIONS and HTTPX_KEEPALIVE_EXPIRY change what is kept from then on', async () => {
  await using upstream = await startWatched(50);
  const config = configOf({ HTTPX_MAX_KEEPALIVE_CONNECTIONS: '8', HTTPX_KEEPALIVE_EXPIRY: '30' });
  await using upstreams = createUpstreams({ config });
  const rush = () => Promise.all(Array.from({ length: 6 }, () => call(upstreams, upstream)));
  await rush();
  await sleep(600);
  expect(upstream.sockets.size).toBe(6);
  config.HTTPX_MAX_KEEPALIVE_CONNECTIONS = 2;
  await rush();
  await expect.poll(() => upstream.sockets.size, { timeout: 5_000 }).toBe(2);
  // Undici takes a second off.
  config.HTTPX_KEEPALIVE_EXPIRY = 1.5;
  await rush();
  await expect.poll(() => upstream.sockets.size, { timeout: 8_000 }).toBe(0);
});

test('tools that are HTTP APIs feel the change too', async () => {
  await using upstream = await startWatched(100);
  const config = configOf({ HTTPX_MAX_CONNECTIONS: '1', SSRF_ALLOW_LOCALHOST: 'true' });
  await using rest = createRestCalls(config);
  const tool = { url: upstream.url, method: 'POST' as const, headers: {}, inputSchema: {} };
  const run = () =>
    Promise.all(
      Array.from({ length: 4 }, (_, id) => rest.call(tool, { id, method: 'x' }, new AbortController().signal)),
    );
  await run();
  expect(upstream.seen.most).toBe(1);
  config.HTTPX_MAX_CONNECTIONS = 4;
  expect(await run()).toMatchObject([{ ok: true }, { ok: true }, { ok: true }, { ok: true }]);
  expect(upstream.seen.most).toBe(4);
});

test('HTTPX_CONNECT_TIMEOUT ends a connection that is never completed', async () => {
  await using full = await startFullListener();
  const config = configOf({ HTTPX_CONNECT_TIMEOUT: '0.5', TOOL_TIMEOUT: '10' });
  await using upstreams = createUpstreams({ config });
  const startedAt = performance.now();
  await expect(call(upstreams, full)).rejects.toMatchObject({ code: 'GW_UPSTREAM_UNREACHABLE' });
  const tookMs = performance.now() - startedAt;
  expect(tookMs).toBeGreaterThan(400);
  // Undici's timers are coarse: it may be a second more.
  expect(tookMs).toBeLessThan(5_000);
  config.HTTPX_CONNECT_TIMEOUT = 8;
  const patient = call(upstreams, full).then(
    () => 'served',
    () => 'failed',
  );
  expect(await Promise.race([patient, sleep(2_000).then(() => 'waiting')])).toBe('waiting');
});
