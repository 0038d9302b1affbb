import { once } from 'node:events';
import { request } from 'undici';
import { expect, test } from 'vitest';
import { createTestApp, type TestApp, type TestAppOptions, token } from '../test-app.ts';

const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
const call = { jsonrpc: '2.0', id: 9, method: 'tools/call', params: { name: 'convert_time' } };
const both = { accept: 'application/json, text/event-stream' };

const createStatefulApp = (options: TestAppOptions = {}) =>
  createTestApp({ ...options, environment: { USE_STATEFUL_SESSIONS: 'true', ...options.environment } });

async function initialize(gateway: TestApp, url = '/mcp', protocolVersion = '2025-06-18', user = 'admin') {
  const params = { protocolVersion, capabilities: {}, clientInfo: { name: 't', version: '1' } };
  const answer = await gateway.post(url, { jsonrpc: '2.0', id: 0, method: 'initialize', params }, both, user);
  expect(answer.statusCode).toBe(200);
  return { ...both, 'mcp-session-id': String(answer.headers['mcp-session-id']) };
}

test.each([
  undefined,
  'application/json',
  'application/json, text/event-stream',
  '*/*',
  'text/event-stream;q=0.5, application/*',
])('[MCP-HTTP-01] accept %s is answered with JSON', async (accept) => {
  await using gateway = createStatefulApp();
  const answer = await gateway.post('/mcp', list, accept === undefined ? {} : { accept });
  expect(answer.headers['content-type']).toContain('application/json');
  expect(answer.json()).toMatchObject({ id: 1, result: { tools: [{}, {}] } });
});

test.each([list, call])('[MCP-HTTP-02] a client that takes only an event stream gets one', async (message) => {
  await using gateway = createStatefulApp();
  const answer = await gateway.post('/mcp', message, { accept: 'text/event-stream' });
  expect(answer.headers['content-type']).toBe('text/event-stream');
  const [, data] = /^event: message\ndata: (.*)\n\n$/.exec(answer.body) ?? [];
  expect(JSON.parse(data ?? '')).toMatchObject({ id: message.id, result: {} });
});

test.each(['text/html', 'application/json;q=0'])('[MCP-HTTP-03] accept %s is refused', async (accept) => {
  await using gateway = createStatefulApp();
  expect((await gateway.post('/mcp', list, { accept })).statusCode).toBe(406);
});

test('[MCP-HTTP-04] notifications and responses are answered with 202', async () => {
  await using gateway = createStatefulApp();
  for (const message of [
    { jsonrpc: '2.0', method: 'notifications/initialized' },
    { jsonrpc: '2.0', id: 4, result: {} },
  ]) {
    const answer = await gateway.post('/mcp', message, both);
    expect([answer.statusCode, answer.body]).toEqual([202, '']);
  }
});

test('[MCP-HTTP-05] initialize hands out a session that serves', async () => {
  await using gateway = createStatefulApp();
  const session = await initialize(gateway);
  expect(session['mcp-session-id']).toMatch(/^[\x21-\x7e]{36}$/);
  expect((await gateway.post('/mcp', list, session)).statusCode).toBe(200);
});

test('[MCP-HTTP-05] the session is told on an event stream too', async () => {
  await using gateway = createStatefulApp();
  const params = { protocolVersion: '2025-06-18' };
  const answer = await gateway.post(
    '/mcp',
    { jsonrpc: '2.0', id: 0, method: 'initialize', params },
    { accept: 'text/event-stream' },
  );
  expect(answer.headers['mcp-session-id']).toBeDefined();
});

test('an initialize that fails opens no session', async () => {
  await using gateway = createStatefulApp();
  const answer = await gateway.post('/mcp', { jsonrpc: '2.0', id: 0, method: 'initialize', params: {} }, both);
  expect(answer.json()).toMatchObject({ error: { code: -32602 } });
  expect(answer.headers['mcp-session-id']).toBeUndefined();
});

