// What a hostile client can do to a real gateway over the network.
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createToken } from '../../src/auth/token.ts';
import { describeWithSqlite, useSqlite } from '../databases.ts';
import { type GatewayProcess, secret, startGateway } from './gateway-process.ts';

const initialize = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
};

describeWithSqlite('the edge, over the network', () => {
  const database = useSqlite();
  let gateway: GatewayProcess;
  beforeAll(async () => {
    gateway = await startGateway({
      DATABASE_URL: await database.create('edge'),
      HEADERS_TIMEOUT: '1',
      REQUEST_RECEIVE_TIMEOUT: '2',
      USE_STATEFUL_SESSIONS: 'true',
    });
  });
  afterAll(() => gateway?.[Symbol.asyncDispose]());

  /** Sends the text, then nothing; answers what came back, and when the connection was closed. */
  async function raw(text: string | Buffer): Promise<{ answer: string; closedAfterMs: number }> {
    const { hostname, port } = new URL(gateway.url);
    const startedAt = performance.now();
    const socket = connect(Number(port), hostname);
    let answer = '';
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
    socket.on('error', () => undefined); // it closes then
    socket.write(text);
    await new Promise((resolve) => socket.once('close', resolve));
    return { answer, closedAfterMs: performance.now() - startedAt };
  }

  async function healthMs(): Promise<number> {
    const startedAt = performance.now();
    const { status } = await fetch(`${gateway.url}/health`);
    expect(status).toBe(200);
    return performance.now() - startedAt;
  }

  it('cuts off clients that are slow with their headers or their body, and serves the others meanwhile', {
    timeout: 30_000,
  }, async () => {
    const auth = gateway.headers['authorization'];
    const slow = Promise.all([
      raw('POST /rpc HTTP/1.1\r\nHost: localhost\r\nX-A'),
      ...Array.from({ length: 50 }, () =>
        raw(
          `POST /rpc HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${auth}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`,
        ),
      ),
    ]);
    expect(await healthMs()).toBeLessThan(1000);
    const [head, ...bodies] = await slow;
    // HEADERS_TIMEOUT and REQUEST_RECEIVE_TIMEOUT, and as much again for a busy machine.
    expect(head?.closedAfterMs).toBeLessThan(4000);
    for (const { closedAfterMs, answer } of bodies) {
      expect(closedAfterMs).toBeGreaterThan(1000);
      expect(closedAfterMs).toBeLessThan(6000);
      expect(answer).toMatch(/^(HTTP\/1\.1 408 .*)?/);
    }
  });

  it('answers 4xx to what is too large or broken, and goes on', { timeout: 30_000 }, async () => {
    const head = (length: number | 'chunked') =>
      `POST /rpc HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: ${gateway.headers['authorization']}\r\nContent-Type: application/json\r\n${
        length === 'chunked' ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`
      }\r\n\r\n`;
    const huge = 20 * 1024 * 1024;
    const answers = {
      'twenty megabytes, as told': await raw(head(huge)),
      'twenty megabytes, in chunks': await raw(
        Buffer.concat([Buffer.from(`${head('chunked')}${huge.toString(16)}\r\n`), Buffer.alloc(huge, ' ')]),
      ),
      'headers without end': await raw(`GET /health HTTP/1.1\r\nHost: localhost\r\nX-A: ${'a'.repeat(20_000)}\r\n\r\n`),
      'two lengths': await raw(
        'POST /rpc HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello',
      ),
      'a length and chunks': await raw(
        'POST /rpc HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      ),
      'no HTTP': await raw('\u0000\u0001\u0002\r\n\r\n'),
      'NUL in a header': await raw('GET /health HTTP/1.1\r\nHost: localhost\r\nX-A: a\u0000b\r\n\r\n'),
    };
    for (const [what, { answer }] of Object.entries(answers)) expect(answer, what).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(await healthMs()).toBeLessThan(1000);
  });

  it('takes a session id for no authentication, and looks at the token’s end on each request of a session', async () => {
    const tokenFor = (subject: string, more: object = {}) =>
      createToken({ secret, subject, expiresInMinutes: 5, ...more });
    const send = (method: string, headers: Record<string, string>, body?: object) =>
      fetch(`${gateway.url}/mcp`, {
        method,
        headers: { accept: 'application/json, text/event-stream', 'content-type': 'application/json', ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
    const short = tokenFor('ada', { expiresInMinutes: 4 / 60 });
    const opened = await send('POST', bearer(short), initialize);
    await opened.text();
    const session = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' };
    expect(session['mcp-session-id']).not.toBe('');
    const ping = { jsonrpc: '2.0', id: 2, method: 'ping' };
    expect((await send('POST', { ...bearer(short), ...session }, ping)).status).toBe(200);
    for (const [method, body] of [
      ['POST', ping],
      ['GET', undefined],
      ['DELETE', undefined],
    ] as const) {
      expect((await send(method, session, body)).status, method).toBe(401);
      expect([403, 404], method).toContain(
        (await send(method, { ...bearer(tokenFor('eve')), ...session }, body)).status,
      );
    }
    expect((await send('POST', { ...bearer(short), ...session }, ping)).status).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 4100));
    expect((await send('POST', { ...bearer(short), ...session }, ping)).status).toBe(401);
    // Another token of the same user goes on in it.
    expect((await send('POST', { ...bearer(tokenFor('ada')), ...session }, ping)).status).toBe(200);
  });

  it('never says 5xx, and nothing of its inside', async () => {
    const { log } = gateway;
    expect(log()).not.toContain('"level":50');
    expect(log()).not.toContain(secret);
  });
});
