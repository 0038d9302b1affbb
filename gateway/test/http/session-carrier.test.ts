// A request of a session that comes to another process than the one that has it.
import { once } from 'node:events';
import { chmodSync, existsSync, linkSync, renameSync, statSync, symlinkSync, utimesSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { request } from 'undici';
import { expect, test } from 'vitest';
import { createNeighbourhood, socketOf } from '../../src/http/session-home.ts';
import { type TestAppOptions, token } from '../test-app.ts';
import { createGate, initialize, openEvents, postEvents } from './mcp-over-http.ts';
import { createNeighbours } from './neighbours.ts';
import { openSseStream } from './wire-clients.ts';

const call = { jsonrpc: '2.0', id: 9, method: 'tools/call', params: { name: 'convert_time' } };
const ping = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' });
const verbs = ['POST', 'GET', 'DELETE'] as const;
const bodyOf = (verb: string) => (verb === 'POST' ? { body: ping } : {});

test('a call, the standing stream and the end of a session reach the process that has it', async () => {
  await using neighbours = await createNeighbours();
  const [owner, other] = [await neighbours.start(), await neighbours.start()];
  const session = await initialize(owner);
  expect(session['mcp-session-id'].endsWith(`.${owner.mark}`)).toBe(true);

  const answered = await other.ask('POST', '/mcp', { headers: session, body: JSON.stringify(call) });
  expect([answered.status, JSON.parse(answered.text)]).toMatchObject([200, { id: 9, result: { content: [] } }]);
  expect([owner.asked.length, other.asked.length]).toEqual([1, 0]);

  using stream = await openEvents(other, session);
  expect([stream.status, stream.type]).toEqual([200, 'text/event-stream']);
  owner.asked[0]?.session?.peer.notify('notifications/message', '{"n":1}');
  expect(await stream.take(1)).toEqual(['{"jsonrpc":"2.0","method":"notifications/message","params":{"n":1}}']);

  expect((await other.ask('DELETE', '/mcp', { headers: session })).status).toBe(204);
  await stream.ended;
  for (const one of [owner, other]) {
    expect((await one.ask('POST', '/mcp', { headers: session, body: ping })).status).toBe(404);
  }
});

test('what an upstream says before its answer comes through as it is said', async () => {
  await using neighbours = await createNeighbours();
  const gate = createGate();
  const answer: TestAppOptions['answer'] = async ({ peer }) => {
    peer?.notify('notifications/progress', '{"progress":1}');
    await gate.opened;
    return { ok: true, resultJson: '{"late":true}' };
  };
  const [owner, other] = [await neighbours.start({ answer }), await neighbours.start()];
  using events = await postEvents(other, call, await initialize(owner));
  expect(await events.take(1)).toEqual(['{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":1}}']);
  gate.open();
  expect(await events.take(1)).toEqual(['{"jsonrpc":"2.0","id":9,"result":{"late":true}}']);
  await events.ended;
});

test('a stream is resumed by way of another process', async () => {
  await using neighbours = await createNeighbours();
  const [owner, first, second] = [await neighbours.start(), await neighbours.start(), await neighbours.start()];
  const session = await initialize(owner);
  const stream = await openEvents(first, session);
  await owner.ask('POST', '/mcp', { headers: session, body: JSON.stringify(call) });
  const peer = owner.asked[0]?.session?.peer;
  for (const n of [1, 2]) peer?.notify('notifications/message', `{"n":${n}}`);
  const [one] = await stream.takeEvents(2);
  stream[Symbol.dispose]();
  using again = await openEvents(second, { ...session, 'last-event-id': one?.id ?? '' });
  expect(await again.take(1)).toEqual(['{"jsonrpc":"2.0","method":"notifications/message","params":{"n":2}}']);
});

test('[MCP-HTTP-09] another user’s session id is refused on every verb by every process', async () => {
  await using neighbours = await createNeighbours();
  const [owner, other] = [await neighbours.start(), await neighbours.start()];
  const session = await initialize(owner);
  for (const one of [owner, other]) {
    for (const verb of verbs) {
      const options = { headers: session, ...bodyOf(verb) };
      expect((await one.ask(verb, '/mcp', { ...options, user: 'mallory' })).status).toBe(404);
      expect((await one.ask(verb, '/servers/server-1/mcp', options)).status).toBe(404);
      const unknown = { ...session, authorization: 'Bearer none' };
      expect((await one.ask(verb, '/mcp', { ...options, headers: unknown })).status).toBe(401);
    }
  }
  expect((await other.ask('POST', '/mcp', { headers: session, body: ping })).status).toBe(200);
});

test('messages of the SSE transport reach the process that has the stream, with and without stateful sessions', async () => {
  for (const isStateful of ['true', 'false']) {
    await using neighbours = await createNeighbours();
    const environment = { USE_STATEFUL_SESSIONS: isStateful };
    const [owner, other] = [await neighbours.start({ environment }), await neighbours.start({ environment })];
    const { endpoint, inbox, close } = await openSseStream(owner);
    expect((await other.ask('POST', endpoint, { body: ping })).status).toBe(202);
    expect(JSON.parse(await inbox.take())).toEqual({ jsonrpc: '2.0', id: 1, result: {} });
    expect((await other.ask('POST', endpoint, { body: ping, user: 'mallory' })).status).toBe(404);
    close();
  }
});

test('without stateful sessions a session id leads nowhere', async () => {
  await using neighbours = await createNeighbours();
  const environment = { USE_STATEFUL_SESSIONS: 'false' };
  const [owner, other] = [await neighbours.start({ environment }), await neighbours.start({ environment })];
  const headers = { 'mcp-session-id': `00000000-0000-4000-8000-000000000000.${owner.mark}` };
  expect((await other.ask('POST', '/mcp', { headers, body: JSON.stringify(call) })).status).toBe(200);
  expect([owner.asked.length, other.asked.length]).toEqual([0, 1]);
});

test('a client that goes away ends its call and its stream at the owner', async () => {
  await using neighbours = await createNeighbours();
  const [owner, other] = [
    await neighbours.start({ answer: () => new Promise(() => undefined) }),
    await neighbours.start(),
  ];
  const session = await initialize(owner);
  const leave = new AbortController();
  const options = { headers: session, body: JSON.stringify(call), signal: leave.signal };
  const asking = other.ask('POST', '/mcp', options).catch(() => undefined);
  const stream = await openEvents(other, session);
  await expect.poll(() => owner.asked.length).toBe(1);
  expect(owner.asked[0]?.signal?.aborted).toBe(false);
  leave.abort();
  await asking;
  await expect.poll(() => owner.asked[0]?.signal?.aborted).toBe(true);
  expect(owner.load.standing).toBe(1);
  stream[Symbol.dispose]();
  await expect.poll(() => [owner.load.standing, other.load.standing]).toEqual([0, 0]);
  await expect.poll(() => [owner.load.running, other.load.running]).toEqual([0, 0]);
});

test('a request goes one way once: an id that leads to a process without such a session ends there', async () => {
  await using neighbours = await createNeighbours();
  const [one, two] = [await neighbours.start(), await neighbours.start()];
  const headers = { 'mcp-session-id': `00000000-0000-4000-8000-000000000000.${two.mark}` };
  expect((await one.ask('POST', '/mcp', { headers, body: ping })).status).toBe(404);
  expect([one.load.served, two.load.served]).toEqual([1, 1]);
  // Nor does an id lead out of the folder.
  for (const mark of [`../../${two.mark}`, `${two.mark}/..`, `${two.mark}%00`, 'docker', '']) {
    const led = { 'mcp-session-id': `00000000-0000-4000-8000-000000000000.${mark}` };
    expect((await one.ask('POST', '/mcp', { headers: led, body: ping })).status).toBe(404);
  }
  expect(two.load.served).toBe(1);
});

test('the owner sees the client’s address, and none that a client makes up', async () => {
  await using neighbours = await createNeighbours();
  const [owner, other] = [await neighbours.start(), await neighbours.start()];
  const session = await initialize(owner);
  const seen: (string | undefined)[] = [];
  owner.app.server.on('request', ({ socket, headers }) => {
    seen.push(socket.remoteAddress, headers['x-gatebench-client-address'] as string | undefined);
  });
  const headers = { ...session, 'X-Gatebench-Client-Address': '203.0.113.9' };
  expect((await other.ask('POST', '/mcp', { headers, body: ping })).status).toBe(200);
  expect(seen).toEqual(['127.0.0.1', undefined]);
  // On the public side it is a header like any other.
  await owner.ask('POST', '/mcp', { headers, body: ping });
  expect(seen.slice(2)).toEqual(['127.0.0.1', '203.0.113.9']);
});

test('a body cannot become a second request on the way to the owner', async () => {
  await using neighbours = await createNeighbours();
  const [owner, other] = [await neighbours.start(), await neighbours.start()];
  const session = await initialize(owner);
  const hidden =
    'POST /hidden HTTP/1.1\r\nhost: a\r\nx-gatebench-client-address: 203.0.113.9\r\ncontent-length: 0\r\n\r\n';
  const before = owner.load.served;
  for (const verb of verbs) {
    const pieces = async function* () {
      yield Buffer.from(hidden);
      yield Buffer.from(hidden);
    };
    await other.ask(verb, '/mcp', {
      headers: { ...session, accept: 'application/json' },
      body: Readable.from(pieces()),
    });
  }
  expect(owner.load.served - before).toBe(3);
});

test('a body above the limit is refused, announced or not', async () => {
  await using neighbours = await createNeighbours();
  const environment = { MAX_REQUEST_BYTES: '2000' };
  const [owner, other] = [await neighbours.start({ environment }), await neighbours.start({ environment })];
  const session = await initialize(owner);
  const large = JSON.stringify({ ...call, params: { name: 'x'.repeat(3000) } });
  const announced = await other.ask('POST', '/mcp', { headers: session, body: large });
  expect(announced.status).toBe(413);
  const pieces = async function* () {
    for (let at = 0; at < 4; at++) {
      yield Buffer.from('x'.repeat(1000));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const inPieces = await other.ask('POST', '/mcp', { headers: session, body: Readable.from(pieces()) });
  expect([inPieces.status, inPieces.text]).toEqual([413, expect.stringContaining('GW_BODY_TOO_LARGE')]);
  expect(owner.asked).toEqual([]);
  await expect.poll(() => [owner.load.running, other.load.running]).toEqual([0, 0]);
});

test('when the owner is gone its sessions are unknown, and whoever initialises anew is served', async () => {
  await using neighbours = await createNeighbours();
  const [owner, other] = [await neighbours.start(), await neighbours.start()];
  const session = await initialize(owner);
  expect((await other.ask('POST', '/mcp', { headers: session, body: ping })).status).toBe(200);
  await owner.carrier?.leave();
  const path = socketOf(neighbours.folder, owner.mark);
  expect(existsSync(path)).toBe(false);
  const gone = await other.ask('POST', '/mcp', { headers: session, body: ping });
  expect([gone.status, JSON.parse(gone.text)]).toMatchObject([404, { error: { code: -32001 } }]);
  expect((await other.ask('GET', '/mcp', { headers: session })).status).toBe(404);
  expect((await other.ask('POST', '/mcp', { headers: { ...session, authorization: '' }, body: ping })).status).toBe(
    401,
  );
  const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 't', version: '1' } };
  const begin = JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params });
  const anew = await other.ask('POST', '/mcp', { headers: session, body: begin });
  expect([anew.status, String(anew.headers['mcp-session-id']).endsWith(other.mark)]).toEqual([200, true]);
});

