import { expect, test } from 'vitest';
import { createTestApp } from '../test-app.ts';

const call = {
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'fast-time-convert-time', arguments: { a: 1 } },
};

test.each(['/rpc', '/'])('POST %s lists tools', async (url) => {
  await using gateway = createTestApp();
  const answer = await gateway.post(url, { jsonrpc: '2.0', id: 'x', method: 'tools/list' });
  expect(answer.statusCode).toBe(200);
  expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
  expect(answer.json()).toMatchObject({ id: 'x', result: { tools: [{ name: 'fast-time-convert-time' }, {}] } });
});

test('a call reaches the upstream under its own name', async () => {
  await using gateway = createTestApp();
  const answer = await gateway.post('/rpc', call);
  expect(answer.json()).toMatchObject({ id: 1, result: { echo: { name: 'convert_time', arguments: { a: 1 } } } });
});

test('[MCP-TOOL-02] arguments reach the upstream character by character', async () => {
  await using gateway = createTestApp();
  const args = '{"n":12345678901234567890, "2":"\\u00e9","1":1e2}';
  await gateway.post(
    '/rpc',
    `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"arguments":${args},"name":"convert_time"}}`,
  );
  expect(gateway.asked[0]?.paramsJson).toBe(`{"arguments":${args},"name":"convert_time"}`);
});

test('a bare tool name as method calls the tool', async () => {
  await using gateway = createTestApp();
  const answer = await gateway.post('/rpc', {
    jsonrpc: '2.0',
    id: 1,
    method: 'fast-time-convert-time',
    params: { zone: 'UTC' },
  });
  expect(answer.json()).toMatchObject({ result: { echo: { name: 'convert_time', arguments: { zone: 'UTC' } } } });
});

test('[MCP-RPC-01] a body that is not JSON is a parse error', async () => {
  await using gateway = createTestApp();
  for (const body of ['{"jsonrpc"', '', '\u0000']) {
    const answer = await gateway.post('/rpc', body);
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({ id: null, error: { code: -32700 } });
  }
});

test('[MCP-RPC-08] a notification gets no answer', async () => {
  await using gateway = createTestApp();
  const answer = await gateway.post('/rpc', { jsonrpc: '2.0', method: 'notifications/initialized' });
  expect([answer.statusCode, answer.body]).toEqual([202, '']);
});

test('a JSON-RPC batch is answered in one array, without its notifications', async () => {
  await using gateway = createTestApp();
  const answer = await gateway.post('/rpc', [
    { jsonrpc: '2.0', id: 1, method: 'ping' },
    { jsonrpc: '2.0', method: 'notifications/initialized' },
    call,
    7,
  ]);
  expect(answer.json()).toMatchObject([
    { id: 1, result: {} },
    { id: 1, result: {} },
    { id: null, error: { code: -32600 } },
  ]);
  expect((await gateway.post('/rpc', [])).json()).toMatchObject({ error: { code: -32600 } });
});

test.each(['/rpc', '/', '/mcp'])('[MCP-RPC-09] what %s refuses has the shape of a JSON-RPC error', async (url) => {
  await using gateway = createTestApp({ environment: { MAX_REQUEST_BYTES: '1024' } });
  for (const [answer, status, rpcCode, code] of [
    [await gateway.post(url, '{}', { 'content-type': 'text/plain' }), 415, -32602, 'GW_INVALID_REQUEST'],
    [await gateway.post(url, { ...call, pad: 'x'.repeat(2000) }), 413, -32600, 'GW_BODY_TOO_LARGE'],
    [await gateway.post(url, call, { origin: 'https://evil.example' }), 403, -32003, 'GW_FORBIDDEN'],
    [await gateway.post(url, call, { authorization: '' }), 401, -32001, 'GW_UNAUTHORIZED'],
  ] as const) {
    expect(answer.statusCode).toBe(status);
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    const error = {
      code: rpcCode,
      message: expect.stringMatching(/./),
      data: { code, hint: expect.stringMatching(/./) },
    };
    expect(answer.json()).toEqual({ jsonrpc: '2.0', id: null, error });
  }
});

test('[MCP-PAGE-01] a cursor that is none of ours is -32602', async () => {
  await using gateway = createTestApp();
  const answer = await gateway.post('/rpc', { jsonrpc: '2.0', id: 1, method: 'tools/list', params: { cursor: 'bad' } });
  expect(answer.json()).toMatchObject({ error: { code: -32602 } });
});

test('[MCP-RES-04] a URI that expands a template is handed to its upstream as it stands', async () => {
  await using gateway = createTestApp();
  await gateway.post('/rpc', {
    jsonrpc: '2.0',
    id: 1,
    method: 'resources/read',
    params: { uri: 'time://Europe%2FBerlin' },
  });
  expect(gateway.asked).toMatchObject([{ method: 'resources/read', paramsJson: '{"uri":"time://Europe%2FBerlin"}' }]);
});

test('[MCP-RES-04] a template does not show a resource that the registry hides', async () => {
  await using gateway = createTestApp({ hiddenUri: 'time://Rome' });
  const read = { jsonrpc: '2.0', id: 1, method: 'resources/read', params: { uri: 'time://Rome' } };
  expect((await gateway.post('/rpc', read)).json()).toMatchObject({ error: { code: -32002 } });
  expect(gateway.asked).toEqual([]);
});

test('a page of a foreign origin is refused at every door, without a token too', async () => {
  await using gateway = createTestApp({ environment: { AUTH_REQUIRED: 'false' } });
  const headers = { authorization: '', origin: 'https://evil.example' };
  for (const url of ['/rpc', '/', '/mcp', '/gateways', '/servers', '/tools']) {
    expect((await gateway.post(url, call, headers)).statusCode, url).toBe(403);
  }
  expect(gateway.asked).toEqual([]);
});

test('whoever brings no token is refused', async () => {
  await using gateway = createTestApp();
  const answer = await gateway.post('/rpc', call, { authorization: '' });
  expect(answer.statusCode).toBe(401);
  expect(answer.headers['www-authenticate']).toContain('Bearer');
  expect(gateway.asked).toEqual([]);
});

test('serves everybody without any key', async () => {
  await using gateway = createTestApp({ environment: { AUTH_REQUIRED: 'false', JWT_SECRET_KEY: '' } });
  const answer = await gateway.post('/rpc', { jsonrpc: '2.0', id: 1, method: 'ping' }, { authorization: '' });
  expect(answer.json()).toEqual({ jsonrpc: '2.0', id: 1, result: {} });
});
