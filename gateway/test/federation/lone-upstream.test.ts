import type { ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import type { Upstream } from '../../src/federation/upstream.ts';
import { createUpstreams } from '../../src/federation/upstreams.ts';
import { configOf } from '../config-of.ts';
import { type Answer, json, result, startRawUpstream } from './raw-upstream.ts';

/** One upstream with one session, and everything that stands behind it. */
function connect(url: string, timeoutMs = 1_000, settings: Record<string, string> = {}): Upstream {
  const upstreams = createUpstreams({
    config: configOf({
      TOOL_TIMEOUT: String(timeoutMs / 1000),
      MCP_SESSION_POOL_CLEANUP_TIMEOUT: '0.5',
      HTTPX_CONNECT_TIMEOUT: '0.5',
      ...settings,
    }),
  });
  const upstream = upstreams.connect({ id: 'raw', url, transport: 'STREAMABLEHTTP', headers: { 'x-own': 'yes' } });
  return {
    request: (...args) => upstream.request(...args),
    discover: (signal) => upstream.discover(signal),
    async [Symbol.asyncDispose]() {
      await upstream[Symbol.asyncDispose]();
      await upstreams[Symbol.asyncDispose]();
    },
  };
}

test('[MCP-UP-01] twenty calls at once open one session, and carry it and the own headers', async () => {
  const seen = new Set<string>();
  await using raw = await startRawUpstream(({ id }, response, { headers }) => {
    seen.add([headers['mcp-session-id'], headers['mcp-protocol-version'], headers['x-own']].join(' '));
    json(response, result(id, 'ok'));
  });
  await using upstream = connect(raw.url);
  await Promise.all(Array.from({ length: 20 }, () => upstream.request('tools/call', '{}')));
  const openings = raw.received.map(({ method }) => method).filter((method) => method !== 'tools/call');
  expect(openings).toEqual(['initialize', 'notifications/initialized']);
  expect([...seen]).toEqual(['session-1 2025-06-18 yes']);
});

test('[MCP-UP-05] a hundred concurrent calls get their own answers, in whatever order they come', async () => {
  await using raw = await startRawUpstream(({ id, params }, response) => {
    setTimeout(() => json(response, result(id, params?.name ?? '')), Math.random() * 20);
  });
  await using upstream = connect(raw.url);
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, at) => upstream.request('tools/call', `{"name":"n${at}"}`)),
  );
  expect(answers).toEqual(answers.map((_, at) => ({ ok: true, resultJson: `{"text":"n${at}"}` })));
});

test('[MCP-UP-06] an event stream is read through pieces, comments, notifications and foreign ids', async () => {
  await using raw = await startRawUpstream(async ({ id }, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    const stream = Buffer.from(
      `: hello\r\n\r\nevent: message\r\ndata: {"jsonrpc":"2.0","method":"notifications/progress","params":{}}\r\n\r\ndata: ${result(-1, 'foreign')}\n\nid: 5\ndata: {"jsonrpc":"2.0","id":${id},\ndata: "result":{"text":"grüße 🌍"}}\n\n`,
    );
    for (let at = 0; at < stream.length; at += 7) {
      response.write(stream.subarray(at, at + 7));
      await new Promise((resolve) => setImmediate(resolve));
    }
    response.end();
  });
  await using upstream = connect(raw.url);
  expect(await upstream.request('tools/call', '{}')).toEqual({ ok: true, resultJson: '{"text":"grüße 🌍"}' });
});

test('[MCP-UP-06] an answer on a stream that stays open is taken at once', async () => {
  await using raw = await startRawUpstream(({ id }, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`data: ${result(id, 'early')}\n\n`);
  });
  const upstream = connect(raw.url, 300);
  const startedAt = performance.now();
  expect(await upstream.request('tools/call', '{}')).toMatchObject({ ok: true });
  expect(performance.now() - startedAt).toBeLessThan(250);
  await upstream[Symbol.asyncDispose]();
});

test('[MCP-UP-07] an error of the upstream is its answer', async () => {
  await using raw = await startRawUpstream(({ id }, response) => {
    json(response, `{"jsonrpc":"2.0","id":${id},"error":{"code":-32050,"message":"no","data":{"why":1}}}`, 400);
  });
  await using upstream = connect(raw.url);
  const error = { code: -32050, message: 'no', data: { why: 1 } };
  expect(await upstream.request('tools/call', '{}')).toEqual({ ok: false, error });
});

