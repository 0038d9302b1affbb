import type { IncomingHttpHeaders } from 'node:http';
import { expect, test } from 'vitest';
import { createUpstreams, type UpstreamAddress, type Upstreams } from '../../src/federation/upstreams.ts';
import type { CallerIdentity } from '../../src/mcp/ports.ts';
import { callerOf } from '../caller-of.ts';
import { configOf } from '../config-of.ts';
import { type Answer, json, type RawUpstream, result, startRawUpstream } from './raw-upstream.ts';

const answerOk: Answer = ({ id }, response) => json(response, result(id, 'ok'));
const answerAfter =
  (ms: number): Answer =>
  ({ id }, response) =>
    setTimeout(() => json(response, result(id, 'ok')), ms);

const start = (settings: Record<string, string> = {}): Upstreams =>
  createUpstreams({
    config: configOf({ TOOL_TIMEOUT: '3', MCP_SESSION_POOL_CLEANUP_TIMEOUT: '0.3', ...settings }),
  });
const addressOf = (raw: RawUpstream, parts: Partial<UpstreamAddress> = {}): UpstreamAddress => ({
  id: 'a',
  url: raw.url,
  transport: 'STREAMABLEHTTP',
  headers: {},
  ...parts,
});
const ada: CallerIdentity = { sub: 'ada' };
const bob: CallerIdentity = { sub: 'bob' };
const call = (
  upstreams: Upstreams,
  address: UpstreamAddress,
  identity: CallerIdentity = ada,
  headers: IncomingHttpHeaders = {},
) => upstreams.of(address, callerOf({ identity, headers })).request('tools/call', '{}', { headers });
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test('calls of one identity share a session, and nobody else’s', async () => {
  await using raw = await startRawUpstream(answerOk);
  await using upstreams = start();
  const address = addressOf(raw);
  await call(upstreams, address, ada);
  await call(upstreams, address, { sub: 'ada' });
  expect(raw.count('initialize')).toBe(1);
  await call(upstreams, address, bob);
  expect(raw.count('initialize')).toBe(2);
  expect(upstreams.poolMetrics()).toMatchObject({
    total_sessions_created: 2,
    total_sessions_reused: 1,
    pool_hits: 1,
    pool_misses: 2,
    active_sessions: 2,
    pool_key_count: 2,
  });
});

test('MCP_SESSION_POOL_ENABLED=false opens and ends a session for every call', async () => {
  await using raw = await startRawUpstream(answerOk);
  await using upstreams = start({ MCP_SESSION_POOL_ENABLED: 'false' });
  await call(upstreams, addressOf(raw));
  await call(upstreams, addressOf(raw));
  expect(raw.count('initialize')).toBe(2);
  await expect.poll(() => raw.ended).toEqual(['session-1', 'session-2']);
});

test('calls of one session run beside each other', async () => {
  await using raw = await startRawUpstream(answerAfter(300));
  await using upstreams = start();
  await call(upstreams, addressOf(raw));
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: 50 }, () => call(upstreams, addressOf(raw))));
  expect(performance.now() - startedAt).toBeLessThan(900);
  expect(raw.count('initialize')).toBe(1);
});

test('MCP_SESSION_POOL_CALLS_PER_SESSION and _MAX_PER_KEY bound what a session carries and how many there are', async () => {
  await using raw = await startRawUpstream(answerAfter(100));
  await using upstreams = start({ MCP_SESSION_POOL_CALLS_PER_SESSION: '2', MCP_SESSION_POOL_MAX_PER_KEY: '3' });
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: 12 }, () => call(upstreams, addressOf(raw))));
  expect(raw.count('initialize')).toBe(3);
  expect(raw.sessions.size).toBe(3);
  // Six at a time: two turns.
  expect(performance.now() - startedAt).toBeGreaterThan(190);
  expect(upstreams.poolMetrics()).toMatchObject({
    active_sessions: 3,
    requests_in_flight: 0,
    total_sessions_reused: 9,
  });
  expect(upstreams.poolMetrics().acquire_waits).toBeGreaterThan(0);
});

