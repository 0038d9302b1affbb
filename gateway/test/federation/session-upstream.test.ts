// Retries, limits, connections and headers of calls to upstreams.
import type { IncomingHttpHeaders } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { retryDelayMs } from '../../src/federation/retry.ts';
import { createUpstreams, type UpstreamAddress, type Upstreams } from '../../src/federation/upstreams.ts';
import { callerOf } from '../caller-of.ts';
import { configOf } from '../config-of.ts';
import { type Answer, json, type RawUpstream, result, startRawUpstream } from './raw-upstream.ts';

const start = (settings: Record<string, string> = {}): Upstreams =>
  createUpstreams({
    config: configOf({
      TOOL_TIMEOUT: '3',
      RETRY_BASE_DELAY: '0.02',
      MCP_SESSION_POOL_CLEANUP_TIMEOUT: '0.3',
      ...settings,
    }),
  });
const request = (
  upstreams: Upstreams,
  raw: RawUpstream,
  method = 'tools/call',
  json = '{}',
  headers: IncomingHttpHeaders = {},
  address: Partial<UpstreamAddress> = {},
) =>
  upstreams
    .of({ id: 'a', url: raw.url, transport: 'STREAMABLEHTTP', headers: {}, ...address }, callerOf({ headers }))
    .request(method, '{}', { headers }, { json });

/** Fails so often, then is good. */
function failing(times: number, fail: (response: Parameters<Answer>[1]) => void): Answer {
  let failed = 0;
  return ({ id }, response) => {
    if (failed++ < times) fail(response);
    else json(response, result(id, 'ok'));
  };
}
const with503 = (response: Parameters<Answer>[1]) => response.writeHead(503).end();
const withReset = (response: Parameters<Answer>[1]) => response.socket?.destroy();

test.each([
  ['resources/read', '{}', 3],
  ['tools/list', '{}', 3],
  ['tools/call', '{}', 1],
  ['tools/call', '{"annotations":{"idempotentHint":true}}', 3],
  ['tools/call', '{"annotations":{"readOnlyHint":true}}', 3],
  ['tools/call', '{"annotations":{"readOnlyHint":false,"destructiveHint":true}}', 1],
])('RETRY_MAX_ATTEMPTS: %s of %s is sent %i times', async (method, entry, times) => {
  await using raw = await startRawUpstream(failing(9, with503));
  await using upstreams = start();
  await expect(request(upstreams, raw, method, entry)).rejects.toMatchObject({ code: 'GW_UPSTREAM_INVALID' });
  expect(raw.count(method)).toBe(times);
  await using once = start({ RETRY_MAX_ATTEMPTS: '1' });
  await expect(request(once, raw, method, entry)).rejects.toMatchObject({ code: 'GW_UPSTREAM_INVALID' });
  expect(raw.count(method)).toBe(times + 1);
});

test('a connection that breaks costs an idempotent request nothing but time', async () => {
  await using raw = await startRawUpstream(failing(2, withReset));
  await using upstreams = start();
  expect(await request(upstreams, raw, 'resources/read')).toMatchObject({ ok: true });
});

test('what will fail again is not sent again: an error of the upstream, HTTP 400', async () => {
  await using raw = await startRawUpstream(({ id, method }, response) =>
    method === 'tools/list'
      ? json(response, `{"jsonrpc":"2.0","id":${id},"error":{"code":-32000,"message":"no"}}`)
      : response.writeHead(400).end(),
  );
  await using upstreams = start();
  expect(await request(upstreams, raw, 'tools/list')).toMatchObject({ ok: false });
  await expect(request(upstreams, raw, 'resources/read')).rejects.toMatchObject({ code: 'GW_UPSTREAM_INVALID' });
  expect(raw.count('tools/list') + raw.count('resources/read')).toBe(2);
});

test('an upstream whose every answer is a 503 gets a tenth more load, not three times as much', async () => {
  await using raw = await startRawUpstream(failing(1e6, with503));
  await using upstreams = start({ RETRY_BASE_DELAY: '0.001' });
  await Promise.allSettled(Array.from({ length: 100 }, () => request(upstreams, raw, 'resources/read')));
  expect(raw.count('resources/read')).toBeGreaterThan(100);
  expect(raw.count('resources/read')).toBeLessThan(125);
});