function createIn(base: string) {
  const made = createNeighbourhood([join(base, 'missing', 'x'), base]);
  if (made === undefined) throw new Error('the second folder can be written to');
  expect(createNeighbourhood([join(base, 'missing')])).toBeUndefined();
  return made;
}

/** Node takes its socket away when it closes: the file of a process that could not has to be made. */
async function leaveSocket(path: string): Promise<void> {
  const dead = createServer().listen(path);
  await once(dead, 'listening');
  linkSync(path, `${path}.kept`);
  dead.close();
  await once(dead, 'close');
  renameSync(`${path}.kept`, path);
}

test('a socket that a killed process left is found dead, and taken away', async () => {
  await using neighbours = await createNeighbours();
  const other = await neighbours.start();
  const mark = '0123abcd-77';
  const path = socketOf(neighbours.folder, mark);
  await leaveSocket(path);
  const headers = { 'mcp-session-id': `00000000-0000-4000-8000-000000000000.${mark}` };
  expect((await other.ask('POST', '/mcp', { headers, body: ping })).status).toBe(404);
  expect(existsSync(path)).toBe(false);
});

test('a gateway that starts takes old dead sockets away, and those alone', async () => {
  const base = await mkdtemp(join(tmpdir(), 'gatebench-home-'));
  try {
    const { folder } = createIn(base);
    const [old, young, alive] = ['00000001-1', '00000002-1', '00000003-1'].map((mark) => socketOf(folder, mark));
    if (old === undefined || young === undefined || alive === undefined) throw new Error('unreachable');
    for (const path of [old, young]) await leaveSocket(path);
    const server = createServer().listen(alive);
    await once(server, 'listening');
    for (const path of [old, alive]) utimesSync(path, 1, 1);
    createIn(base);
    await expect.poll(() => existsSync(old)).toBe(false);
    expect([young, alive].map((path) => existsSync(path))).toEqual([true, true]);
    server.close();
  } finally {
    await rm(base, { recursive: true, force: true });
  }
});

