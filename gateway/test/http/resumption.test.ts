// Streams that break, and clients that come back for what they missed.
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { expect, test } from 'vitest';
import { createToken } from '../../src/auth/token.ts';
import type { ForwardedAnswer } from '../../src/mcp/ports.ts';
import { createTestApp, type TestApp, token } from '../test-app.ts';
import { createGate, initialize, openEvents, postEvents, type SessionHeaders } from './mcp-over-http.ts';

const call = { jsonrpc: '2.0', id: 9, method: 'tools/call', params: { name: 'convert_time' } };

/** An upstream that tells of progress at once and answers when the gate opens. */
async function start(environment: Record<string, string> = {}) {
  const gate = createGate();
  const gateway = createTestApp({
    environment: { USE_STATEFUL_SESSIONS: 'true', ...environment },
    async answer({ peer, signal }): Promise<ForwardedAnswer> {
      peer?.notify('notifications/progress', '{"progress":1}');
      await gate.opened;
      if (signal?.aborted) throw signal.reason;
      peer?.notify('notifications/progress', '{"progress":2}');
      return { ok: true, resultJson: '{"late":true}' };
    },
  });
  await gateway.app.listen({ host: '127.0.0.1', port: 0 });
  return { gateway, gate };
}

const note = (n: number) => `{"jsonrpc":"2.0","method":"notifications/message","params":{"n":${n}}}`;
const progress = (n: number) => `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":${n}}}`;
const late = '{"jsonrpc":"2.0","id":9,"result":{"late":true}}';

const resume = (gateway: TestApp, session: SessionHeaders, eventId: string | undefined) =>
  openEvents(gateway, { ...session, 'last-event-id': eventId ?? 'none' });

/** The gateway has seen the end of every request but the one that asks. */
async function isDisconnected(gateway: TestApp): Promise<void> {
  const inFlight = async () => (await gateway.send({ method: 'GET', url: '/metrics' })).body;
  await expect.poll(inFlight).toContain('http_requests_in_flight 1\n');
}

test('[MCP-RESUME-01] the standing stream goes on after the event named, without what other streams had', async () => {
  const { gateway, gate } = await start();
  await using _ = gateway;
  const session = await initialize(gateway);
  const first = await openEvents(gateway, session);
  const events = await postEvents(gateway, call, session);
  await events.take(1);
  const peer = gateway.asked[0]?.session?.peer;
  for (const n of [1, 2]) peer?.notify('notifications/message', `{"n":${n}}`);
  const [one] = await first.takeEvents(2);
  first[Symbol.dispose]();
  gate.open();
  await events.ended;
  await isDisconnected(gateway);
  for (const n of [3, 4]) peer?.notify('notifications/message', `{"n":${n}}`);
  using again = await resume(gateway, session, one?.id);
  expect(await again.take(3)).toEqual([note(2), note(3), note(4)]);
  peer?.notify('notifications/message', '{"n":5}');
  expect(await again.take(1)).toEqual([note(5)]);
});

test('[MCP-RESUME-01] who comes back while the old connection seems open takes its place', async () => {
  const { gateway } = await start();
  await using _ = gateway;
  const session = await initialize(gateway);
  using old = await openEvents(gateway, session);
  void postEvents(gateway, call, session);
  await expect.poll(() => gateway.asked.length).toBe(1);
  const peer = gateway.asked[0]?.session?.peer;
  peer?.notify('notifications/message', '{"n":1}');
  const [one] = await old.takeEvents(1);
  using again = await resume(gateway, session, one?.id);
  await old.ended;
  peer?.notify('notifications/message', '{"n":2}');
  expect(await again.take(1)).toEqual([note(2)]);
  expect(old.raw()).not.toContain('"n":2');
});

test('[MCP-RESUME-02] a call goes on when its stream breaks, and its answer is fetched once it is there', async () => {
  const { gateway, gate } = await start();
  await using _ = gateway;
  const session = await initialize(gateway);
  const broken = await postEvents(gateway, call, session);
  const [one] = await broken.takeEvents(1);
  broken[Symbol.dispose]();
  await isDisconnected(gateway);
  expect(gateway.asked[0]?.signal?.aborted).toBe(false);
  using waiting = await resume(gateway, session, one?.id);
  gate.open();
  expect(await waiting.take(2)).toEqual([progress(2), late]);
  await waiting.ended;
  const finished = await resume(gateway, session, one?.id);
  expect(await finished.take(2)).toEqual([progress(2), late]);
  await finished.ended;
});

