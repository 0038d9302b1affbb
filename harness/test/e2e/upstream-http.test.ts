// The transports of the benchmark servers, spoken to over real sockets with node:http's own client and raw bytes.
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { parseServersOptions } from '../../src/upstream/options.ts';
import { type RunningServers, startServers } from '../../src/upstream/servers.ts';

let running: RunningServers;
let url: string;
const failures: unknown[] = [];

beforeAll(async () => {
  const options = parseServersOptions({ count: 1, bodyLimitBytes: 64 * 1024 });
  running = await startServers(options, (error) => failures.push(error));
  url = running.servers[0]?.url ?? '';
});

afterAll(async () => {
  await running.stop();
  expect(failures).toEqual([]);
});

const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };
const pong = { jsonrpc: '2.0', id: 1, result: {} };
const initialize = { jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25' } };

function post(body: unknown, headers: Record<string, string> = {}, path = '/mcp'): Promise<Response> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const all = { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream', ...headers };
  return fetch(url + path, { method: 'POST', headers: all, body: text });
}

async function openSession(): Promise<string> {
  const response = await post(initialize);
  await response.arrayBuffer();
  return response.headers.get('mcp-session-id') ?? '';
}

test('every server answers /health and /version', async () => {
  for (const server of running.servers) {
    expect(await (await fetch(`${server.url}/health`)).text()).toBe('{"status":"healthy"}');
    expect(await (await fetch(`${server.url}/version`)).json()).toMatchObject({ name: server.name });
  }
  expect(running.servers.map(({ name }) => name)).toEqual(['fast_time', 'benchmark_1']);
});

test.each([
  ['application/json, text/event-stream', 'application/json'],
  ['text/event-stream, application/json', 'application/json'],
  ['*/*', 'application/json'],
  ['application/*', 'application/json'],
  ['text/event-stream', 'text/event-stream'],
])('accepting %s is answered with %s', async (accept, type) => {
  const response = await post(ping, { Accept: accept });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe(type);
  const text = await response.text();
  const json = type === 'application/json' ? text : /^event: message\ndata: (.*)\n\n$/.exec(text)?.[1];
  expect(JSON.parse(String(json))).toEqual(pong);
});

test('accepting neither is 406, another content type 415, another version 400, another method 405, another path 404', async () => {
  expect((await post(ping, { Accept: 'text/html' })).status).toBe(406);
  expect((await post(ping, { 'Content-Type': 'text/plain' })).status).toBe(415);
  expect((await post(ping, { 'Content-Type': 'application/json; charset=utf-8' })).status).toBe(200);
  expect((await post(ping, { 'MCP-Protocol-Version': '2023-01-01' })).status).toBe(400);
  const put = await fetch(`${url}/mcp`, { method: 'PUT', body: '{}' });
  expect([put.status, put.headers.get('allow')]).toEqual([405, 'GET, POST, DELETE']);
  expect((await fetch(`${url}/none`)).status).toBe(404);
  expect((await post(ping, {}, '/health')).status).toBe(405);
});

test('a page of another origin is refused, one of this machine is not', async () => {
  expect((await post(ping, { Origin: 'https://evil.example' })).status).toBe(403);
  expect((await post(ping, { Origin: 'http://localhost.evil.example' })).status).toBe(403);
  expect((await post(ping, { Origin: 'http://localhost:3000' })).status).toBe(200);
});

test('initialize opens a session, requests go with it or without, DELETE ends it, and then it is unknown', async () => {
  const session = await openSession();
  expect(session).toMatch(/^[\x21-\x7e]+$/);
  const headers = { 'Mcp-Session-Id': session };
  expect(await (await post(ping, headers)).json()).toEqual(pong);
  expect(await (await post(ping)).json()).toEqual(pong);
  expect((await fetch(`${url}/mcp`, { method: 'DELETE', headers })).status).toBe(200);
  expect((await post(ping, headers)).status).toBe(404);
  expect((await fetch(`${url}/mcp`, { method: 'DELETE', headers })).status).toBe(404);
  expect((await fetch(`${url}/mcp`, { method: 'DELETE' })).status).toBe(400);
});

test('an initialize that fails opens no session', async () => {
  const response = await post({ ...initialize, params: {} });
  expect(response.headers.has('mcp-session-id')).toBe(false);
});

test('a session belongs to one server', async () => {
  const session = await openSession();
  const other = running.servers[1]?.url;
  const headers = { 'Content-Type': 'application/json', 'Mcp-Session-Id': session };
  expect((await fetch(`${other}/mcp`, { method: 'POST', headers, body: JSON.stringify(ping) })).status).toBe(404);
});

test('notifications and answers are accepted with 202 and no body', async () => {
  for (const message of [{ jsonrpc: '2.0', method: 'notifications/initialized' }, pong]) {
    const response = await post(message);
    expect([response.status, await response.text()]).toEqual([202, '']);
  }
});

test('batches are answered in the version that has them, and refused in the others', async () => {
  const batch = [ping, { jsonrpc: '2.0', method: 'notifications/x' }, { ...ping, id: 2, method: 'none' }, 7];
  const answers = await (await post(batch, { 'MCP-Protocol-Version': '2025-03-26' })).json();
  expect(answers).toMatchObject([pong, { id: 2, error: { code: -32_601 } }, { id: null, error: { code: -32_600 } }]);
  expect((await post(batch, { 'MCP-Protocol-Version': '2025-06-18' })).status).toBe(400);
  expect((await post(batch, { 'Mcp-Session-Id': await openSession() })).status).toBe(400);
  expect((await post([])).status).toBe(400);
  expect((await post([{ jsonrpc: '2.0', method: 'notifications/x' }])).status).toBe(202);
  expect(await (await post([initialize])).json()).toMatchObject([{ error: { code: -32_600 } }]);
});

test('the calls of a batch wait side by side, each with its own answer', async () => {
  const params = { name: 'delay', arguments: { delay_ms: 100 } };
  const batch = Array.from({ length: 20 }, (_, id) => ({ jsonrpc: '2.0', id, method: 'tools/call', params }));
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on('warning', onWarning);
  const start = performance.now();
  const answers = (await (await post(batch)).json()) as { id: number; result: object }[];
  expect(performance.now() - start).toBeLessThan(1000);
  process.off('warning', onWarning);
  expect(answers.map(({ id }) => id)).toEqual(batch.map(({ id }) => id));
  expect(warnings).toEqual([]);
});

test('what is not JSON is 400 with -32700, what is no request 400 with -32600', async () => {
  for (const body of ['', '{', '\u0000', `${'['.repeat(20_000)}`]) {
    const response = await post(body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ jsonrpc: '2.0', id: null, error: { code: -32_700 } });
  }
  for (const body of ['7', 'null', '"text"', '{}']) {
    const response = await post(body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code: -32_600 } });
  }
  const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
  const nested = await post(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":${deep}}}`);
  expect(await nested.json()).toMatchObject({ error: { code: -32_602 } });
});