test('an owner that dies in the middle of an answer cuts the client’s connection, too', async () => {
  await using neighbours = await createNeighbours();
  const [owner, other] = [
    await neighbours.start({ answer: () => new Promise(() => undefined) }),
    await neighbours.start(),
  ];
  const session = await initialize(owner);
  const asking = other.ask('POST', '/mcp', { headers: session, body: JSON.stringify(call) });
  const failed = expect(asking).rejects.toThrow();
  await expect.poll(() => owner.asked.length).toBe(1);
  await owner.carrier?.[Symbol.asyncDispose]();
  await failed;
});

test('streams that stand open at a process that stops end there, and go on elsewhere', async () => {
  await using neighbours = await createNeighbours();
  const [owner, leaving, staying] = [await neighbours.start(), await neighbours.start(), await neighbours.start()];
  const session = await initialize(owner);
  const stream = await openEvents(leaving, session);
  await owner.ask('POST', '/mcp', { headers: session, body: JSON.stringify(call) });
  const peer = owner.asked[0]?.session?.peer;
  peer?.notify('notifications/message', '{"n":1}');
  const [one] = await stream.takeEvents(1);
  await leaving.app.close();
  await stream.ended;
  peer?.notify('notifications/message', '{"n":2}');
  using again = await openEvents(staying, { ...session, 'last-event-id': one?.id ?? '' });
  expect(await again.take(1)).toEqual(['{"jsonrpc":"2.0","method":"notifications/message","params":{"n":2}}']);
});