test('[MCP-RPC-09] a gateway that holds as many sessions as it may says so with 503', async () => {
  await using gateway = createStatefulApp({
    environment: { MAX_SESSIONS: '1' },
    answer: ({ signal }) => new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
  });
  const session = await initialize(gateway);
  const running = gateway.post('/mcp', call, session);
  await expect.poll(() => gateway.asked.length).toBe(1);
  const params = { protocolVersion: '2025-06-18' };
  const answer = await gateway.post('/mcp', { jsonrpc: '2.0', id: 0, method: 'initialize', params }, both);
  expect(answer.statusCode).toBe(503);
  expect(answer.json()).toMatchObject({ id: null, error: { data: { code: 'GW_TOO_MANY_SESSIONS' } } });
  await gateway.send({ method: 'DELETE', url: '/mcp', headers: session });
  await running;
});

test('[MCP-HTTP-06] an unknown session is 404 for every method', async () => {
  await using gateway = createStatefulApp();
  const headers = { ...both, 'mcp-session-id': 'no-such-session' };
  const answer = await gateway.post('/mcp', list, headers);
  expect(answer.statusCode).toBe(404);
  expect(answer.json()).toMatchObject({ id: null, error: { code: -32001, data: { code: 'GW_SESSION_NOT_FOUND' } } });
  expect((await gateway.send({ method: 'GET', url: '/mcp', headers })).statusCode).toBe(404);
  expect((await gateway.send({ method: 'DELETE', url: '/mcp', headers })).statusCode).toBe(404);
});

test('[MCP-HTTP-07] another user and another path do not find the session', async () => {
  await using gateway = createStatefulApp();
  const session = await initialize(gateway);
  expect((await gateway.post('/mcp', list, session, 'mallory')).statusCode).toBe(404);
  expect((await gateway.send({ method: 'DELETE', url: '/mcp', headers: session }, 'mallory')).statusCode).toBe(404);
  expect((await gateway.post('/servers/server-1/mcp', list, session)).statusCode).toBe(404);
  expect((await gateway.post('/mcp', list, session)).statusCode).toBe(200);
});

test('[MCP-HTTP-08] DELETE ends the session', async () => {
  await using gateway = createStatefulApp();
  const headers = await initialize(gateway);
  expect((await gateway.send({ method: 'DELETE', url: '/mcp', headers })).statusCode).toBe(204);
  expect((await gateway.post('/mcp', list, headers)).statusCode).toBe(404);
});

test('[MCP-HTTP-09] GET opens one stream per session, kept alive, ended by DELETE', async () => {
  await using gateway = createStatefulApp({ environment: { SSE_KEEPALIVE_INTERVAL: '0.05' } });
  const url = await gateway.app.listen({ host: '127.0.0.1', port: 0 });
  const { accept: _, ...session } = await initialize(gateway);
  const headers = { ...session, accept: 'text/event-stream', authorization: `Bearer ${token('admin')}` };
  const stream = await request(`${url}/mcp`, { headers });
  expect([stream.statusCode, stream.headers['content-type']]).toEqual([200, 'text/event-stream']);
  const [chunk] = (await once(stream.body, 'data')) as [Buffer];
  expect(chunk.toString()).toBe(': keep-alive\n\n');
  expect((await gateway.send({ method: 'GET', url: '/mcp', headers })).statusCode).toBe(409);
  const ended = once(stream.body, 'end');
  await gateway.send({ method: 'DELETE', url: '/mcp', headers });
  await ended;
});

test('[MCP-HTTP-10] GET and DELETE without a session are 400', async () => {
  await using gateway = createStatefulApp();
  const headers = { accept: 'text/event-stream' };
  expect((await gateway.send({ method: 'GET', url: '/mcp', headers })).statusCode).toBe(400);
  expect((await gateway.send({ method: 'DELETE', url: '/mcp', headers })).statusCode).toBe(400);
  expect((await gateway.send({ method: 'GET', url: '/mcp', headers: { accept: 'application/json' } })).statusCode).toBe(
    406,
  );
});

