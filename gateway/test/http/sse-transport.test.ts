import { request } from 'undici';
import { expect, test } from 'vitest';
import { createTestApp, token } from '../test-app.ts';
import { openSseStream, urlOf } from './wire-clients.ts';

async function listening(environment: Record<string, string> = {}) {
  const gateway = createTestApp({ environment });
  await gateway.app.listen({ host: '127.0.0.1', port: 0 });
  return gateway;
}

test.each(['', '/servers/server-1'])('[MCP-SSE-01] the first event tells where to POST to (%s)', async (base) => {
  await using gateway = await listening();
  const { endpoint, close } = await openSseStream(gateway, base);
  expect(endpoint).toMatch(new RegExp(`^${base}/message\\?session_id=[0-9a-f-]{36}$`));
  close();
});

test('[MCP-SSE-02] a message is answered with 202, and an unknown session with 404', async () => {
  await using gateway = await listening();
  const { endpoint, inbox, close } = await openSseStream(gateway);
  const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };
  const answer = await gateway.post(endpoint, ping);
  expect([answer.statusCode, answer.body]).toEqual([202, '']);
  expect(JSON.parse(await inbox.take())).toEqual({ jsonrpc: '2.0', id: 1, result: {} });
  for (const path of ['/message', '/message?session_id=x', endpoint.replace('/message', '/servers/server-1/message')]) {
    expect((await gateway.post(path, ping)).statusCode).toBe(404);
  }
  close();
});

test('[MCP-SSE-03] a session is of who opened its stream, on every verb', async () => {
  await using gateway = await listening({ USE_STATEFUL_SESSIONS: 'true' });
  const { endpoint, close } = await openSseStream(gateway);
  const id = endpoint.split('=')[1] ?? '';
  const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };
  expect((await gateway.post(endpoint, ping, {}, 'mallory')).statusCode).toBe(404);
  for (const method of ['POST', 'GET', 'DELETE'] as const) {
    const headers = { 'mcp-session-id': id, 'content-type': 'application/json', accept: '*/*' };
    const payload = method === 'POST' ? { payload: JSON.stringify(ping) } : {};
    expect((await gateway.send({ method, url: '/mcp', headers, ...payload }, 'mallory')).statusCode).toBe(404);
  }
  const unknown = await request(`http://${urlOf(gateway)}/sse`);
  expect(unknown.statusCode).toBe(401);
  await unknown.body.dump();
  close();
});

test('[MCP-SSE-04] the session ends with its stream', async () => {
  await using gateway = await listening();
  const { endpoint, close, ended } = await openSseStream(gateway);
  close();
  await ended;
  const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };
  await expect.poll(async () => (await gateway.post(endpoint, ping)).statusCode).toBe(404);
});

test('[MCP-SSE-05] a quiet stream is kept alive by comments', async () => {
  await using gateway = await listening({ SSE_KEEPALIVE_INTERVAL: '0.05' });
  const answer = await request(`http://${urlOf(gateway)}/sse`, {
    headers: { authorization: `Bearer ${token('admin')}` },
  });
  let text = '';
  for await (const chunk of answer.body) {
    text += String(chunk);
    if (text.includes(': keep-alive')) break;
  }
  expect(text).toContain(': keep-alive\n\n');
});

test('an unknown virtual server is 404, and a client that takes no event stream 406', async () => {
  await using gateway = await listening();
  expect((await gateway.send({ method: 'GET', url: '/servers/nowhere/sse' })).statusCode).toBe(404);
  const headers = { accept: 'application/json' };
  expect((await gateway.send({ method: 'GET', url: '/sse', headers })).statusCode).toBe(406);
});
