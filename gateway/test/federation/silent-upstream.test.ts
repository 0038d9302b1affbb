// An upstream that takes connections and says nothing: what it costs its callers, its neighbours, and those of its tools that work.
import type { ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import { createUpstreams, type Upstreams } from '../../src/federation/upstreams.ts';
import type { McpSession } from '../../src/mcp/ports.ts';
import { callerOf } from '../caller-of.ts';
import { configOf } from '../config-of.ts';
import { type Answer, json, result, startRawUpstream } from './raw-upstream.ts';

const start = (settings: Record<string, string> = {}): Upstreams =>
  createUpstreams({ config: configOf({ TOOL_TIMEOUT: '0.3', ...settings }) });
const call = (upstreams: Upstreams, { url }: { url: string }, name = 'fast', session?: McpSession) =>
  upstreams
    .of({ id: url, url, transport: 'STREAMABLEHTTP', headers: {} }, callerOf({ session }))
    .request('tools/call', JSON.stringify({ name }));
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** While it is silent it answers nothing at all. */
async function startFreezable() {
  let isSilent = false;
  const answer: Answer = ({ id }, response) => {
    if (!isSilent) json(response, result(id, 'ok'));
  };
  const raw = await startRawUpstream(answer, { refuse: () => isSilent });
  return {
    ...raw,
    freeze: () => {
      isSilent = true;
    },
    thaw: () => {
      isSilent = false;
    },
    [Symbol.asyncDispose]: () => raw[Symbol.asyncDispose](),
  };
}

async function timed(running: Promise<unknown>): Promise<{ code: string; ms: number }> {
  const startedAt = performance.now();
  const code = await running.then(
    () => 'ok',
    (error: { code: string }) => error.code,
  );
  return { code, ms: performance.now() - startedAt };
}

const client = (): McpSession => ({
  id: 'client-1',
  identity: { sub: 'ada' },
  clientCapabilities: {},
  logLevel: undefined,
  peer: { notify: () => undefined, request: () => Promise.reject(new Error('not to be asked')) },
  onEnd: () => undefined,
});

const sessions: [string, McpSession | undefined][] = [
  ['pooled', undefined],
  ['of a client', client()],
];

test.each([
  ['with a session that was open', true, ...(sessions[0] as [string, undefined])],
  ['with no session yet', false, ...(sessions[0] as [string, undefined])],
  ['with a session that was open', true, ...(sessions[1] as [string, McpSession])],
  ['with no session yet', false, ...(sessions[1] as [string, McpSession])],
])('fault 4 %s: of six calls the sixth fails at once (open: %s, %s)', async (_what, isOpen, _whose, session) => {
  await using upstream = await startFreezable();
  await using neighbour = await startRawUpstream(({ id }, response) => json(response, result(id, 'ok')));
  await using upstreams = start();
  await call(upstreams, neighbour);
  if (isOpen) await call(upstreams, upstream, 'fast', session);
  upstream.freeze();
  let isOver = false;
  const neighbours: { code: string; ms: number }[] = [];
  const visiting = (async () => {
    while (!isOver) {
      neighbours.push(await timed(call(upstreams, neighbour)));
      await sleep(20);
    }
  })();
  for (let at = 1; at <= 5; at++) {
    const { code, ms } = await timed(call(upstreams, upstream, 'fast', session));
    expect(code).toBe('GW_UPSTREAM_TIMEOUT');
    expect(ms).toBeLessThan(1_000);
  }
  const sixth = await timed(call(upstreams, upstream, 'fast', session));
  expect(sixth.code).toBe('GW_UPSTREAM_CIRCUIT_OPEN');
  expect(sixth.ms).toBeLessThan(100);
  isOver = true;
  await visiting;
  expect(new Set(neighbours.map(({ code }) => code))).toEqual(new Set(['ok']));
  expect(neighbours.length).toBeGreaterThan(10);
  const slow = neighbours.map(({ ms }) => ms).sort((one, other) => one - other)[Math.floor(neighbours.length * 0.9)];
  expect(slow).toBeLessThan(100);
});

test('one that speaks again is served again in seconds, long before the time of its circuit is over', async () => {
  await using upstream = await startFreezable();
  await using upstreams = start({ MCP_SESSION_POOL_CIRCUIT_BREAKER_RESET: '60' });
  await call(upstreams, upstream);
  upstream.freeze();
  for (let at = 1; at <= 5; at++) await timed(call(upstreams, upstream));
  expect(await timed(call(upstreams, upstream))).toMatchObject({ code: 'GW_UPSTREAM_CIRCUIT_OPEN' });
  // Nobody knocks it open while it is silent.
  await sleep(1_500);
  expect(await timed(call(upstreams, upstream))).toMatchObject({ code: 'GW_UPSTREAM_CIRCUIT_OPEN' });
  upstream.thaw();
  const thawedAt = performance.now();
  await expect
    .poll(async () => (await timed(call(upstreams, upstream))).code, { timeout: 6_000, interval: 100 })
    .toBe('ok');
  expect(performance.now() - thawedAt).toBeLessThan(5_000);
});

test.each(sessions)(
  'a slow tool does not cut off the fast ones beside it, however often it is late (%s)',
  async (_whose, session) => {
    const hanging: ServerResponse[] = [];
    await using upstream = await startRawUpstream(({ id, params }, response) => {
      if (params?.name === 'slow') hanging.push(response);
      else json(response, result(id, 'ok'));
    });
    await using upstreams = start({ TOOL_TIMEOUT: '0.2', MCP_SESSION_POOL_CIRCUIT_BREAKER_THRESHOLD: '2' });
    for (let at = 0; at < 6; at++) {
      expect(await timed(call(upstreams, upstream, 'slow', session))).toMatchObject({ code: 'GW_UPSTREAM_TIMEOUT' });
      const fast = await timed(call(upstreams, upstream, 'fast', session));
      expect(fast.code).toBe('ok');
      expect(fast.ms).toBeLessThan(100);
    }
    // In the session that was there: it answered the check, or other calls while the slow one ran.
    expect(upstream.count('initialize')).toBe(1);
    const before = upstream.count('ping');
    const slow = timed(call(upstreams, upstream, 'slow', session));
    await sleep(50);
    await call(upstreams, upstream, 'fast', session);
    expect(await slow).toMatchObject({ code: 'GW_UPSTREAM_TIMEOUT' });
    await sleep(50);
    expect(upstream.count('ping')).toBe(before);
    expect(upstreams.poolMetrics().circuit_breaker_trips).toBe(0);
    for (const response of hanging) response.destroy();
  },
);

test('an upstream whose tool holds up all of it is left alone only after as many failures in a row', async () => {
  let blockedUntil = 0;
  const answer: Answer = async ({ id, params }, response) => {
    if (params?.name === 'slow') blockedUntil = performance.now() + 700;
    while (performance.now() < blockedUntil) await sleep(10);
    json(response, result(id, 'ok'));
  };
  await using upstream = await startRawUpstream(answer);
  await using upstreams = start();
  await timed(call(upstreams, upstream, 'slow'));
  await expect.poll(async () => (await timed(call(upstreams, upstream))).code, { timeout: 3_000 }).toBe('ok');
  expect(upstreams.poolMetrics().circuit_breaker_trips).toBe(0);
});