test('[MCP-HTTP-11] an unsupported protocol version is 400, a supported one is served', async () => {
  await using gateway = createStatefulApp();
  const answer = await gateway.post('/mcp', list, { ...both, 'mcp-protocol-version': '2020-01-01' });
  expect(answer.statusCode).toBe(400);
  expect(answer.body).toContain('2025-11-25');
  expect((await gateway.post('/mcp', list, { ...both, 'mcp-protocol-version': '2025-11-25' })).statusCode).toBe(200);
});

test('[MCP-HTTP-12] a foreign origin is refused, loopback and allowed ones are not', async () => {
  await using gateway = createStatefulApp({
    environment: { ALLOWED_ORIGINS: 'https://app.example, https://other.example' },
  });
  const statuses = [];
  for (const origin of [
    'https://evil.example',
    'null',
    'http://localhost.evil.example',
    'http://localhost:3000',
    'http://[::1]:1',
    'https://app.example',
  ]) {
    statuses.push((await gateway.post('/mcp', list, { ...both, origin })).statusCode);
  }
  expect(statuses).toEqual([403, 403, 403, 200, 200, 200]);
});

test('[MCP-HTTP-13] batches are taken in 2025-03-26 alone', async () => {
  await using gateway = createStatefulApp();
  const statuses = [];
  for (const version of ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25']) {
    const session = await initialize(gateway, '/mcp', version);
    statuses.push((await gateway.post('/mcp', [list, call], session)).statusCode);
  }
  expect(statuses).toEqual([400, 200, 400, 400]);
});

test('[MCP-HTTP-13] initialize is refused within a batch', async () => {
  await using gateway = createStatefulApp();
  const message = { jsonrpc: '2.0', id: 0, method: 'initialize', params: { protocolVersion: '2025-03-26' } };
  const answer = await gateway.post('/mcp', [message], both);
  expect(answer.json()).toMatchObject([{ id: 0, error: { code: -32600 } }]);
  expect(answer.headers['mcp-session-id']).toBeUndefined();
});

test('[MCP-HTTP-14] a request without a session is served', async () => {
  await using gateway = createStatefulApp();
  expect((await gateway.post('/servers/server-1/mcp', list, both)).json()).toMatchObject({ result: { tools: [{}] } });
});

test('[MCP-TOOL-01] a virtual server shows and serves its own members only', async () => {
  await using gateway = createStatefulApp();
  const answer = await gateway.post('/servers/server-1/mcp', list, both);
  expect(answer.json<{ result: { tools: unknown[] } }>().result.tools).toHaveLength(1);
  const foreign = { ...call, params: { name: 'fast-time-get-system-time' } };
  expect((await gateway.post('/servers/server-1/mcp', foreign, both)).json()).toMatchObject({
    error: { code: -32602 },
  });
});

test('a virtual server that does not exist is 404', async () => {
  await using gateway = createStatefulApp();
  const answer = await gateway.post('/servers/none/mcp', list, both);
  expect(answer.statusCode).toBe(404);
  expect(answer.json()).toMatchObject({ id: null, error: { data: { code: 'GW_NOT_FOUND' } } });
});

test('a bare tool name is no method here', async () => {
  await using gateway = createStatefulApp();
  expect((await gateway.post('/mcp', { ...list, method: 'convert_time' }, both)).json()).toMatchObject({
    error: { code: -32601 },
  });
});

test('[MCP-LIFE-05] a cancelled call is aborted, another id is ignored', async () => {
  await using gateway = createStatefulApp({
    answer: ({ signal }) => new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
  });
  const session = await initialize(gateway);
  const running = gateway.post('/mcp', call, session);
  await expect.poll(() => gateway.asked.length).toBe(1);
  const cancel = (requestId: unknown) =>
    gateway.post('/mcp', { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } }, session);
  expect((await cancel('9')).statusCode).toBe(202);
  expect(gateway.asked[0]?.signal?.aborted).toBe(false);
  await cancel(9);
  expect((await running).json()).toMatchObject({ id: 9, error: { code: -32800 } });
});