test.each<[string, Answer]>([
  ['a JSON body that is cut off', ({ id }, response) => json(response, result(id, 'x').slice(0, -5))],
  ['no JSON at all', (_, response) => json(response, '<html>')],
  ['an empty body', (_, response) => json(response, '')],
  ['the answer to another request', (_, response) => json(response, result(-7, 'x'))],
  ['an answer without result', ({ id }, response) => json(response, `{"jsonrpc":"2.0","id":${id}}`)],
  ['a result that is no object', ({ id }, response) => json(response, `{"jsonrpc":"2.0","id":${id},"result":5}`)],
  ['HTTP 500', (_, response) => response.writeHead(500).end('oops')],
  ['HTTP 302', (_, response) => response.writeHead(302, { location: '/elsewhere' }).end()],
  [
    'another content type',
    ({ id }, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(result(id, 'x')),
  ],
  [
    'bytes that are not UTF-8',
    ({ id }, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(
        Buffer.concat([
          Buffer.from(`{"jsonrpc":"2.0","id":${id},"result":{"t":"`),
          Buffer.from([0xff, 0xfe]),
          Buffer.from('"}}'),
        ]),
      );
    },
  ],
  [
    'a body shorter than its content-length',
    ({ id }, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '5000' });
      response.write(result(id, 'x'), () => response.socket?.destroy());
    },
  ],
  [
    'a chunked body that breaks off',
    ({ id }, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write(result(id, 'x'), () => response.socket?.destroy());
    },
  ],
  [
    'an event stream that ends without the answer',
    (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end(': nothing\n\n');
    },
  ],
  [
    'an event that is no JSON',
    (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end('data: {"jsonrpc"\n\n');
    },
  ],
])('[MCP-UP-03] %s is an error', async (_what, answer) => {
  await using raw = await startRawUpstream(answer);
  await using upstream = connect(raw.url);
  await expect(upstream.request('tools/call', '{}')).rejects.toMatchObject({ code: 'GW_UPSTREAM_INVALID' });
});

test('[MCP-UP-04] who hangs runs into the deadline, before its head and within its body, and serves again after', async () => {
  let isHanging = true;
  await using raw = await startRawUpstream(({ id, params }, response) => {
    if (!isHanging) return json(response, result(id, 'back'));
    if (params?.name === 'body') response.writeHead(200, { 'content-type': 'application/json' }).write('{');
  });
  await using upstream = connect(raw.url, 150);
  for (const name of ['head', 'body']) {
    const startedAt = performance.now();
    await expect(upstream.request('tools/call', `{"name":"${name}"}`)).rejects.toMatchObject({
      code: 'GW_UPSTREAM_TIMEOUT',
    });
    expect(performance.now() - startedAt).toBeLessThan(600);
  }
  await expect.poll(() => raw.received.filter(({ method }) => method === 'notifications/cancelled').length).toBe(2);
  isHanging = false;
  expect(await upstream.request('tools/call', '{}')).toMatchObject({ ok: true });
});

test('[MCP-UP-04] who refuses or resets is unreachable, and is asked anew', async () => {
  await using refusing = connect('http://127.0.0.1:1/mcp');
  await expect(refusing.request('tools/call', '{}')).rejects.toMatchObject({ code: 'GW_UPSTREAM_UNREACHABLE' });
  let isResetting = true;
  await using raw = await startRawUpstream(({ id }, response) => {
    if (isResetting) response.socket?.destroy();
    else json(response, result(id, 'back'));
  });
  await using upstream = connect(raw.url);
  await expect(upstream.request('tools/call', '{}')).rejects.toMatchObject({ code: 'GW_UPSTREAM_UNREACHABLE' });
  isResetting = false;
  expect(await upstream.request('tools/call', '{}')).toMatchObject({ ok: true });
});