test('MCP_SESSION_POOL_ACQUIRE_TIMEOUT ends the wait for a session', async () => {
  await using raw = await startRawUpstream(answerAfter(400));
  await using upstreams = start({
    MCP_SESSION_POOL_CALLS_PER_SESSION: '1',
    MCP_SESSION_POOL_MAX_PER_KEY: '1',
    MCP_SESSION_POOL_ACQUIRE_TIMEOUT: '0.1',
  });
  const first = call(upstreams, addressOf(raw));
  await expect.poll(() => raw.count('tools/call')).toBe(1);
  await expect(call(upstreams, addressOf(raw))).rejects.toMatchObject({ code: 'GW_UPSTREAM_BUSY' });
  expect(await first).toMatchObject({ ok: true });
  expect(await call(upstreams, addressOf(raw))).toMatchObject({ ok: true });
  expect(upstreams.poolMetrics().acquire_timeouts).toBe(1);
});

test('who waits for a session is served in turn, and leaves when it is aborted', async () => {
  await using raw = await startRawUpstream(answerAfter(50));
  await using upstreams = start({ MCP_SESSION_POOL_CALLS_PER_SESSION: '1', MCP_SESSION_POOL_MAX_PER_KEY: '1' });
  const address = addressOf(raw);
  const order: number[] = [];
  const abort = new AbortController();
  const calls = Array.from({ length: 4 }, (_, at) => {
    const options = at === 2 ? { signal: abort.signal } : {};
    return upstreams
      .of(address, callerOf({ identity: ada }))
      .request('tools/call', '{}', options)
      .then(() => order.push(at));
  });
  const left = expect(calls[2]).rejects.toThrow('enough');
  await expect.poll(() => raw.count('tools/call')).toBe(1);
  abort.abort(new Error('enough'));
  await left;
  await Promise.all([calls[0], calls[1], calls[3]]);
  expect(order).toEqual([0, 1, 3]);
});

test('MCP_SESSION_POOL_TTL ends a session, used or not', async () => {
  await using raw = await startRawUpstream(answerOk);
  await using upstreams = start({ MCP_SESSION_POOL_TTL: '0.3' });
  for (let at = 0; at < 6; at++) {
    await call(upstreams, addressOf(raw));
    await sleep(80);
  }
  expect(raw.count('initialize')).toBe(2);
  await expect.poll(() => raw.ended).toEqual(['session-1', 'session-2']);
  expect(upstreams.poolMetrics()).toMatchObject({ active_sessions: 0, sessions_expired: 2 });
});

test('MCP_SESSION_POOL_IDLE_EVICTION forgets an identity that asks no more', async () => {
  await using raw = await startRawUpstream(answerOk);
  await using upstreams = start({ MCP_SESSION_POOL_IDLE_EVICTION: '0.3' });
  await call(upstreams, addressOf(raw));
  expect(upstreams.poolMetrics().pool_key_count).toBe(1);
  await expect.poll(() => upstreams.poolMetrics().pool_key_count).toBe(0);
  expect(upstreams.poolMetrics().pool_keys_evicted).toBe(1);
  await expect.poll(() => raw.ended).toEqual(['session-1']);
  expect(await call(upstreams, addressOf(raw))).toMatchObject({ ok: true });
  expect(raw.count('initialize')).toBe(2);
});

test('MCP_SESSION_POOL_TRANSPORT_TIMEOUT bounds the silence of a pooled session, not the length of an answer', async () => {
  await using raw = await startRawUpstream(({ id, params }, response) => {
    if (params?.name === 'silent') return;
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    let pieces = 0;
    const timer = setInterval(() => {
      if (++pieces < 5) return response.write(': still here\n\n');
      clearInterval(timer);
      return response.end(`data: ${result(id, 'late')}\n\n`);
    }, 100);
  });
  await using upstreams = start({ MCP_SESSION_POOL_TRANSPORT_TIMEOUT: '0.25' });
  const upstream = upstreams.of(addressOf(raw), callerOf({ identity: ada }));
  expect(await upstream.request('tools/call', '{"name":"slow"}')).toMatchObject({ ok: true });
  const startedAt = performance.now();
  await expect(upstream.request('tools/call', '{"name":"silent"}')).rejects.toMatchObject({
    code: 'GW_UPSTREAM_TIMEOUT',
    detail: expect.stringContaining('250 ms'),
  });
  expect(performance.now() - startedAt).toBeLessThan(1_000);
});