test('a body over the limit is 413, said in advance or not, and the next request is served', async () => {
  const large = JSON.stringify({ ...ping, params: { filler: 'x'.repeat(70_000) } });
  expect((await post(large)).status).toBe(413);
  const chunked = httpRequest(`${url}/mcp`, { method: 'POST', headers: { 'Content-Type': 'application/json' } });
  const answered = once(chunked, 'response');
  for (let part = 0; part < 8; part++) chunked.write('x'.repeat(16_384));
  const [response] = await answered;
  expect(response.statusCode).toBe(413);
  chunked.destroy();
  expect((await post(ping)).status).toBe(200);
});

test('a body in many pieces, cut inside a character, is put together', async () => {
  const text = JSON.stringify({
    jsonrpc: '2.0',
    id: 'ü',
    method: 'tools/call',
    params: { name: 'echo_payload', arguments: { payload: 'grün 🌍', repeat: 2 } },
  });
  const bytes = Buffer.from(text);
  const slow = httpRequest(`${url}/mcp`, { method: 'POST', headers: { 'Content-Type': 'application/json' } });
  const answered = once(slow, 'response');
  for (let at = 0; at < bytes.length; at += 7) {
    slow.write(bytes.subarray(at, at + 7));
    await new Promise(setImmediate);
  }
  slow.end();
  const [response] = await answered;
  let body = '';
  for await (const chunk of response.setEncoding('utf8')) body += chunk;
  expect(JSON.parse(body)).toMatchObject({ id: 'ü', result: { content: [{ text: 'grün 🌍grün 🌍' }] } });
});

