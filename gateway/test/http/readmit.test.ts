// Connections that stay open when who opened them may not come in any more, or may do less.
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { request } from 'undici';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { GatewayError } from '../../src/errors.ts';
import { createTestApp, type TestApp, token } from '../test-app.ts';
import { headersOf, message } from './stateless-request.ts';
import { initialize, openSse, openWebSocket, urlOf } from './wire-clients.ts';

/** The users table: one row, for ada; `isDown` when it does not answer. */
interface Users {
  isActive: boolean;
  permissions: string[];
  isDown: boolean;
}

async function start(environment: Record<string, string> = {}) {
  const users: Users = { isActive: true, permissions: ['tools.read', 'tools.execute', 'servers.use'], isDown: false };
  const gateway = createTestApp({
    environment,
    knowsOfUsers: async () => {
      if (users.isDown) throw new GatewayError('GW_DATABASE_UNAVAILABLE', { detail: 'down' });
      return [
        { kind: 'user', a: 'ada', b: '0', c: users.isActive ? '1' : '0', d: '2020-01-01T00:00:00.000Z' },
        { kind: 'permissions', a: 'own', b: JSON.stringify(users.permissions), c: null, d: null },
      ];
    },
  });
  await gateway.app.listen({ host: '127.0.0.1', port: 0 });
  const change = (changed: Partial<Users>) => {
    Object.assign(users, changed);
    gateway.access.grants.changed('user', 'ada');
  };
  return { gateway, change, [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose]() };
}

const call = {
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'fast-time-convert-time', arguments: {} },
};
const often = { USE_STATEFUL_SESSIONS: 'true', SSE_KEEPALIVE_INTERVAL: '0.05', WEBSOCKET_PING_INTERVAL: '0.05' };
const bearer = token('ada');

async function openSocket(gateway: TestApp): Promise<WebSocket> {
  const socket = new WebSocket(`ws://${urlOf(gateway)}/ws`, 'mcp', { headers: { authorization: `Bearer ${bearer}` } });
  await once(socket, 'open');
  return socket;
}

test('a message on a WebSocket of somebody who was deactivated ends it, and nothing is called', async () => {
  await using started = await start();
  const { gateway, change } = started;
  const socket = await openSocket(gateway);
  socket.send(JSON.stringify(call));
  expect(JSON.parse(String((await once(socket, 'message'))[0]))).toMatchObject({ id: 1, result: {} });
  const calls = gateway.asked.length;
  change({ isActive: false });
  const closed = once(socket, 'close');
  socket.send(JSON.stringify(call));
  socket.send(JSON.stringify(call));
  expect((await closed).map(String)).toEqual(['1008', 'the token was refused: its user was deactivated']);
  expect(gateway.asked).toHaveLength(calls);
});

test('what somebody may do no more is refused on a WebSocket that stays', async () => {
  await using started = await start();
  const { gateway, change } = started;
  const client = await openWebSocket(gateway, { bearer });
  await initialize(client);
  change({ permissions: ['tools.read'] });
  await client.send(call);
  expect(await client.take()).toMatchObject({ id: 1, error: { code: -32003 } });
  client.close();
});

test('messages that wait for the database are taken in their order; without it they are answered, and the WebSocket stays', async () => {
  await using started = await start();
  const { gateway, change } = started;
  const client = await openWebSocket(gateway, { bearer });
  change({ isDown: true });
  for (const id of [1, 2]) await client.send({ ...call, id });
  for (const id of [1, 2]) expect(await client.take()).toMatchObject({ id, error: { code: -32010 } });
  change({ isDown: false });
  for (const id of [3, 4, 5]) await client.send({ jsonrpc: '2.0', id, method: 'ping' });
  for (const id of [3, 4, 5]) expect(await client.take()).toMatchObject({ id, result: {} });
  client.close();
});

test('an idle WebSocket of somebody who was deactivated ends at the next ping', async () => {
  await using started = await start(often);
  const socket = await openSocket(started.gateway);
  started.change({ isActive: false });
  expect((await once(socket, 'close'))[0]).toBe(1008);
});

test('streams of somebody who was deactivated end at the next keep-alive', async () => {
  await using started = await start(often);
  const { gateway, change } = started;
  const sse = await openSse(gateway, { bearer });
  const standing = await openStanding(gateway);
  const listening = await listen(gateway);
  change({ isActive: false });
  await Promise.all([sse.ended, standing.ended, listening.ended]);
});

test('a database that is away ends no stream', async () => {
  await using started = await start(often);
  const { gateway, change } = started;
  const { stream, ended } = await openStanding(gateway);
  change({ isDown: true });
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  for (let comments = 0; comments < 3; ) if (String(await once(stream, 'data')).includes('keep-alive')) comments++;
  expect(isOver).toBe(false);
  stream.destroy();
});

test('a POST to an SSE session may do what its own token may now', async () => {
  // Each request gets an identity of its own, as it does when the memory of tokens is full.
  await using started = await start({ JWT_CACHE_ENABLED: 'false' });
  const { gateway, change } = started;
  const client = await openSse(gateway, { bearer });
  await initialize(client);
  change({ permissions: ['tools.read'] });
  await client.send(call);
  expect(await client.take()).toMatchObject({ id: 1, error: { code: -32003 } });
  client.close();
});

/** The standing stream of a session of Streamable HTTP. */
async function openStanding(gateway: TestApp) {
  const opened = await gateway.post(
    '/mcp',
    { jsonrpc: '2.0', id: 0, method: 'initialize', params: { protocolVersion: '2025-06-18' } },
    { accept: 'application/json, text/event-stream' },
    'ada',
  );
  const headers = {
    authorization: `Bearer ${bearer}`,
    accept: 'text/event-stream',
    'mcp-session-id': String(opened.headers['mcp-session-id']),
  };
  const asked = get(`http://${urlOf(gateway)}/mcp`, { headers, agent: false });
  const [stream] = (await once(asked, 'response')) as [IncomingMessage];
  expect(stream.statusCode).toBe(200);
  stream.on('error', () => undefined).resume();
  return { stream, ended: new Promise((resolve) => stream.on('close', resolve)) };
}

async function listen(gateway: TestApp) {
  const body = message('subscriptions/listen', { notifications: { toolsListChanged: true } });
  const { statusCode, body: stream } = await request(`http://${urlOf(gateway)}/mcp`, {
    method: 'POST',
    headers: { ...headersOf(body), authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(statusCode).toBe(200);
  const ended = new Promise((resolve) => stream.on('end', resolve));
  stream.resume();
  return { ended };
}