test('RETRY_BASE_DELAY doubles, half of it random, up to RETRY_MAX_DELAY', async () => {
  await using raw = await startRawUpstream(failing(1, withReset));
  await using upstreams = start({ RETRY_BASE_DELAY: '0.2' });
  const startedAt = performance.now();
  await request(upstreams, raw, 'resources/read');
  expect(performance.now() - startedAt).toBeGreaterThan(100);
  const error = await request(start({ RETRY_MAX_ATTEMPTS: '1' }), { ...raw, url: 'http://127.0.0.1:1/mcp' }).catch(
    (reason: unknown) => reason,
  );
  const config = configOf({ RETRY_MAX_ATTEMPTS: '20', RETRY_MAX_DELAY: '10' });
  const most = [1, 2, 3, 4, 5, 6].map((attempt) => retryDelayMs(error, attempt, config, () => 1));
  expect(most).toEqual([1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
  expect(retryDelayMs(error, 1, config, () => 0)).toBe(500);
});

test('a retry ends with the time of the call', async () => {
  await using raw = await startRawUpstream(failing(9, with503));
  await using upstreams = start({ TOOL_TIMEOUT: '0.3', RETRY_BASE_DELAY: '5' });
  const startedAt = performance.now();
  await expect(request(upstreams, raw, 'tools/list')).rejects.toMatchObject({ code: 'GW_UPSTREAM_INVALID' });
  expect(performance.now() - startedAt).toBeLessThan(300);
});

/** Counts what runs beside each other. */
function counting(ms: number) {
  const seen = { now: 0, most: 0 };
  const answer: Answer = async ({ id }, response) => {
    seen.most = Math.max(seen.most, ++seen.now);
    await sleep(ms);
    seen.now--;
    json(response, result(id, 'ok'));
  };
  return { seen, answer };
}

test('TOOL_CONCURRENT_LIMIT: further calls of an upstream’s tools wait their turn, within their own time', async () => {
  const { seen, answer } = counting(60);
  await using raw = await startRawUpstream(answer);
  await using upstreams = start({ TOOL_CONCURRENT_LIMIT: '2' });
  await Promise.all(Array.from({ length: 8 }, () => request(upstreams, raw)));
  expect(seen.most).toBe(2);
  await using free = start();
  await Promise.all(Array.from({ length: 8 }, () => request(free, raw)));
  expect(seen.most).toBe(8);
  const { answer: slow } = counting(5_000);
  await using stuck = await startRawUpstream(slow);
  const config = configOf({ TOOL_CONCURRENT_LIMIT: '1', TOOL_TIMEOUT: '1' });
  await using bounded = createUpstreams({ config });
  const first = expect(request(bounded, stuck)).rejects.toMatchObject({ code: 'GW_UPSTREAM_TIMEOUT' });
  await expect.poll(() => stuck.count('tools/call')).toBe(1);
  config.TOOL_TIMEOUT = 0.2;
  await expect(request(bounded, stuck)).rejects.toMatchObject({ code: 'GW_UPSTREAM_BUSY' });
  await first;
});

test('HTTPX_MAX_CONNECTIONS bounds the connections to an upstream, HTTPX_POOL_TIMEOUT the wait for one', async () => {
  const { seen, answer } = counting(300);
  await using raw = await startRawUpstream(answer);
  await using upstreams = start({ HTTPX_MAX_CONNECTIONS: '2' });
  await Promise.all(Array.from({ length: 4 }, () => request(upstreams, raw)));
  expect(seen.most).toBe(2);
  await using hasty = start({ HTTPX_MAX_CONNECTIONS: '2', HTTPX_POOL_TIMEOUT: '0.1' });
  await request(hasty, raw);
  const results = await Promise.allSettled(Array.from({ length: 4 }, () => request(hasty, raw)));
  const codes = results.map((one) => (one.status === 'rejected' ? (one.reason as { code: string }).code : 'ok'));
  expect(codes.sort()).toEqual(['GW_UPSTREAM_BUSY', 'GW_UPSTREAM_BUSY', 'ok', 'ok']);
});

/** Connections that a server has open. */
async function startCounted(answer: Answer) {
  const sockets = new Set<object>();
  let opened = 0;
  const raw = await startRawUpstream((message, response, request) => {
    const { socket } = request;
    if (!sockets.has(socket)) {
      opened++;
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    }
    return answer(message, response, request);
  });
  return { raw, sockets, opened: () => opened, [Symbol.asyncDispose]: () => raw[Symbol.asyncDispose]() };
}

test('HTTPX_MAX_KEEPALIVE_CONNECTIONS are kept after a rush, for HTTPX_KEEPALIVE_EXPIRY', async () => {
  const { answer } = counting(50);
  await using counted = await startCounted(answer);
  await using upstreams = start({ HTTPX_MAX_KEEPALIVE_CONNECTIONS: '2', HTTPX_KEEPALIVE_EXPIRY: '2' });
  await Promise.all(Array.from({ length: 8 }, () => request(upstreams, counted.raw)));
  expect(counted.sockets.size).toBe(8);
  await expect.poll(() => counted.sockets.size, { timeout: 1_500 }).toBe(2);
  await Promise.all([request(upstreams, counted.raw), request(upstreams, counted.raw)]);
  expect(counted.opened()).toBe(8);
  await expect.poll(() => counted.sockets.size, { timeout: 4_000 }).toBe(0);
});

test('HTTPX_READ_TIMEOUT bounds the silence of an upstream outside the pool', async () => {
  await using raw = await startRawUpstream(() => undefined);
  await using upstreams = start({ HTTPX_READ_TIMEOUT: '0.2' });
  await using own = upstreams.connect({ id: 'a', url: raw.url, transport: 'STREAMABLEHTTP', headers: {} });
  const startedAt = performance.now();
  await expect(own.request('tools/call', '{}')).rejects.toMatchObject({ code: 'GW_UPSTREAM_TIMEOUT' });
  expect(performance.now() - startedAt).toBeLessThan(1_000);
});

const sent: IncomingHttpHeaders = {
  authorization: 'Bearer gateway-token',
  cookie: 'c=1',
  'x-tenant-id': 'tenant',
  'x-trace-id': 'trace',
  host: 'gateway',
  'mcp-session-id': 'of-the-client',
};

/** The names and values, of those above, that the upstream got with its calls. */
async function headersSeen(settings: Record<string, string>, headers = sent, address: Partial<UpstreamAddress> = {}) {
  const seen: Record<string, string> = {};
  await using raw = await startRawUpstream(({ id }, response, incoming) => {
    for (const name of [...Object.keys(sent), 'traceparent'])
      if (incoming.headers[name] !== undefined) seen[name] = String(incoming.headers[name]);
    json(response, result(id, 'ok'));
  });
  await using upstreams = start(settings);
  await request(upstreams, raw, 'tools/call', '{}', headers, address);
  const { host: _, 'mcp-session-id': session, ...rest } = seen;
  expect(session).toBe('session-1');
  return rest;
}

const on = { ENABLE_HEADER_PASSTHROUGH: 'true' };

test('ENABLE_HEADER_PASSTHROUGH: nothing of a client’s request goes on unless it is on', async () => {
  expect(await headersSeen({})).toEqual({});
  expect(await headersSeen({ DEFAULT_PASSTHROUGH_HEADERS: 'Authorization' })).toEqual({});
  expect(await headersSeen(on)).toEqual({ 'x-tenant-id': 'tenant', 'x-trace-id': 'trace' });
});

test('DEFAULT_PASSTHROUGH_HEADERS: the token for this gateway stays here unless it is named', async () => {
  const named = { ...on, DEFAULT_PASSTHROUGH_HEADERS: '["Authorization", "Host", "Mcp-Session-Id"]' };
  expect(await headersSeen(named)).toEqual({ authorization: 'Bearer gateway-token' });
  const stored = { headers: { authorization: 'Bearer stored' } };
  expect(await headersSeen(named, sent, stored)).toEqual({ authorization: 'Bearer stored' });
  expect(await headersSeen({ ...on, DEFAULT_PASSTHROUGH_HEADERS: 'Cookie' })).toEqual({ cookie: 'c=1' });
});

test('X-Upstream-Authorization arrives as Authorization; a gateway may name headers of its own', async () => {
  const own = { ...sent, 'x-upstream-authorization': 'Bearer for-the-upstream' };
  expect(await headersSeen(on, own)).toMatchObject({ authorization: 'Bearer for-the-upstream' });
  expect(await headersSeen({}, own)).toEqual({});
  expect(await headersSeen(on, sent, { passthroughHeaders: ['Cookie'] })).toEqual({ cookie: 'c=1' });
});

test('the headers of a trace go with each request', async () => {
  const seen: (string | undefined)[] = [];
  await using raw = await startRawUpstream(({ id }, response, { headers }) => {
    seen.push(headers['traceparent']?.toString(), headers['x-trace-id']?.toString());
    json(response, result(id, 'ok'));
  });
  await using upstreams = start(on);
  const upstream = upstreams.of(
    { id: 'a', url: raw.url, transport: 'STREAMABLEHTTP', headers: {} },
    callerOf({ headers: sent }),
  );
  for (const traced of ['00-1', '00-2']) {
    await upstream.request('tools/call', '{}', { headers: sent, trace: { upstreamHeaders: ['traceparent', traced] } });
  }
  expect(seen).toEqual(['00-1', 'trace', '00-2', 'trace']);
});