test('MCP_SESSION_POOL_CREATE_TIMEOUT ends an opening that hangs', async () => {
  await using raw = await startRawUpstream(answerOk, { refuse: () => true });
  await using upstreams = start({ MCP_SESSION_POOL_CREATE_TIMEOUT: '0.2' });
  const startedAt = performance.now();
  await expect(call(upstreams, addressOf(raw))).rejects.toMatchObject({ code: 'GW_UPSTREAM_TIMEOUT' });
  expect(performance.now() - startedAt).toBeLessThan(1_000);
  expect(upstreams.poolMetrics().session_create_failures).toBe(1);
});

const checked = { MCP_SESSION_POOL_HEALTH_CHECK_INTERVAL: '0.1', MCP_SESSION_POOL_HEALTH_CHECK_TIMEOUT: '0.2' };

test('MCP_SESSION_POOL_HEALTH_CHECK_INTERVAL: a session that was idle is pinged before its next call, a busy one is not', async () => {
  await using raw = await startRawUpstream(answerOk);
  await using upstreams = start(checked);
  for (let at = 0; at < 5; at++) await call(upstreams, addressOf(raw));
  expect(raw.count('ping')).toBe(0);
  await sleep(150);
  await Promise.all([call(upstreams, addressOf(raw)), call(upstreams, addressOf(raw))]);
  expect(raw.count('ping')).toBe(1);
  expect(raw.count('initialize')).toBe(1);
});

test('MCP_SESSION_POOL_HEALTH_CHECK_TIMEOUT: a session that does not answer the check is replaced', async () => {
  let isDeaf = false;
  await using raw = await startRawUpstream(({ id }, response, { headers }) => {
    if (!isDeaf || headers['mcp-session-id'] === 'session-2') json(response, result(id, 'ok'));
  });
  await using upstreams = start(checked);
  await call(upstreams, addressOf(raw));
  isDeaf = true;
  await sleep(150);
  const startedAt = performance.now();
  expect(await call(upstreams, addressOf(raw))).toMatchObject({ ok: true });
  expect(performance.now() - startedAt).toBeLessThan(900);
  expect(raw.count('initialize')).toBe(2);
  expect(upstreams.poolMetrics()).toMatchObject({ health_checks: 1, health_check_failures: 1 });
});

const unknown = (id: number | undefined) => `{"jsonrpc":"2.0","id":${id},"error":{"code":-32601,"message":"no"}}`;

test.each([
  ['ping,skip', ['ping'], 1],
  ['ping,list_tools', ['ping', 'tools/list'], 1],
  [
    '["ping", "list_prompts", "list_resources", "list_tools"]',
    ['ping', 'prompts/list', 'resources/list', 'tools/list'],
    1,
  ],
  ['ping,list_prompts', ['ping', 'prompts/list'], 2],
  ['skip', [], 1],
])('MCP_SESSION_POOL_HEALTH_CHECK_METHODS=%s asks in that order until one is known', async (methods, asked, opened) => {
  await using raw = await startRawUpstream(({ id, method }, response) =>
    json(response, method === 'tools/call' || method === 'tools/list' ? result(id, 'ok') : unknown(id)),
  );
  await using upstreams = start({ ...checked, MCP_SESSION_POOL_HEALTH_CHECK_METHODS: methods });
  await call(upstreams, addressOf(raw));
  await sleep(150);
  await call(upstreams, addressOf(raw));
  const others = ['initialize', 'notifications/initialized', 'tools/call'];
  expect(raw.received.map(({ method }) => method).filter((method) => !others.includes(method))).toEqual(asked);
  expect(raw.count('initialize')).toBe(opened);
});

test('an unknown name in MCP_SESSION_POOL_HEALTH_CHECK_METHODS is refused', () => {
  expect(() => configOf({ MCP_SESSION_POOL_HEALTH_CHECK_METHODS: 'ping,pray' })).toThrow(
    expect.objectContaining({ code: 'GW_CONFIG_INVALID' }),
  );
});

test.each([
  ['true', ['session-1']],
  ['false', []],
])('MCP_SESSION_POOL_TERMINATE_ON_CLOSE=%s', async (setting, ended) => {
  await using raw = await startRawUpstream(answerOk);
  const upstreams = start({ MCP_SESSION_POOL_TERMINATE_ON_CLOSE: setting });
  await call(upstreams, addressOf(raw));
  await upstreams[Symbol.asyncDispose]();
  expect(raw.ended).toEqual(ended);
});

