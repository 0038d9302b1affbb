// Clients that leave while the gateway still looks up what they ask for: nothing of them may stay.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, test, vi } from 'vitest';
import { createTestApp, type TestApp, token } from '../test-app.ts';
import { headersOf, message } from './stateless-request.ts';
import { urlOf } from './wire-clients.ts';

const DROPPED = 5;

async function start() {
  /** While it is shut, who asks for the virtual server has to wait. */
  const door: { isShut: boolean; waiting: (() => void)[] } = { isShut: false, waiting: [] };
  const gateway = createTestApp({
    environment: { USE_STATEFUL_SESSIONS: 'true' },
    async opensServer() {
      if (door.isShut) await new Promise<void>((resolve) => door.waiting.push(resolve));
    },
  });
  await gateway.app.listen({ host: '127.0.0.1', port: 0 });
  return { gateway, door, [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose]() };
}

async function send(gateway: TestApp, method: string, path: string, headers: Record<string, string>, body = '') {
  const [, port] = urlOf(gateway).split(':');
  const socket = connect(Number(port), '127.0.0.1');
  await once(socket, 'connect');
  const all = { host: 'localhost', ...headers, ...(body === '' ? {} : { 'content-length': String(body.length) }) };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`);
  return socket.on('error', () => undefined);
}

const listenBody = message('subscriptions/listen', { notifications: { toolsListChanged: true } });
test.each([
  ['an SSE stream', 'GET', '/servers/server-1/sse', {}, ''],
  ['a standing stream', 'GET', '/servers/server-1/mcp', { accept: 'text/event-stream' }, ''],
  [
    'subscriptions/listen',
    'POST',
    '/servers/server-1/mcp',
    { ...headersOf(listenBody), 'content-type': 'application/json' },
    JSON.stringify(listenBody),
  ],
])('%s whose client leaves while it is looked up leaves nothing behind', async (what, method, path, more, body) => {
  await using started = await start();
  const { gateway, door } = started;
  const { load } = gateway.app;
  const authorization = `Bearer ${token('admin')}`;
  const opened = await gateway.post('/servers/server-1/mcp', {
    jsonrpc: '2.0',
    id: 0,
    method: 'initialize',
    params: { protocolVersion: '2025-06-18' },
  });
  const session = what === 'a standing stream' ? { 'mcp-session-id': String(opened.headers['mcp-session-id']) } : {};
  door.isShut = true;
  const sockets: Socket[] = [];
  for (let at = 0; at < DROPPED; at++) {
    sockets.push(await send(gateway, method, path, { ...more, ...session, authorization }, body));
  }
  await vi.waitFor(() => expect(door.waiting).toHaveLength(DROPPED));
  for (const socket of sockets) socket.destroy();
  await vi.waitFor(() => expect(load.sockets.size).toBe(0));
  door.isShut = false;
  for (const open of door.waiting) open();
  // The one that was initialised.
  expect((await gateway.send({ method: 'GET', url: '/metrics' })).body).toContain('mcp_sessions_active 1\n');
  expect([load.running, load.standing]).toEqual([0, 0]);
});

test('a handshake that is none leaves no session', async () => {
  await using started = await start();
  const { gateway } = started;
  const authorization = `Bearer ${token('admin')}`;
  const handshake = { connection: 'upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', authorization };
  const socket = await send(gateway, 'GET', '/ws', { ...handshake, 'sec-websocket-key': 'none' });
  expect(String((await once(socket, 'data'))[0])).toContain('HTTP/1.1 400');
  expect((await gateway.send({ method: 'GET', url: '/metrics' })).body).toContain('mcp_sessions_active 0\n');
  socket.destroy();
});
