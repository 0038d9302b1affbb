import { EventEmitter, once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { type Asked, createTestApp, token } from '../test-app.ts';
import { headersOf, message, send, version } from './stateless-request.ts';

const key = (name: string) => `io.modelcontextprotocol/${name}`;

test('[MCP-STATELESS-01] server/discover tells versions and capabilities', async () => {
  await using gateway = createTestApp();
  const answer = await send(gateway, 'server/discover');
  expect(answer.statusCode).toBe(200);
  expect(answer.json()).toMatchObject({
    id: 1,
    result: {
      resultType: 'complete',
      supportedVersions: [version, '2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'],
      capabilities: { tools: {}, resources: {}, prompts: {} },
      cacheScope: 'public',
      _meta: { [key('serverInfo')]: { name: 'gatebench-gateway' } },
    },
  });
});

test.each(['protocolVersion', 'clientCapabilities'])('[MCP-STATELESS-02] %s must be there', async (name) => {
  await using gateway = createTestApp();
  const answer = await send(gateway, 'tools/list', { _meta: { [key(name)]: undefined } });
  expect(answer.statusCode).toBe(400);
  expect(answer.json()).toMatchObject({ id: 1, error: { code: -32602, message: expect.stringContaining(name) } });
});

test('[MCP-STATELESS-02] a request without _meta is refused', async () => {
  await using gateway = createTestApp();
  const body = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
  const answer = await gateway.post('/mcp', body, { 'mcp-protocol-version': version, 'mcp-method': 'tools/list' });
  expect([answer.statusCode, answer.json().error.code]).toEqual([400, -32602]);
});

test.each([
  { 'mcp-protocol-version': '' },
  { 'mcp-protocol-version': '2025-11-25' },
  { 'mcp-method': '' },
  { 'mcp-method': 'tools/list' },
  { 'mcp-method': 'TOOLS/CALL' },
  { 'mcp-name': '' },
  { 'mcp-name': 'get_system_time' },
  { 'mcp-name': '=?base64?!!?=' },
])('[MCP-STATELESS-03] headers %j do not agree with the body', async (changes) => {
  await using gateway = createTestApp();
  const answer = await send(gateway, 'tools/call', { name: 'convert_time' }, changes);
  expect(answer.statusCode).toBe(400);
  expect(answer.json()).toMatchObject({ id: 1, error: { code: -32020, message: /^Header mismatch: / } });
  expect(gateway.asked).toEqual([]);
});

test('[MCP-STATELESS-03] a name in base64 agrees', async () => {
  await using gateway = createTestApp();
  const encoded = `=?base64?${Buffer.from('convert_time').toString('base64')}?=`;
  const answer = await send(gateway, 'tools/call', { name: 'convert_time' }, { 'mcp-name': encoded });
  expect(answer.statusCode).toBe(200);
});

test('[MCP-STATELESS-04] a version from the future is refused with those that are spoken', async () => {
  await using gateway = createTestApp();
  const future = '2027-01-01';
  const _meta = { [key('protocolVersion')]: future };
  const answer = await send(gateway, 'tools/list', { _meta }, { 'mcp-protocol-version': future });
  expect(answer.statusCode).toBe(400);
  expect(answer.json()).toMatchObject({
    id: 1,
    error: { code: -32022, data: { requested: future, supported: expect.arrayContaining([version, '2024-11-05']) } },
  });
});

test.each(['initialize', 'ping', 'logging/setLevel', 'resources/subscribe', 'resources/unsubscribe', 'no/such'])(
  '[MCP-STATELESS-05] %s is not there',
  async (method) => {
    await using gateway = createTestApp();
    const answer = await send(gateway, method, { protocolVersion: version });
    expect([answer.statusCode, answer.json().error.code, answer.json().id]).toEqual([404, -32601, 1]);
  },
);

test('[MCP-STATELESS-06] a result of an older upstream is completed, and otherwise as it came', async () => {
  const resultJson = '{ "content" : [], "n":12345678901234567890,"_meta": {"own":1} }';
  await using gateway = createTestApp({ answer: async () => ({ ok: true, resultJson }) });
  const answer = await send(gateway, 'tools/call', { name: 'convert_time', arguments: { a: 1 } });
  expect(answer.statusCode).toBe(200);
  expect(answer.body).toContain('"n":12345678901234567890');
  expect(answer.json().result).toMatchObject({
    resultType: 'complete',
    content: [],
    _meta: { own: 1, [key('serverInfo')]: { name: 'gatebench-gateway' } },
  });
});

test('what a request says of its client does not reach an older upstream', async () => {
  await using gateway = createTestApp();
  await send(gateway, 'tools/call', { name: 'convert_time', n: 1, _meta: { progressToken: 'p', traceparent: 't' } });
  expect(JSON.parse(gateway.asked[0]?.paramsJson ?? '')).toEqual({
    name: 'convert_time',
    n: 1,
    _meta: { progressToken: 'p', traceparent: 't' },
  });
});

test('[MCP-STATELESS-07] lists and resources tell how long they hold', async () => {
  await using gateway = createTestApp({
    environment: { REGISTRY_CACHE_TOOLS_TTL: '7', REGISTRY_CACHE_PROMPTS_TTL: '8' },
  });
  const lists = {
    'tools/list': 7000,
    'prompts/list': 8000,
    'resources/list': 15_000,
    'resources/templates/list': 15_000,
  };
  for (const [method, ttlMs] of Object.entries(lists)) {
    const { result } = (await send(gateway, method)).json();
    expect(result).toMatchObject({ resultType: 'complete', ttlMs, cacheScope: 'private' });
  }
  const { result } = (await send(gateway, 'resources/read', { uri: 'time://utc' })).json();
  expect(result).toMatchObject({ ttlMs: 0, cacheScope: 'private' });
});

test('[MCP-STATELESS-08] there are no sessions', async () => {
  await using gateway = createTestApp();
  const answer = await send(gateway, 'tools/list', {}, { 'mcp-session-id': 'of-another-revision' });
  expect(answer.statusCode).toBe(200);
  expect(answer.headers['mcp-session-id']).toBeUndefined();
  for (const method of ['GET', 'DELETE'] as const) {
    const refused = await gateway.send({ method, url: '/mcp', headers: { 'mcp-protocol-version': version } });
    expect([refused.statusCode, refused.headers['allow']]).toEqual([405, 'POST']);
  }
});

test('[MCP-STATELESS-09] an upstream that needs input gets it with the next request', async () => {
  const asking =
    '{"resultType":"input_required","inputRequests":{"who":{"method":"elicitation/create"}},"requestState":"s"}';
  await using gateway = createTestApp({
    answer: async ({ paramsJson }) => ({
      ok: true,
      resultJson: paramsJson?.includes('inputResponses') ? `{"resultType":"complete","echo":${paramsJson}}` : asking,
    }),
  });
  const first = (await send(gateway, 'tools/call', { name: 'convert_time' })).json();
  expect(first.result).toMatchObject({ resultType: 'input_required', inputRequests: { who: {} }, requestState: 's' });
  const inputResponses = { who: { action: 'accept', content: { name: 'octocat' } } };
  const retry = { name: 'convert_time', inputResponses, requestState: 's' };
  const second = (await send(gateway, 'tools/call', retry)).json();
  expect(second.result).toMatchObject({ resultType: 'complete', echo: { inputResponses, requestState: 's' } });
});

test.each(['false', 'true'])(
  '[MCP-UP-11] an upstream is told what its client said of itself (timings: %s)',
  async (on) => {
    await using gateway = createTestApp({ environment: { LAYER_TIMINGS_ENABLED: on } });
    const _meta = { [key('clientCapabilities')]: { elicitation: {} }, [key('logLevel')]: 'error' };
    await send(gateway, 'tools/call', { name: 'convert_time', _meta });
    expect(gateway.asked[0]?.stated).toMatchObject({ clientCapabilities: { elicitation: {} }, logLevel: 'error' });
    expect(gateway.asked[0]?.paramsJson).not.toContain('elicitation');
  },
);

const noisy = async ({ peer }: Asked) => {
  peer?.notify('notifications/progress', '{"progressToken":"p","progress":1}');
  peer?.notify('notifications/message', '{"level":"info","data":"i"}');
  peer?.notify('notifications/message', '{"level":"error","data":"e"}');
  peer?.notify('notifications/tools/list_changed', undefined);
  return { ok: true as const, resultJson: '{"content":[]}' };
};

test.each([
  [{ progressToken: 'p' }, ['notifications/progress', undefined]],
  [{ [key('logLevel')]: 'warning' }, ['notifications/message', undefined]],
  [{ [key('logLevel')]: 'debug' }, ['notifications/message', 'notifications/message', undefined]],
])('[MCP-STATELESS-10] %j asks for what comes before the answer', async (_meta, methods) => {
  await using gateway = createTestApp({ answer: noisy });
  const answer = await send(gateway, 'tools/call', { name: 'convert_time', _meta });
  expect(answer.headers['content-type']).toBe('text/event-stream');
  const events = answer.body
    .trim()
    .split('\n\n')
    .map((event) => JSON.parse(event.split('data: ')[1] ?? ''));
  expect(events.map(({ method }) => method)).toEqual(methods);
  expect(events.at(-1)).toMatchObject({ id: 1, result: { resultType: 'complete' } });
});

test('[MCP-STATELESS-10] who asks for nothing gets the answer alone, as JSON', async () => {
  await using gateway = createTestApp({ answer: noisy });
  const answer = await send(gateway, 'tools/call', { name: 'convert_time' });
  expect(answer.json()).toMatchObject({ id: 1, result: { resultType: 'complete' } });
});

test('[MCP-STATELESS-10] a client that takes JSON alone gets the answer alone', async () => {
  await using gateway = createTestApp({ answer: noisy });
  const params = { name: 'convert_time', _meta: { progressToken: 'p' } };
  const answer = await send(gateway, 'tools/call', params, { accept: 'application/json' });
  expect(answer.json()).toMatchObject({ id: 1, result: { resultType: 'complete' } });
});

test('a log level that is none is refused', async () => {
  await using gateway = createTestApp();
  const answer = await send(gateway, 'tools/list', { _meta: { [key('logLevel')]: 'loud' } });
  expect([answer.statusCode, answer.json().error.code]).toEqual([400, -32602]);
});

test('an upstream that asks its client in the middle of a call is told that there is no session', async () => {
  let reason: unknown;
  await using gateway = createTestApp({
    async answer({ peer, signal }) {
      const asked = peer?.request('sampling/createMessage', '{}', signal ?? new AbortController().signal);
      await asked?.catch((error: unknown) => (reason = error));
      return { ok: true, resultJson: '{"content":[]}' };
    },
  });
  await send(gateway, 'tools/call', { name: 'convert_time' });
  expect(reason).toMatchObject({ code: -32601, message: expect.stringContaining('no sessions') });
});

test.each([-32002, -32602])('[MCP-STATELESS-11] an unknown resource is -32602 (upstream says %i)', async (code) => {
  await using gateway = createTestApp({
    answer: async () => ({ ok: false, error: { code, message: 'not found', data: { uri: 'time://x' } } }),
  });
  for (const uri of ['time://x', 'file:///nowhere']) {
    const answer = await send(gateway, 'resources/read', { uri });
    expect(answer.json()).toMatchObject({ error: { code: -32602, data: { uri } } });
  }
});

test('[MCP-STATELESS-12] an argument must stand in its header', async () => {
  await using gateway = createTestApp();
  const call = (args: object, changes: Record<string, string>) =>
    send(gateway, 'tools/call', { name: 'get_system_time', arguments: args }, changes);
  expect((await call({ zone: 'utc' }, { 'mcp-param-zone': 'utc' })).statusCode).toBe(200);
  expect((await call({}, {})).statusCode).toBe(200);
  for (const changes of [{}, { 'mcp-param-zone': 'cet' }, { 'mcp-param-zone': '=?base64?!?=' }]) {
    const answer = await call({ zone: 'utc' }, changes);
    expect([answer.statusCode, answer.json().error.code]).toEqual([400, -32020]);
  }
  expect((await call({}, { 'mcp-param-zone': 'utc' })).statusCode).toBe(400);
});

test.each(['/mcp', '/servers/server-1/mcp', '/rpc'])(
  '[MCP-STATELESS-13] %s serves old and new clients',
  async (url) => {
    await using gateway = createTestApp();
    const { result: newer } = (await send(gateway, 'tools/list', {}, {}, url)).json();
    expect(newer).toMatchObject({ resultType: 'complete' });
    const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
    const { result: older } = (await gateway.post(url, list)).json();
    expect(older).toEqual({ tools: newer.tools });
    const params = { protocolVersion: version, capabilities: {}, clientInfo: { name: 't', version: '1' } };
    const initialized = await gateway.post(url, { jsonrpc: '2.0', id: 0, method: 'initialize', params });
    expect(initialized.json().result.protocolVersion).toBe('2025-11-25');
  },
);

test('notifications are taken, responses and batches are not', async () => {
  await using gateway = createTestApp();
  const headers = { 'mcp-protocol-version': version };
  const notification = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } };
  expect((await gateway.post('/mcp', notification, headers)).statusCode).toBe(202);
  expect((await gateway.post('/mcp', { jsonrpc: '2.0', id: 1, result: {} }, headers)).statusCode).toBe(400);
  expect((await gateway.post('/mcp', [message('tools/list')], headers)).statusCode).toBe(400);
});

test('[MCP-STATELESS-14] a client that goes away aborts its request', async () => {
  const events = new EventEmitter();
  const [aborted, begun] = [once(events, 'aborted'), once(events, 'begun')];
  await using gateway = createTestApp({
    answer: ({ signal }) =>
      new Promise((_, reject) => {
        signal?.addEventListener('abort', () => {
          events.emit('aborted', String(signal.reason));
          reject(signal.reason);
        });
        events.emit('begun');
      }),
  });
  await gateway.app.listen({ host: '127.0.0.1', port: 0 });
  const address = gateway.app.server.address();
  const socket = connect(typeof address === 'object' ? (address?.port ?? 0) : 0, '127.0.0.1');
  await once(socket, 'connect');
  const body = message('tools/call', { name: 'convert_time' });
  const text = JSON.stringify(body);
  const head = { ...headersOf(body), authorization: `Bearer ${token('admin')}`, host: 'localhost' };
  const lines = Object.entries({ ...head, 'content-type': 'application/json', 'content-length': String(text.length) });
  socket.write(`POST /mcp HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${text}`);
  await begun;
  socket.destroy();
  expect(await aborted).toEqual([expect.stringContaining('closed the connection')]);
});