test('[MCP-UP-02] a session that is unknown to the upstream is renewed once, not for ever', async () => {
  await using raw = await startRawUpstream(({ id }, response, { headers }) => {
    if (headers['mcp-session-id'] === 'session-2') json(response, result(id, 'renewed'));
    else response.writeHead(404).end();
  });
  await using upstream = connect(raw.url);
  expect(await upstream.request('tools/call', '{}')).toEqual({ ok: true, resultJson: '{"text":"renewed"}' });
  await using never = await startRawUpstream((_, response) => response.writeHead(404).end());
  await using hopeless = connect(never.url);
  await expect(hopeless.request('tools/call', '{}')).rejects.toMatchObject({ code: 'GW_UPSTREAM_INVALID' });
  expect(never.received.filter(({ method }) => method === 'initialize')).toHaveLength(2);
});

test('[MCP-UP-08] an aborted call ends at once and is cancelled at the upstream by its id', async () => {
  await using raw = await startRawUpstream(() => undefined);
  await using upstream = connect(raw.url, 5_000);
  const abort = new AbortController();
  const running = upstream.request('tools/call', '{}', abort);
  await expect.poll(() => raw.received.at(-1)?.method).toBe('tools/call');
  const called = raw.received.at(-1);
  abort.abort(new Error('enough'));
  await expect(running).rejects.toThrow('enough');
  await expect.poll(() => raw.received.at(-1)?.method).toBe('notifications/cancelled');
  expect(raw.received.at(-1)?.params?.requestId).toBe(called?.id);
});

test('discovery follows cursors, asks for what is offered only, and does not loop for ever', async () => {
  await using raw = await startRawUpstream(({ id, method, params }, response) => {
    const page = params?.cursor === 'b' ? { tools: [{ name: 't2' }] } : { tools: [{ name: 't1' }], nextCursor: 'b' };
    if (method === 'tools/list') json(response, JSON.stringify({ jsonrpc: '2.0', id, result: page }));
    else json(response, `{"jsonrpc":"2.0","id":${id},"error":{"code":-32601,"message":"no"}}`);
  });
  await using upstream = connect(raw.url);
  expect(await upstream.discover()).toMatchObject({
    serverInfo: { name: 'raw' },
    tools: [{ name: 't1' }, { name: 't2' }],
    resources: [],
    prompts: [],
  });
  expect(raw.received.map(({ method }) => method)).not.toContain('resources/list');
  await using endless = await startRawUpstream(({ id }, response) =>
    json(response, JSON.stringify({ jsonrpc: '2.0', id, result: { tools: [], prompts: [], nextCursor: 'b' } })),
  );
  await using tireless = connect(endless.url, 5_000);
  await expect(tireless.discover()).rejects.toMatchObject({ code: 'GW_UPSTREAM_INVALID' });
});

test.each<[string, (response: ServerResponse) => void]>([
  ['no answer', () => undefined],
  ['an answer without an end', (response) => response.writeHead(200).write('good')],
])('letting go does not wait for an upstream that has %s to the goodbye', async (_what, part) => {
  await using raw = await startRawUpstream(({ id }, response) => json(response, result(id, 'ok')), { part });
  const upstream = connect(raw.url);
  await upstream.request('tools/call', '{}');
  const startedAt = performance.now();
  await upstream[Symbol.asyncDispose]();
  expect(performance.now() - startedAt).toBeLessThan(1_500);
});

test('letting go does not wait for a connection to say goodbye on', async () => {
  await using raw = await startRawUpstream(({ id, params }, response) => {
    if (params?.name !== 'hang') json(response, result(id, 'ok'));
  });
  const upstream = connect(raw.url, 10_000, { HTTPX_MAX_CONNECTIONS: '1' });
  await upstream.request('tools/call', '{}');
  const hanging = expect(upstream.request('tools/call', '{"name":"hang"}')).rejects.toMatchObject({
    code: 'GW_UPSTREAM_UNREACHABLE',
  });
  await expect.poll(() => raw.received.at(-1)?.params?.name).toBe('hang');
  const startedAt = performance.now();
  await upstream[Symbol.asyncDispose]();
  expect(performance.now() - startedAt).toBeLessThan(1_500);
  await hanging;
});

test('an address that is none of http is refused', () => {
  expect(() => connect('file:///etc/passwd')).toThrow(expect.objectContaining({ code: 'GW_INVALID_REQUEST' }));
});