test('[MCP-RESUME-02] from 2025-11-25 on a stream can be resumed before anything was sent on it', async () => {
  const gate = createGate();
  await using gateway = createTestApp({
    environment: { USE_STATEFUL_SESSIONS: 'true', JSON_RESPONSE_ENABLED: 'false' },
    async answer() {
      await gate.opened;
      return { ok: true, resultJson: '{"late":true}' };
    },
  });
  await gateway.app.listen({ host: '127.0.0.1', port: 0 });
  const session = await initialize(gateway, {}, '2025-11-25');
  const broken = await postEvents(gateway, call, session);
  await expect.poll(() => broken.raw()).toMatch(/^id: \S+\nretry: \d+\ndata: \n\n$/);
  const eventId = /^id: (\S+)/.exec(broken.raw())?.[1];
  broken[Symbol.dispose]();
  await isDisconnected(gateway);
  gate.open();
  using again = await resume(gateway, session, eventId);
  expect(await again.take(1)).toEqual([late]);
});

test('a call that nobody can fetch is cancelled when its connection closes', async () => {
  const { gateway } = await start();
  await using _ = gateway;
  for (const headers of [{}, { ...(await initialize(gateway)), accept: 'application/json' }]) {
    const before = gateway.asked.length;
    const leave = new AbortController();
    const { port } = gateway.app.server.address() as AddressInfo;
    const running = fetch(`http://127.0.0.1:${port}/mcp`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token('admin')}`, ...headers },
      body: JSON.stringify(call),
      signal: leave.signal,
    }).then((answer) => answer.text());
    await expect.poll(() => gateway.asked.length).toBe(before + 1);
    leave.abort();
    await expect(running).rejects.toThrow();
    await expect.poll(() => gateway.asked[before]?.signal?.aborted, { timeout: 1000 }).toBe(true);
  }
});

test('[MCP-RESUME-03] an event that is none of the session, or not kept any more, is refused', async () => {
  const { gateway, gate } = await start({ MESSAGE_TTL: '0.2' });
  await using _ = gateway;
  const session = await initialize(gateway);
  gate.open();
  const events = await postEvents(gateway, call, session);
  const [one] = await events.takeEvents(3);
  const stranger = await initialize(gateway);
  for (const [headers, id] of [
    [stranger, one?.id],
    [session, 'nonsense'],
    [session, '99-1'],
    [session, '1-999'],
  ] as const) {
    expect((await resume(gateway, headers, id)).status, id).toBe(400);
  }
  const theft = { ...session, 'last-event-id': one?.id ?? '', authorization: `Bearer ${token('mallory')}` };
  expect((await openEvents(gateway, theft)).status).toBe(404);
  await expect.poll(async () => (await resume(gateway, session, one?.id)).status, { interval: 100 }).toBe(400);
});

test('[MCP-HTTP-18] a reader that stops reading is dropped before it costs memory, its neighbour is not', async () => {
  const { gateway } = await start();
  await using _ = gateway;
  const [slow, neighbour] = [await initialize(gateway), await initialize(gateway)];
  using reading = await openEvents(gateway, neighbour);
  const { port } = gateway.app.server.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.on('error', () => undefined);
  const head = `GET /mcp HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\nauthorization: Bearer ${token('admin')}\r\nmcp-session-id: ${slow['mcp-session-id']}\r\n\r\n`;
  socket.write(head);
  await once(socket, 'readable');
  for (const session of [slow, neighbour]) void postEvents(gateway, call, session);
  await expect.poll(() => gateway.asked.length).toBe(2);
  const peers = gateway.asked.map(({ session }) => session?.peer);
  const before = process.memoryUsage().arrayBuffers;
  const big = `{"text":"${'x'.repeat(100_000)}"}`;
  // More than the operating system takes for a connection.
  for (let at = 0; at < 200; at++) {
    peers[0]?.notify('notifications/message', big);
    if (at % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 30));
  }
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(40_000_000);
  peers[1]?.notify('notifications/message', '{"n":1}');
  expect(await reading.take(1)).toEqual([note(1)]);
  // Its stream is gone: the session takes another one.
  await expect.poll(async () => (await openEvents(gateway, slow)).status).toBe(200);
  socket.destroy();
});

test('a stream ends when the token that opened it has expired', async () => {
  const { gateway } = await start({ SSE_KEEPALIVE_INTERVAL: '0.05', JWT_SECRET_KEY: secret });
  await using _ = gateway;
  const brief = createToken({ secret, subject: 'admin', expiresInMinutes: 1 / 60 });
  const session = await initialize(gateway);
  using stream = await openEvents(gateway, { ...session, authorization: `Bearer ${brief}` });
  expect(stream.status).toBe(200);
  await stream.ended;
  const answer = await gateway.post('/mcp', call, { ...session, authorization: `Bearer ${brief}` });
  expect(answer.statusCode).toBe(401);
});

const secret = 'a-secret-of-at-least-32-characters!!';
