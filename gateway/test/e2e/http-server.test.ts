// The server below the app, on real connections: back-pressure, HTTP/2 with TLS, settings that change while it runs.
import { createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { request as requestHttps } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createToken } from '../../src/auth/token.ts';
import { describeWithPostgres, startPostgres, type TestPostgres } from '../postgres.ts';
import { type GatewayProcess, runGateway, secret, startGateway } from './gateway-process.ts';
import { startSteadyClients } from './steady-clients.ts';

const certificate = (name: string) => fileURLToPath(new URL(`certificate/${name}.pem`, import.meta.url));
const ping = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' });
const call = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'slow-wait' } });
const admin = `Bearer ${createToken({ secret, subject: 'root', expiresInMinutes: 5, isAdmin: true })}`;
const somebody = `Bearer ${createToken({ secret, subject: 'somebody', expiresInMinutes: 5 })}`;

describeWithPostgres('the HTTP server', () => {
  let postgres: TestPostgres;
  let databaseUrl: string;
  let upstream: Server;
  /** Calls that wait for `release`. */
  const waiting: (() => void)[] = [];

  beforeAll(async () => {
    postgres = await startPostgres();
    databaseUrl = await postgres.createDatabase('http_server');
    upstream = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      const { id, method } = JSON.parse(body || '{}') as { id?: number; method?: string };
      if (id === undefined) return response.writeHead(202).end();
      const answer = () => send(response, id, resultOf(method));
      if (method === 'tools/call') waiting.push(answer);
      else answer();
    });
    await new Promise<void>((listening) => upstream.listen(0, '127.0.0.1', listening));
  });

  afterAll(async () => {
    upstream?.closeAllConnections();
    upstream?.close();
    await postgres?.[Symbol.asyncDispose]();
  });

  const start = (environment: Record<string, string>) =>
    startGateway({ DATABASE_URL: databaseUrl, MCPGATEWAY_ADMIN_API_ENABLED: 'true', ...environment });
  const post = (gateway: GatewayProcess, path: string, body: string) =>
    fetch(`${gateway.url}${path}`, {
      method: 'POST',
      headers: { ...gateway.headers, 'content-type': 'application/json' },
      body,
    });
  const patch = (gateway: GatewayProcess, body: object, authorization = admin) =>
    fetch(`${gateway.url}/admin/config`, {
      method: 'PATCH',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });

  test('what is above BACKPRESSURE gets 503 at once, and health is told all the same; the limit changes while it runs', async () => {
    await using gateway = await start({ BACKPRESSURE: '2' });
    const url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}/mcp`;
    expect((await gateway.rest('POST', '/gateways', { name: 'slow', url })).status).toBeLessThan(300);
    const running = [post(gateway, '/rpc', call), post(gateway, '/rpc', call)];
    while (waiting.length < 2) await sleep(5);

    const refused = await post(gateway, '/rpc', ping);
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(await refused.json()).toMatchObject({
      jsonrpc: '2.0',
      id: null,
      error: { data: { code: 'GW_OVERLOADED' } },
    });
    expect(await (await fetch(`${gateway.url}/tools`)).json()).toMatchObject({ code: 'GW_OVERLOADED' });
    expect((await fetch(`${gateway.url}/health`)).status).toBe(200);
    expect((await fetch(`${gateway.url}/ready`)).status).toBe(200);

    for (const answer of waiting.splice(0)) answer();
    expect((await Promise.all(running)).map(({ status }) => status)).toEqual([200, 200]);
    expect((await post(gateway, '/rpc', ping)).status).toBe(200);

    expect((await patch(gateway, { BACKPRESSURE: 1 })).status).toBe(200);
    const alone = post(gateway, '/rpc', call);
    while (waiting.length < 1) await sleep(5);
    expect((await post(gateway, '/rpc', ping)).status).toBe(503);
    for (const answer of waiting.splice(0)) answer();
    expect((await alone).status).toBe(200);
  });

  test('settings change in every worker, workers come and go, and no request is dropped', async () => {
    await using gateway = await start({ WORKERS: '1', LOG_LEVEL: 'info' });
    const clients = startSteadyClients({
      url: `${gateway.url}/rpc`,
      headers: gateway.headers,
      body: ping,
      connections: 8,
      pauseMs: 5,
    });
    const workers = () =>
      readFileSync(`/proc/${gateway.pid}/task/${gateway.pid}/children`, 'utf8').split(' ').filter(Boolean).length;

    expect((await patch(gateway, { BACKPRESSURE: 7 }, somebody)).status).toBe(403);
    const faulty = await patch(gateway, { BACKPRESSURE: 0, PORT: 1, WORKERS: '2' });
    expect(faulty.status).toBe(422);
    expect(((await faulty.json()) as { faults: { path: string }[] }).faults.map(({ path }) => path).toSorted()).toEqual(
      ['/BACKPRESSURE', '/PORT'],
    );
    expect(workers()).toBe(1);

    expect((await patch(gateway, { WORKERS: '2', BACKPRESSURE: 100 })).status).toBe(200);
    while (workers() < 2) await sleep(20);
    const shown = (await (
      await fetch(`${gateway.url}/admin/config`, { headers: { authorization: admin } })
    ).json()) as {
      settings: Record<string, { value: unknown; origin: string }>;
    };
    expect(shown.settings).toMatchObject({
      WORKERS: { value: '2', origin: 'run time' },
      BACKPRESSURE: { value: 100, origin: 'run time' },
      JWT_SECRET_KEY: { value: '<hidden>', origin: 'environment' },
      BACKLOG: { origin: 'default' },
    });
    expect((await patch(gateway, { WORKERS: '1' })).status).toBe(200);
    while (workers() > 1) await sleep(20);
    expect((await clients.stop()).failures).toEqual([]);
  });

  test.each(['0', '1'])('HTTP/2 and HTTP/1.1 are served with TLS on one port, with WORKERS=%s', async (WORKERS) => {
    const files = { SSL: 'true', CERT_FILE: certificate('cert'), KEY_FILE: certificate('key') };
    await using gateway = await start({ WORKERS, ...files });
    expect(gateway.url).toMatch(/^https:/);
    const ca = readFileSync(certificate('cert'));

    const session = connectHttp2(gateway.url, { ca });
    const stream = session.request({
      ':method': 'POST',
      ':path': '/rpc',
      'content-type': 'application/json',
      authorization: gateway.headers['authorization'],
    });
    stream.end(ping);
    let text = '';
    for await (const chunk of stream.setEncoding('utf8')) text += chunk;
    expect(session.alpnProtocol).toBe('h2');
    expect(JSON.parse(text)).toEqual({ jsonrpc: '2.0', id: 1, result: {} });
    session.close();

    const version = await new Promise<string>((resolve, reject) => {
      const sent = requestHttps(`${gateway.url}/health`, { ca, agent: false }, (response) => {
        response.resume();
        response.on('end', () => resolve(response.httpVersion));
      });
      sent.on('error', reject);
      sent.end();
    });
    expect(version).toBe('1.1');
  });

  test('HTTP_VERSION=2 without TLS: HTTP/2 by prior knowledge, and nothing else', async () => {
    await using gateway = await start({ HTTP_VERSION: '2' });
    expect(await pingByHttp2(gateway)).toEqual({ status: 200, alpn: 'h2c', answer: pong });
    await expect(fetch(`${gateway.url}/health`)).rejects.toThrow('fetch failed');
  });

  test('HTTP_VERSION=2 with TLS takes no HTTP/1.1, HTTP_VERSION=1 no HTTP/2', async () => {
    const files = { SSL: 'true', CERT_FILE: certificate('cert'), KEY_FILE: certificate('key') };
    await using two = await start({ ...files, HTTP_VERSION: '2' });
    expect(await pingByHttp2(two)).toEqual({ status: 200, alpn: 'h2', answer: pong });
    expect(await negotiated(two, ['http/1.1'])).toBe('refused');
    await using one = await start({ ...files, HTTP_VERSION: '1' });
    expect(await negotiated(one, ['h2', 'http/1.1'])).toBe('http/1.1');
    expect(await negotiated(two, ['h2', 'http/1.1'])).toBe('h2');
  });

  test('KEY_FILE_PASSWORD opens an encrypted key; with another one the gateway does not start', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gatebench-key-'));
    try {
      const KEY_FILE = join(folder, 'key.pem');
      const key = createPrivateKey(readFileSync(certificate('key')));
      writeFileSync(
        KEY_FILE,
        key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'open sesame' }),
      );
      const files = { SSL: 'true', CERT_FILE: certificate('cert'), KEY_FILE };
      await using gateway = await start({ ...files, KEY_FILE_PASSWORD: 'open sesame' });
      expect(await negotiated(gateway, ['http/1.1'])).toBe('http/1.1');
      const refused = await runGateway(['serve'], {
        ...{ DATABASE_URL: databaseUrl, JWT_SECRET_KEY: secret, PORT: '0', ...files, KEY_FILE_PASSWORD: 'wrong' },
      });
      expect(refused.exitCode).toBe(2);
      expect(refused.stderr).toContain('KEY_FILE_PASSWORD');
      expect(refused.stderr).not.toContain('wrong');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('MAX_HEADER_TOTAL_SIZE_BYTES: larger heads are refused, in HTTP/1.1 and HTTP/2', async () => {
    const headers = { 'x-long': 'x'.repeat(5000) };
    for (const HTTP_VERSION of ['1', '2']) {
      await using strict = await start({ HTTP_VERSION, MAX_HEADER_TOTAL_SIZE_BYTES: '4096' });
      await using roomy = await start({ HTTP_VERSION });
      const ask = HTTP_VERSION === '1' ? healthByHttp1 : healthByHttp2;
      expect([HTTP_VERSION, await ask(strict, {})]).toEqual([HTTP_VERSION, 200]);
      expect([HTTP_VERSION, await ask(strict, headers)]).toEqual([HTTP_VERSION, 431]);
      expect([HTTP_VERSION, await ask(roomy, headers)]).toEqual([HTTP_VERSION, 200]);
    }
  });

  test.each(['0', '1'])(
    'BACKLOG: so many connections wait while nobody takes them, with WORKERS=%s',
    async (WORKERS) => {
      await using small = await start({ WORKERS, BACKLOG: '3' });
      await using large = await start({ WORKERS, BACKLOG: '40' });
      // The kernel takes one more than it is told.
      expect(await connectedWhileStopped(small, 20)).toBe(4);
      expect(await connectedWhileStopped(large, 20)).toBe(20);
    },
  );
});

const pong = { jsonrpc: '2.0', id: 1, result: {} };

async function pingByHttp2(gateway: GatewayProcess) {
  const session = connectHttp2(gateway.url, { ca: readFileSync(certificate('cert')) });
  try {
    const stream = session.request({
      ':method': 'POST',
      ':path': '/rpc',
      'content-type': 'application/json',
      authorization: gateway.headers['authorization'],
    });
    stream.end(ping);
    const [head] = (await once(stream, 'response')) as [{ ':status'?: number }];
    let text = '';
    for await (const chunk of stream.setEncoding('utf8')) text += chunk;
    return { status: head[':status'], alpn: session.alpnProtocol, answer: JSON.parse(text) as unknown };
  } finally {
    session.close();
  }
}

async function healthByHttp1(gateway: GatewayProcess, headers: Record<string, string>): Promise<number> {
  return (await fetch(`${gateway.url}/health`, { headers })).status;
}

async function healthByHttp2(gateway: GatewayProcess, headers: Record<string, string>): Promise<number | undefined> {
  const session = connectHttp2(gateway.url);
  try {
    const stream = session.request({ ':path': '/health', ...headers });
    stream.resume().end();
    const [head] = (await once(stream, 'response')) as [{ ':status'?: number }];
    return head[':status'];
  } finally {
    session.close();
  }
}

/** The protocol that TLS agrees upon. */
async function negotiated(gateway: GatewayProcess, offered: string[]): Promise<string> {
  const { hostname: host, port } = new URL(gateway.url);
  const ca = readFileSync(certificate('cert'));
  const socket = connectTls({ host, port: Number(port), ca, ALPNProtocols: offered });
  try {
    await once(socket, 'secureConnect');
    return String(socket.alpnProtocol);
  } catch {
    return 'refused';
  } finally {
    socket.destroy();
  }
}

/** How many of `count` connections are accepted for a process that stands still. */
async function connectedWhileStopped(gateway: GatewayProcess, count: number): Promise<number> {
  const { hostname: host, port } = new URL(gateway.url);
  process.kill(gateway.pid, 'SIGSTOP');
  const sockets = Array.from({ length: count }, () => connect({ host, port: Number(port) }));
  let connected = 0;
  for (const socket of sockets) {
    socket.on('connect', () => connected++);
    socket.on('error', () => undefined);
  }
  try {
    await sleep(500);
    return connected;
  } finally {
    for (const socket of sockets) socket.destroy();
    process.kill(gateway.pid, 'SIGCONT');
  }
}

function send(response: ServerResponse, id: number, result: object): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, result }));
}

function resultOf(method: string | undefined): object {
  const serverInfo = { name: 'slow', version: '1' };
  if (method === 'initialize') return { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo };
  if (method === 'tools/list') return { tools: [{ name: 'wait', inputSchema: { type: 'object' } }] };
  return { content: [] };
}