test.each([
  ['garbage', 'GARBAGE\r\n\r\n'],
  ['a body shorter than it says, then the end', 'POST /mcp HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"js'],
  ['a bad chunk', 'POST /mcp HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'],
  ['a huge header', `GET /health HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`],
  ['a stray path', 'GET //%%% HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['a bad query', 'POST /message?%%%=%zz&sessionId HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n'],
])('%s does no harm', async (_name, bytes) => {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  // The server may reset the connection: that is its right.
  socket.on('error', () => socket.destroy());
  socket.end(bytes);
  socket.resume();
  await once(socket, 'close');
  expect((await fetch(`${url}/health`)).status).toBe(200);
});

test('clients that leave during a delay do no harm, and cost no timers', async () => {
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const toCall = (delay_ms: number) => {
    return { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'delay', arguments: { delay_ms } } };
  };
  const before = timers();
  const leaving = new AbortController();
  const headers = { 'Content-Type': 'application/json' };
  const body = JSON.stringify(toCall(60_000));
  const calls = Array.from({ length: 50 }, () =>
    fetch(`${url}/mcp`, { method: 'POST', headers, body, signal: leaving.signal }),
  );
  await vi.waitFor(() => expect(timers()).toBeGreaterThanOrEqual(before + calls.length), { timeout: 5000 });
  leaving.abort();
  for (const { status } of await Promise.allSettled(calls)) expect(status).toBe('rejected');
  // Not to the number before: others have timers of their own.
  await vi.waitFor(() => expect(timers()).toBeLessThan(before + calls.length / 2), { timeout: 5000 });
  const start = performance.now();
  const answer = await (await post(toCall(50))).json();
  expect(performance.now() - start).toBeGreaterThanOrEqual(49);
  expect(answer).toMatchObject({ result: { content: [{ text: 'waited 50 ms' }] } });
});

test('GET opens a stream of the session, which DELETE ends', async () => {
  const session = await openSession();
  const headers = { Accept: 'text/event-stream', 'Mcp-Session-Id': session };
  const stream = await fetch(`${url}/mcp`, { headers });
  expect(stream.headers.get('content-type')).toBe('text/event-stream');
  await fetch(`${url}/mcp`, { method: 'DELETE', headers });
  expect(await stream.text()).toBe('');
  expect((await fetch(`${url}/mcp`, { headers: { Accept: 'text/event-stream' } })).status).toBe(400);
  expect((await fetch(`${url}/mcp`)).status).toBe(406);
});

test('the older transport tells where to post, accepts, and answers on the stream', async () => {
  const stream = await fetch(`${url}/sse`);
  const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
  const first = (await reader?.read())?.value ?? '';
  const path = /^event: endpoint\ndata: (\/message\?sessionId=\S+)\n\n$/.exec(first)?.[1] ?? '';
  const accepted = await post({ ...ping, id: 'über' }, {}, path);
  expect([accepted.status, await accepted.text()]).toEqual([202, '']);
  expect((await reader?.read())?.value).toBe('event: message\ndata: {"jsonrpc":"2.0","id":"über","result":{}}\n\n');
  expect((await post('{', {}, path)).status).toBe(400);
  await reader?.cancel();
  // The server sees the end of the stream a moment later.
  const deadline = performance.now() + 5000;
  let status = 202;
  while (status === 202 && performance.now() < deadline) status = (await post(ping, {}, path)).status;
  expect(status).toBe(404);
  expect((await post(ping, {}, '/message?sessionId=none')).status).toBe(404);
  expect((await post(ping, {}, '/message')).status).toBe(404);
});

test('stop ends streams, lets a call in flight finish, and frees the port', async () => {
  const own = await startServers(parseServersOptions({ count: 0 }), (error) => failures.push(error));
  const ownUrl = own.servers[0]?.url ?? '';
  const sse = await fetch(`${ownUrl}/sse`);
  const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'delay', arguments: { delay_ms: 300 } } };
  const headers = { 'Content-Type': 'application/json' };
  const inFlight = fetch(`${ownUrl}/mcp`, { method: 'POST', headers, body: JSON.stringify(call) });
  await new Promise((resolve) => setTimeout(resolve, 100));
  const start = performance.now();
  await own.stop();
  expect(performance.now() - start).toBeLessThan(1500);
  expect(await (await inFlight).json()).toMatchObject({ result: { content: [{ text: 'waited 300 ms' }] } });
  expect(await sse.text()).toMatch(/^event: endpoint/);
  await expect(fetch(`${ownUrl}/health`)).rejects.toThrow();
  await own.stop();
});

test('a port that is taken is told by name, and what had started is stopped', async () => {
  const port = Number(new URL(url).port);
  // The second of two servers meets our own: the first must be free again afterwards.
  const options = parseServersOptions({ count: 2, startPort: port - 1, fastTime: false });
  await expect(startServers(options, (error) => failures.push(error))).rejects.toMatchObject({
    code: 'PORT_IN_USE',
    message: expect.stringContaining(`benchmark_2 cannot listen on 127.0.0.1:${port}`),
  });
  await expect(fetch(`http://127.0.0.1:${port - 1}/health`)).rejects.toThrow();
});
