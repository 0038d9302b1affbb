// The fast door answers as Fastify does: each request is sent to an app with the door and to one without it, over real sockets.
import { type IncomingHttpHeaders, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { UpstreamAnswer } from '../../src/federation/upstream.ts';
import { type Asked, createTestApp, type TestApp, token } from '../test-app.ts';

interface Sent {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
  /** Without a content-length. */
  isChunked?: boolean;
}

/** One, since a token that is new is Fastify's to judge. */
const bearer = `Bearer ${token('admin')}`;
const json = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
const message = (method: string, params?: object, id: unknown = 7) =>
  JSON.stringify({ jsonrpc: '2.0', id, method, ...(params === undefined ? {} : { params }) });
const call = (name: string, args: object = {}) => message('tools/call', { name, arguments: args });
const convert = call('fast-time-convert-time', { at: 'now – “soon”' });
const mcp = '/servers/server-1/mcp';

/** What the door takes. */
const usual: Record<string, Sent> = {
  'a call': { body: convert },
  'a call of everything': { path: '/mcp', body: convert },
  'a call on /rpc': { path: '/rpc', body: convert },
  'a tool name as method on /rpc': { path: '/rpc', body: message('fast-time-convert-time', {}) },
  'a call that fails upstream': { body: call('fast-time-convert-time', { fails: true }) },
  'a call whose upstream speaks before it answers': { body: call('fast-time-convert-time', { speaks: true }) },
  'a call of an unknown tool': { body: call('nobody') },
  'a call without a name': { body: message('tools/call', {}) },
  'a list': { body: message('tools/list') },
  'a list with a bad cursor': { body: message('tools/list', { cursor: 'bad' }) },
  'a list that is worth compressing': { body: message('tools/list'), headers: { 'accept-encoding': 'gzip, br' } },
  'a list for who takes no encoding': { body: message('tools/list'), headers: { 'accept-encoding': 'identity' } },
  'an answer of events': { body: convert, headers: { accept: 'text/event-stream' } },
  'a type that is not served': { body: convert, headers: { accept: 'text/plain' } },
  initialize: { body: message('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: {} }) },
  'a notification': { body: JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' }) },
  ping: { body: message('ping', undefined, 'text') },
  'an unknown method': { body: message('nobody/knows') },
  'no JSON': { body: '{"jsonrpc"' },
  'no message': { body: '[1]' },
  'a batch where there are batches': {
    body: `[${convert},${message('ping')}]`,
    headers: { 'mcp-protocol-version': '2025-03-26' },
  },
  'a batch where there are none': { body: `[${convert}]`, headers: { 'mcp-protocol-version': '2025-06-18' } },
  'an unknown protocol version': { body: convert, headers: { 'mcp-protocol-version': '1999-01-01' } },
  'no UTF-8': { body: Buffer.from([0x7b, 0xff, 0x7d]) },
  'a deep body': { body: '['.repeat(500) + ']'.repeat(500) },
  'a body with a prototype in it': { body: '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"__proto__":{}}}' },
  'a large body': { body: call('fast-time-convert-time', { text: 'x'.repeat(200_000) }) },
  'a correlation id of its own': { body: convert, headers: { 'x-correlation-id': 'mine-1' } },
  'a correlation id that is none': { body: convert, headers: { 'x-correlation-id': 'not "good"' } },
  'a call that came to a proxy by TLS': { body: convert, headers: { 'x-forwarded-proto': 'https' } },
  health: { method: 'GET', path: '/health', headers: { authorization: '' } },
};

/** What it leaves to Fastify. */
const unusual: Record<string, Sent> = {
  'no token': { body: convert, headers: { authorization: '' } },
  'a token that is none': { body: convert, headers: { authorization: 'Bearer x.y.z' } },
  'another scheme': { body: convert, headers: { authorization: 'Basic eDp5' } },
  'an unknown server': { path: '/servers/nobody/mcp', body: convert },
  'a path that climbs': { path: '/servers/a%2Fb/mcp', body: convert },
  'a query': { path: '/mcp?x=1', body: convert },
  'a page of this machine': { body: convert, headers: { origin: 'http://localhost:3000' } },
  'a page from elsewhere': { body: convert, headers: { origin: 'https://elsewhere.example' } },
  'a host that is not ours': { body: convert, headers: { host: 'elsewhere.example' } },
  'a cookie': { body: convert, headers: { cookie: 'a=b' } },
  'another content type': { body: convert, headers: { 'content-type': 'text/plain' } },
  'a charset': { body: convert, headers: { 'content-type': 'application/json; charset=utf-8' } },
  'no body': { body: '' },
  'a body in chunks': { body: convert, isChunked: true },
  'a body that is too large': { body: call('x', { text: 'x'.repeat(400_000) }) },
  'a body with an encoding': { body: convert, headers: { 'content-encoding': 'gzip' } },
  'a session': { body: convert, headers: { 'mcp-session-id': 'nobody' } },
  'the stateless revision': { body: message('server/discover'), headers: { 'mcp-protocol-version': '2026-07-28' } },
  'a message that says it is of the stateless revision': {
    path: '/mcp',
    body: message('tools/list', { _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } }),
    headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/list' },
  },
  'another verb': { method: 'DELETE', body: '' },
  'a stream': { method: 'GET', body: '' },
  'the health of a body': { method: 'GET', path: '/health', body: 'x' },
  'the health asked for by a page': { method: 'GET', path: '/health', headers: { origin: 'http://localhost' } },
  'the health asked for by its head': { method: 'HEAD', path: '/health' },
};

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

interface Served {
  app: TestApp;
  port: number;
  /** Requests that came to Fastify. */
  seen: () => number;
}

async function answer({ paramsJson = '', peer }: Asked): Promise<UpstreamAnswer> {
  if (paramsJson.includes('"fails"')) return { ok: false, error: { code: -32050, message: 'it would not' } };
  if (paramsJson.includes('"speaks"')) peer?.notify('notifications/progress', '{"progress":1,"progressToken":1}');
  await new Promise((resolve) => setImmediate(resolve));
  return { ok: true, resultJson: `{"content":[],"echo":${paramsJson}}` };
}

async function serve(environment: Record<string, string>): Promise<Served> {
  const app = createTestApp({
    environment: { COMPRESSION_MINIMUM_SIZE: '64', MAX_REQUEST_BYTES: '300000', ...environment },
    answer,
  });
  const seen = new Set<object>();
  app.app.addHook('onRequest', (request, _reply, done) => {
    seen.add(request);
    done();
  });
  // What an earlier hook refuses comes by here only.
  app.app.addHook('onSend', (request, _reply, payload, done) => {
    seen.add(request);
    done(null, payload);
  });
  await app.app.listen({ port: 0, host: '127.0.0.1' });
  return { app, port: (app.app.server.address() as AddressInfo).port, seen: () => seen.size };
}

function ask({ port }: Served, { method = 'POST', path = mcp, headers, body = '', isChunked = false }: Sent) {
  return new Promise<Answer>((resolve, reject) => {
    const length = isChunked
      ? { 'transfer-encoding': 'chunked' }
      : { 'content-length': String(Buffer.byteLength(body)) };
    const all = { ...json, authorization: bearer, ...(body === '' ? {} : length), ...headers };
    const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ''));
    const sent = send({ port, host: '127.0.0.1', method, path, headers: given, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString(
          response.headers['content-encoding'] === undefined ? 'utf8' : 'hex',
        );
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** Without what differs from answer to answer. */
function comparable({ status, headers, body }: Answer, isOwnId: boolean) {
  const { date: _date, 'x-correlation-id': id, 'mcp-session-id': session, ...rest } = headers;
  const shown = isOwnId ? id : typeof id;
  return { status, headers: { ...rest, 'x-correlation-id': shown, 'mcp-session-id': typeof session }, body };
}

const settings: Record<string, Record<string, string>> = {
  'the defaults': {},
  'sessions, and answers of events': { USE_STATEFUL_SESSIONS: 'true', JSON_RESPONSE_ENABLED: 'false' },
  'all that can be off is off': {
    SECURITY_HEADERS_ENABLED: 'false',
    CORRELATION_ID_ENABLED: 'false',
    COMPRESSION_ENABLED: 'false',
    HEADER_SIZE_VALIDATION_ENABLED: 'false',
    CORS_ENABLED: 'false',
    ENABLE_METRICS: 'false',
  },
};

describe.each(Object.entries(settings))('with %s', (_name, environment) => {
  let fast: Served;
  let slow: Served;

  beforeAll(async () => {
    fast = await serve(environment);
    // This setting alone closes the door; without statements it changes nothing else.
    slow = await serve({ ...environment, DB_QUERY_LOG_ENABLED: 'true' });
    // A token is known after its first use.
    for (const app of [fast, slow]) await ask(app, { body: convert });
  });
  afterAll(async () => {
    for (const { app } of [fast, slow]) await app[Symbol.asyncDispose]();
  });

  async function compare(sent: Sent): Promise<{ isTaken: boolean; answered: Answer }> {
    const before = fast.seen();
    const answered = await ask(fast, sent);
    const isOwnId = sent.headers?.['x-correlation-id'] === 'mine-1';
    expect(comparable(answered, isOwnId)).toEqual(comparable(await ask(slow, sent), isOwnId));
    return { isTaken: fast.seen() === before, answered };
  }

  test.each(Object.entries(usual))('takes %s, and answers it as Fastify does', async (_what, sent) => {
    expect((await compare(sent)).isTaken).toBe(true);
  });

  test.each(Object.entries(unusual))('leaves %s to Fastify', async (_what, sent) => {
    expect((await compare(sent)).isTaken).toBe(false);
  });

  if (environment['ENABLE_METRICS'] === 'false') return;
  test('counts the same requests', async () => {
    const counts = async (served: Served) => {
      const { body } = await ask(served, { method: 'GET', path: '/metrics' });
      return body.split('\n').filter((line) => line.startsWith('http_requests_total') && !line.includes('/metrics'));
    };
    const counted = await counts(fast);
    expect(counted.length).toBeGreaterThan(5);
    expect(counted.toSorted()).toEqual((await counts(slow)).toSorted());
  });
});
