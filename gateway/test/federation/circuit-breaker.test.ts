import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { GatewayError } from '../../src/errors.ts';
import { CircuitBreaker } from '../../src/federation/circuit-breaker.ts';
import { createUpstreams, type Upstreams } from '../../src/federation/upstreams.ts';
import { callerOf } from '../caller-of.ts';
import { configOf } from '../config-of.ts';
import { json, result, startRawUpstream } from './raw-upstream.ts';

function createBreaker(knock: () => Promise<boolean> = async () => false) {
  const clock = { nowMs: 0 };
  const breaker = new CircuitBreaker({
    url: 'http://up/mcp',
    threshold: () => 3,
    resetMs: () => 60_000,
    knock,
    nowMs: () => clock.nowMs,
  });
  const fail = () => expect(breaker.run(() => Promise.reject(new Error('down')))).rejects.toThrow('down');
  return { clock, breaker, fail, succeed: () => breaker.run(async () => 'session') };
}

test('it opens after the threshold of failures in a row, and not before', async () => {
  const { breaker, fail, succeed } = createBreaker();
  await fail();
  await fail();
  await succeed();
  await fail();
  await fail();
  expect(breaker.state).toBe('closed');
  await fail();
  expect(breaker).toMatchObject({ state: 'open', failures: 3, trips: 1, retryAfterSeconds: 60 });
  await expect(succeed()).rejects.toMatchObject({ code: 'GW_UPSTREAM_CIRCUIT_OPEN', retryAfterSeconds: 60 });
});

test('after its time one probe goes, the others fail at once; it decides', async () => {
  const { clock, breaker, fail, succeed } = createBreaker();
  for (let at = 0; at < 3; at++) await fail();
  clock.nowMs = 60_000;
  expect(breaker.state).toBe('half_open');
  let answer: (value: string) => void = () => undefined;
  const probe = breaker.run(() => new Promise<string>((resolve) => (answer = resolve)));
  await expect(succeed()).rejects.toMatchObject({ code: 'GW_UPSTREAM_CIRCUIT_OPEN' });
  answer('session');
  await probe;
  expect(breaker.state).toBe('closed');
  for (let at = 0; at < 3; at++) await fail();
  clock.nowMs = 120_000;
  await fail();
  expect(breaker).toMatchObject({ state: 'open', trips: 3 });
});

test('failures that were under way when it opened do not open it again', async () => {
  const { breaker, fail } = createBreaker();
  const late: ((error: Error) => void)[] = [];
  const running = Array.from({ length: 5 }, () => breaker.run(() => new Promise((_, reject) => late.push(reject))));
  for (let at = 0; at < 3; at++) await fail();
  for (const reject of late) reject(new Error('late'));
  await Promise.allSettled(running);
  expect(breaker.trips).toBe(1);
});

const start = (settings: Record<string, string>): Upstreams =>
  createUpstreams({
    config: configOf({ TOOL_TIMEOUT: '2', MCP_SESSION_POOL_CIRCUIT_BREAKER_THRESHOLD: '3', ...settings }),
  });
const call = (upstreams: Upstreams, url: string, sub = 'ada') =>
  upstreams
    .of({ id: url, url, transport: 'STREAMABLEHTTP', headers: {} }, callerOf({ identity: { sub } }))
    .request('tools/call', '{}');
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'ok',
    (error: unknown) => (error instanceof GatewayError ? error.code : String(error)),
  );

test('MCP_SESSION_POOL_CIRCUIT_BREAKER_THRESHOLD and _RESET: openings that fail, of whichever identity, then nobody tries', async () => {
  let isRefusing = true;
  await using raw = await startRawUpstream(({ id }, response) => json(response, result(id, 'ok')), {
    refuse: (response) => isRefusing && Boolean(response.writeHead(500).end()),
  });
  await using neighbour = await startRawUpstream(({ id }, response) => json(response, result(id, 'ok')));
  await using upstreams = start({ MCP_SESSION_POOL_CIRCUIT_BREAKER_RESET: '0.6' });
  for (const sub of ['ada', 'bob', 'eve'])
    expect(await codeOf(call(upstreams, raw.url, sub))).toBe('GW_UPSTREAM_INVALID');
  const startedAt = performance.now();
  expect(await codeOf(call(upstreams, raw.url))).toBe('GW_UPSTREAM_CIRCUIT_OPEN');
  expect(performance.now() - startedAt).toBeLessThan(100);
  expect(raw.count('initialize')).toBe(3);
  expect(await codeOf(call(upstreams, neighbour.url))).toBe('ok');
  expect(upstreams.poolMetrics()).toMatchObject({
    circuit_breaker_trips: 1,
    circuit_breaker_states: {
      [raw.url]: { state: 'open', consecutive_failures: 3 },
      [neighbour.url]: { state: 'closed' },
    },
  });
  isRefusing = false;
  await sleep(650);
  expect(await codeOf(call(upstreams, raw.url))).toBe('ok');
  expect(upstreams.poolMetrics().circuit_breaker_states[raw.url]?.state).toBe('closed');
});

test('failed calls in a session that is open do not count: tool errors, 5xx', async () => {
  await using raw = await startRawUpstream((_, response) => response.writeHead(500).end());
  await using upstreams = start({});
  for (let at = 0; at < 6; at++) expect(await codeOf(call(upstreams, raw.url))).toBe('GW_UPSTREAM_INVALID');
  expect(raw.count('initialize')).toBe(1);
  expect(upstreams.poolMetrics().circuit_breaker_states[raw.url]).toMatchObject({ state: 'closed' });
});

test('an upstream that was away is good again soon after its port takes connections, whatever the reset time', async () => {
  const first = await startRawUpstream(({ id }, response) => json(response, result(id, 'ok')));
  const port = Number(new URL(first.url).port);
  await using upstreams = start({ MCP_SESSION_POOL_CIRCUIT_BREAKER_RESET: '600' });
  expect(await codeOf(call(upstreams, first.url))).toBe('ok');
  await first[Symbol.asyncDispose]();
  const codes: string[] = [];
  for (let at = 0; at < 6; at++) codes.push(await codeOf(call(upstreams, first.url)));
  expect(codes.at(-1)).toBe('GW_UPSTREAM_CIRCUIT_OPEN');
  await using again = await startRawUpstream(({ id }, response) => json(response, result(id, 'ok')), { port });
  await expect.poll(() => codeOf(call(upstreams, again.url)), { timeout: 5_000, interval: 100 }).toBe('ok');
});

test('the report shows no query of a URL: it may hold a key', async () => {
  await using raw = await startRawUpstream(({ id }, response) => json(response, result(id, 'ok')));
  await using upstreams = start({});
  await call(upstreams, `${raw.url}?key=hidden`);
  expect(JSON.stringify(upstreams.poolMetrics())).not.toContain('hidden');
  expect(Object.keys(upstreams.poolMetrics().circuit_breaker_states)).toEqual([raw.url]);
});