test('MCP_SESSION_POOL_CLEANUP_TIMEOUT bounds the goodbye', async () => {
  await using raw = await startRawUpstream(answerOk, { part: () => undefined });
  const upstreams = start({ MCP_SESSION_POOL_CLEANUP_TIMEOUT: '0.2' });
  await call(upstreams, addressOf(raw));
  const startedAt = performance.now();
  await upstreams[Symbol.asyncDispose]();
  expect(performance.now() - startedAt).toBeLessThan(1_000);
});

test('a session that the upstream forgot is replaced within the call, and by one opening for all calls', async () => {
  let isForgetful = false;
  await using raw = await startRawUpstream(({ id }, response, { headers }) => {
    if (isForgetful && headers['mcp-session-id'] === 'session-1') response.writeHead(404).end();
    else json(response, result(id, 'ok'));
  });
  await using upstreams = start();
  await call(upstreams, addressOf(raw));
  isForgetful = true;
  const answers = await Promise.all(Array.from({ length: 20 }, () => call(upstreams, addressOf(raw))));
  expect(answers.every(({ ok }) => ok)).toBe(true);
  expect(raw.count('initialize')).toBe(2);
});

test('an upstream that answers 400 to a session that it does not know is understood', async () => {
  const lost =
    '{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"Bad Request: No valid session ID provided"}}';
  let isRestarted = false;
  await using raw = await startRawUpstream(({ id }, response, { headers }) => {
    if (isRestarted && headers['mcp-session-id'] === 'session-1') json(response, lost, 400);
    else json(response, result(id, 'ok'));
  });
  await using upstreams = start();
  await call(upstreams, addressOf(raw));
  isRestarted = true;
  expect(await call(upstreams, addressOf(raw))).toMatchObject({ ok: true });
});

test('a changed address ends the sessions of the old one; what they carry may finish', async () => {
  await using raw = await startRawUpstream(answerAfter(150));
  await using other = await startRawUpstream(answerOk);
  await using upstreams = start();
  const running = call(upstreams, addressOf(raw));
  await expect.poll(() => raw.count('tools/call')).toBe(1);
  await call(upstreams, addressOf(other));
  expect(await running).toMatchObject({ ok: true });
  await expect.poll(() => raw.ended).toEqual(['session-1']);
});

const passing = { ENABLE_HEADER_PASSTHROUGH: 'true', DEFAULT_PASSTHROUGH_HEADERS: 'X-Tenant-Id,Cookie,X-Trace-Id' };

test('headers that say for whom keep sessions apart; others do not', async () => {
  await using raw = await startRawUpstream(answerOk);
  await using upstreams = start(passing);
  for (const headers of [
    {},
    { 'x-tenant-id': 'one' },
    { 'x-tenant-id': 'two' },
    { cookie: 'one' },
    { 'x-tenant-id': 'one', 'x-trace-id': 'again' },
  ]) {
    await call(upstreams, addressOf(raw), ada, headers);
  }
  expect(upstreams.poolMetrics().pool_key_count).toBe(4);
  expect(JSON.stringify(upstreams.poolMetrics())).not.toMatch(/one|two/);
});

test('values cannot be cut so that two identities make one key', async () => {
  await using raw = await startRawUpstream(answerOk);
  await using upstreams = start(passing);
  await call(upstreams, addressOf(raw), { sub: 'ada' }, { 'x-tenant-id': 'b","cookie","c' });
  await call(upstreams, addressOf(raw), { sub: 'ada' }, { 'x-tenant-id': 'b', cookie: 'c' });
  await call(upstreams, addressOf(raw), { sub: 'ada","x-tenant-id","b' }, { cookie: 'c' });
  expect(upstreams.poolMetrics().pool_key_count).toBe(3);
});

test('where nobody has to say who he is, the headers that may tell keep callers apart', async () => {
  await using raw = await startRawUpstream(answerOk);
  await using upstreams = start({ AUTH_REQUIRED: 'false' });
  const anonymous = { sub: 'anonymous' };
  for (const headers of [{}, { authorization: 'Bearer x' }, { 'x-user-id': 'y' }, { 'user-agent': 'z' }]) {
    await call(upstreams, addressOf(raw), anonymous, headers);
  }
  expect(upstreams.poolMetrics().pool_key_count).toBe(3);
});
