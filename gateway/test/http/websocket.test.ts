import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createTestApp, type TestApp, type TestAppOptions, token } from '../test-app.ts';
import { urlOf } from './wire-clients.ts';

async function listening(environment: Record<string, string> = {}, answer?: TestAppOptions['answer']) {
  const gateway = createTestApp({ environment, ...(answer && { answer }) });
  await gateway.app.listen({ host: '127.0.0.1', port: 0 });
  return gateway;
}

const withToken = { authorization: `Bearer ${token('admin')}` };

function dial(gateway: TestApp, headers: Record<string, string> = withToken, path = '/ws', protocol?: string) {
  return new WebSocket(`ws://${urlOf(gateway)}${path}`, protocol === undefined ? [] : [protocol], { headers });
}

/** The HTTP status of a handshake that is refused. */
async function refusal(socket: WebSocket): Promise<number> {
  const [, answer] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number; resume(): void }];
  answer.resume();
  socket.on('error', () => undefined);
  socket.terminate();
  return answer.statusCode;
}

test('[MCP-WS-01] the subprotocol is mcp', async () => {
  await using gateway = await listening();
  for (const protocol of ['mcp', undefined]) {
    const socket = dial(gateway, withToken, '/ws', protocol);
    await once(socket, 'open');
    expect(socket.protocol).toBe(protocol ?? '');
    socket.terminate();
  }
});

test('[MCP-WS-02] the handshake is judged as any request: who, from which page, for what', async () => {
  await using gateway = await listening();
  expect(await refusal(dial(gateway, {}))).toBe(401);
  expect(await refusal(dial(gateway, { authorization: 'Bearer x' }))).toBe(401);
  expect(await refusal(dial(gateway, { ...withToken, origin: 'https://evil.example' }))).toBe(403);
  expect(await refusal(dial(gateway, withToken, '/servers/nowhere/ws'))).toBe(404);
  expect(await refusal(dial(gateway, withToken, '/nothing'))).toBe(404);
  expect((await gateway.send({ method: 'GET', url: '/ws' })).statusCode).toBe(426);
});

test('a handshake on a path of HTTP is answered and the connection closed', async () => {
  await using gateway = await listening();
  const socket = connect(Number(urlOf(gateway).split(':')[1]), '127.0.0.1');
  const key = 'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13';
  socket.write(
    `GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n${key}\r\n\r\n`,
  );
  let text = '';
  socket.on('data', (chunk) => (text += String(chunk)));
  await once(socket, 'close');
  expect(text).toContain('HTTP/1.1 200');
});

test('an offer of h2c, as curl --http2 makes it, is passed over: the request is answered, its body read', async () => {
  await using gateway = await listening();
  const port = Number(urlOf(gateway).split(':')[1]);
  const offer = 'connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n';
  const ask = async (head: string, parts: string[]) => {
    const socket = connect(port, '127.0.0.1');
    const closed = once(socket, 'close');
    let text = '';
    socket.on('data', (chunk) => (text += String(chunk)));
    socket.write(`${head}host: localhost\r\nauthorization: ${withToken.authorization}\r\n${offer}`);
    for (const part of parts) {
      socket.write(part);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await closed;
    return text;
  };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { é: 'ü' } });
  const head = `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`;
  const post = 'POST /rpc HTTP/1.1\r\n';
  // In one piece, behind its head, and in two.
  for (const parts of [[`${head}${body}`], [head, body], [`${head}${body.slice(0, 30)}`, body.slice(30)]]) {
    const answer = await ask(post, parts);
    expect(answer).toContain('HTTP/1.1 200');
    expect(answer).toContain('"fast-time-convert-time"');
  }
  const chunked = `content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`;
  const chunks = `${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n0\r\n\r\n`;
  expect(await ask(post, [chunked, chunks])).toContain('"fast-time-convert-time"');
  expect(await ask('GET /health HTTP/1.1\r\n', ['\r\n'])).toContain('HTTP/1.1 200');
  // The offer opens no door.
  expect(await ask('GET /tools HTTP/1.1\r\nauthorization: Bearer x\r\n', ['\r\n'])).toContain('HTTP/1.1 401');
});

test.each([
  ['a message that is too large', { MAX_REQUEST_BYTES: '1024' }, 'x'.repeat(2000), 1009],
  ['a binary message', {}, Buffer.from('{}'), 1003],
])('[MCP-WS-03] %s ends the connection with its code', async (_what, environment, data, code) => {
  await using gateway = await listening(environment);
  const socket = dial(gateway);
  await once(socket, 'open');
  socket.send(data);
  expect((await once(socket, 'close'))[0]).toBe(code);
});

test('[MCP-WS-04] a peer that answers pings stays, one that does not is let go', async () => {
  await using gateway = await listening({ WEBSOCKET_PING_INTERVAL: '0.05' });
  const alive = dial(gateway);
  const silent = new WebSocket(`ws://${urlOf(gateway)}/ws`, { headers: withToken, autoPong: false });
  const ended = once(silent, 'close');
  await Promise.all([once(alive, 'open'), once(silent, 'open')]);
  for (let pings = 0; pings < 3; pings++) await once(alive, 'ping');
  expect((await ended)[0]).toBe(1006);
  expect(alive.readyState).toBe(WebSocket.OPEN);
  alive.terminate();
});

test('[MCP-WS-05] a gateway that stops says goodbye', async () => {
  const gateway = await listening();
  const socket = dial(gateway);
  await once(socket, 'open');
  const closed = gateway[Symbol.asyncDispose]();
  expect((await once(socket, 'close'))[0]).toBe(1001);
  await closed;
});

test('[MCP-WS-06] a reader that stops reading is let go: little waits for it', async () => {
  let sent = 0;
  await using gateway = await listening({}, async ({ peer, signal }) => {
    const text = JSON.stringify({ data: 'x'.repeat(64 * 1024) });
    // What the operating system takes comes on top of the bound.
    for (; sent < 2000 && signal?.aborted === false; sent++) {
      peer?.notify('notifications/message', text);
      if (sent % 10 === 0) await new Promise(setImmediate);
    }
    return { ok: true, resultJson: '{}' };
  });
  const socket = dial(gateway);
  await once(socket, 'open');
  socket.pause();
  const params = { name: 'convert_time' };
  socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }));
  await expect.poll(() => sent).toBeGreaterThan(0);
  const closed = once(socket, 'close');
  socket.resume();
  expect((await closed)[0]).toBe(1006);
  expect(sent).toBeLessThan(2000);
});