test.each(['application/json', 'text/event-stream'])(
  'a client of %s that goes away aborts its call',
  async (accept) => {
    await using gateway = createStatefulApp({
      answer: ({ signal }) =>
        new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
    });
    const url = await gateway.app.listen({ host: '127.0.0.1', port: 0 });
    const leave = new AbortController();
    const headers = { accept, 'content-type': 'application/json', authorization: `Bearer ${token('admin')}` };
    const running = request(`${url}/mcp`, {
      method: 'POST',
      headers,
      body: JSON.stringify(call),
      signal: leave.signal,
    });
    await expect.poll(() => gateway.asked.length).toBe(1);
    leave.abort();
    // On an event stream the head is there already: what breaks off is the body.
    await expect(running.then(({ body }) => body.text())).rejects.toThrow();
    await expect.poll(() => gateway.asked[0]?.signal?.aborted).toBe(true);
    expect((await gateway.send({ method: 'GET', url: '/health' })).statusCode).toBe(200);
    const { body } = await gateway.send({ method: 'GET', url: '/metrics' });
    expect(body).toContain('http_requests_in_flight 1\n');
  },
);

test('[MCP-HTTP-15] an idle session ends', async () => {
  await using gateway = createStatefulApp({ environment: { SESSION_TTL: '0.05' } });
  const session = await initialize(gateway);
  await new Promise((resolve) => setTimeout(resolve, 80));
  expect((await gateway.post('/mcp', list, session)).statusCode).toBe(404);
});

test('[MCP-HTTP-16] without stateful sessions no id is given out, there is no stream, and any id is served', async () => {
  await using gateway = createTestApp();
  const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 't', version: '1' } };
  const opened = await gateway.post('/mcp', { jsonrpc: '2.0', id: 0, method: 'initialize', params }, both);
  expect(opened.headers['mcp-session-id']).toBeUndefined();
  expect(opened.json()).toMatchObject({ result: { protocolVersion: '2025-06-18' } });
  for (const method of ['GET', 'DELETE'] as const) {
    const answer = await gateway.send({ method, url: '/mcp', headers: { accept: 'text/event-stream' } });
    expect([answer.statusCode, answer.headers['allow']]).toEqual([405, 'POST']);
  }
  expect((await gateway.post('/mcp', list, { ...both, 'mcp-session-id': 'of another worker' })).statusCode).toBe(200);
});

test('[MCP-HTTP-15] a flood of sessions is answered with 503, and all are gone after their time', async () => {
  await using gateway = createStatefulApp({ environment: { MAX_SESSIONS: '50', SESSION_TTL: '2' } });
  const params = { protocolVersion: '2025-06-18' };
  const statuses: number[] = [];
  for (let at = 0; at < 200; at++) {
    const answer = await gateway.post('/mcp', { jsonrpc: '2.0', id: 0, method: 'initialize', params }, both);
    statuses.push(answer.statusCode);
  }
  expect(statuses.filter((status) => status === 200)).toHaveLength(50);
  expect(statuses.filter((status) => status === 503)).toHaveLength(150);
  const openSessions = async () =>
    /^mcp_sessions_active (\d+)$/m.exec((await gateway.send({ method: 'GET', url: '/metrics' })).body)?.[1];
  await expect.poll(openSessions, { timeout: 6_000, interval: 200 }).toBe('0');
  await initialize(gateway);
});

test('[MCP-UP-05] fifty calls of one session run side by side, and each gets its own answer', async () => {
  await using gateway = createStatefulApp({
    async answer({ paramsJson, peer }) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      peer?.notify('notifications/progress', paramsJson);
      return { ok: true, resultJson: paramsJson ?? '{}' };
    },
  });
  const session = await initialize(gateway);
  const startedAt = performance.now();
  const bodies = await Promise.all(
    Array.from({ length: 50 }, async (_, id) => {
      const params = { name: 'convert_time', arguments: { id } };
      return (await gateway.post('/mcp', { ...call, id, params }, session)).body;
    }),
  );
  expect(performance.now() - startedAt).toBeLessThan(50 * 100);
  for (const [id, body] of bodies.entries()) {
    const data = [...body.matchAll(/^data: (.*)$/gm)].map(([, text]) => JSON.parse(text ?? '') as object);
    const params = { arguments: { id } };
    expect(data).toMatchObject([{ params }, { id, result: params }]);
  }
});
