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

test('a body of another type is refused with 415, one too large with 413', async () => {
  await using gateway = createTestApp({ environment: { MAX_REQUEST_BYTES: '1024' } });
  expect((await gateway.post('/rpc', '{}', { 'content-type': 'text/plain' })).statusCode).toBe(415);
  expect((await gateway.post('/rpc', { ...call, pad: 'x'.repeat(2000) })).statusCode).toBe(413);
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

test('whoever brings no token is refused', async () => {
  await using gateway = createTestApp();
  const answer = await gateway.post('/rpc', call, { authorization: '' });
  expect(answer.statusCode).toBe(401);
  expect(answer.headers['www-authenticate']).toContain('Bearer');
  expect(gateway.asked).toEqual([]);
});