test('a request in HTTP/1.0 without a Host header is carried like any other', async () => {
  await using neighbours = await createNeighbours();
  const [owner, other] = [await neighbours.start(), await neighbours.start()];
  const session = await initialize(owner);
  const { hostname, port } = new URL(other.url);
  const socket = connect(Number(port), hostname);
  const head = [
    'POST /mcp HTTP/1.0',
    `authorization: Bearer ${token('admin')}`,
    `mcp-session-id: ${session['mcp-session-id']}`,
    'accept: application/json, text/event-stream',
    'content-type: application/json',
    `content-length: ${ping.length}`,
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n${ping}`);
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  expect(text).toMatch(/^HTTP\/1\.1 200 /);
  expect(text).toContain('"result":{}');
});

test('connections between processes are used again', async () => {
  await using neighbours = await createNeighbours();
  const [owner, other] = [await neighbours.start(), await neighbours.start()];
  const session = await initialize(owner);
  for (let at = 0; at < 5; at++) await other.ask('POST', '/mcp', { headers: session, body: ping });
  expect(owner.load.carried).toBe(1);
  const answer = await request(`${other.url}/health`);
  expect(answer.statusCode).toBe(200);
  await answer.body.dump();
});

test('over HTTP/2 a request of a session is carried, too', async () => {
  await using neighbours = await createNeighbours();
  const environment = { HTTP_VERSION: '2' };
  const [owner, other] = [await neighbours.start(), await neighbours.start({ environment })];
  const session = await initialize(owner);
  const connection = connectHttp2(other.url);
  try {
    const stream = connection.request({
      ':method': 'POST',
      ':path': '/mcp',
      authorization: `Bearer ${token('admin')}`,
      'content-type': 'application/json',
      ...session,
    });
    const answered = once(stream, 'response');
    stream.end(JSON.stringify(call));
    const [head] = (await answered) as [Record<string, unknown>];
    let text = '';
    for await (const chunk of stream) text += String(chunk);
    expect([head[':status'], JSON.parse(text)]).toMatchObject([200, { id: 9, result: { content: [] } }]);
    expect(owner.asked).toHaveLength(1);
  } finally {
    connection.close();
  }
});

test('the folder of the doors is this user’s alone, or another one is taken', async () => {
  const base = await mkdtemp(join(tmpdir(), 'gatebench-home-'));
  try {
    const { folder, tag } = createIn(base);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(createIn(base)).toMatchObject({ folder });
    expect(createIn(base).tag).not.toBe(tag);
    chmodSync(folder, 0o755);
    const own = createIn(base).folder;
    expect([own === folder, statSync(own).mode & 0o777]).toEqual([false, 0o700]);
    // Somebody else's folder behind a link in the place of ours.
    await rm(folder, { recursive: true });
    symlinkSync(own, folder);
    expect(createIn(base).folder).not.toBe(folder);
  } finally {
    await rm(base, { recursive: true, force: true });
  }
});
