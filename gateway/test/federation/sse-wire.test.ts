import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { fromOwnToken, toOwnToken } from '../../src/federation/progress-token.ts';
import { createUpstreams, type UpstreamAddress, type Upstreams } from '../../src/federation/upstreams.ts';
import type { ClientPeer, McpSession } from '../../src/mcp/ports.ts';
import { callerOf } from '../caller-of.ts';
import { configOf } from '../config-of.ts';
import { startSseUpstream } from './sse-upstream.ts';

const start = (settings: Record<string, string> = {}): Upstreams =>
  createUpstreams({ config: configOf({ TOOL_TIMEOUT: '2', ...settings }) });
const addressOf = (url: string): UpstreamAddress => ({ id: 'a', url, transport: 'SSE', headers: {} });
const call = (upstreams: Upstreams, url: string, params: object = {}, peer?: ClientPeer) =>
  upstreams.of(addressOf(url), callerOf()).request('tools/call', JSON.stringify({ name: 'work', ...params }), { peer });

test('fifty calls share one stream and get their own answers', async () => {
  await using sse = await startSseUpstream();
  await using upstreams = start();
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, at) => call(upstreams, sse.url, { arguments: { at, ms: (at % 5) * 10 } })),
  );
  for (const [at, answer] of answers.entries())
    expect(answer.ok && answer.resultJson).toContain(`{\\"at\\":${at},\\"ms\\":${(at % 5) * 10}}`);
  expect(sse.streams.size).toBe(1);
});

test('discovery works, and the stream ends with it', async () => {
  await using sse = await startSseUpstream();
  await using upstreams = start();
  {
    await using upstream = upstreams.connect(addressOf(sse.url));
    expect(await upstream.discover()).toMatchObject({ serverInfo: { name: 'sse' }, tools: [{ name: 'work' }] });
    expect(sse.streams.size).toBe(1);
  }
  await expect.poll(() => sse.streams.size).toBe(0);
});

test('calls with the same progress token on the one stream get their own progress', async () => {
  await using sse = await startSseUpstream();
  await using upstreams = start();
  const heard: string[] = [];
  const peerOf = (name: string): ClientPeer => ({
    notify: (_method, paramsJson) => heard.push(`${name} ${paramsJson}`),
    request: () => Promise.reject(new Error('not asked')),
  });
  const params = { _meta: { progressToken: 7 }, arguments: { ms: 50 } };
  await Promise.all(['one', 'two'].map((name) => call(upstreams, sse.url, params, peerOf(name))));
  expect(heard.sort()).toEqual(['one {"progressToken":7,"progress":1}', 'two {"progressToken":7,"progress":1}']);
  expect(new Set(sse.tokens).size).toBe(2);
});

test('a progress token is put in and taken out again without touching anything else', () => {
  const body =
    '{"jsonrpc":"2.0","id":5,"method":"m","params":{"big":12345678901234567890,"_meta":{"progressToken":"mine","x":1}}}';
  const { body: sent, token } = toOwnToken(body, 5);
  expect(sent).toBe(body.replace('"mine"', '"gateway-5"'));
  const text = '{"method":"notifications/progress","params":{"progressToken":"gateway-5","progress":1.0}}';
  expect(fromOwnToken(text, JSON.parse(text) as Record<string, unknown>, token?.clientJson ?? '')).toBe(
    text.replace('"gateway-5"', '"mine"'),
  );
  const none = '{"id":1,"params":{"arguments":{"progressToken":1}}}';
  expect(toOwnToken(none, 1)).toEqual({ body: none, token: undefined });
});

test('a client session has a stream of its own; what it is asked is answered back', async () => {
  await using sse = await startSseUpstream();
  await using upstreams = start({ TOOL_TIMEOUT: '0.5' });
  let end: () => void = () => undefined;
  const session: McpSession = {
    id: 's',
    identity: { sub: 'ada' },
    clientCapabilities: { sampling: {} },
    logLevel: undefined,
    peer: {
      notify: () => undefined,
      request: async () => {
        await new Promise((resolve) => setTimeout(resolve, 700));
        return { ok: true, resultJson: '{"role":"assistant","model":"m","content":{"type":"text","text":"A test."}}' };
      },
    },
    onEnd: (listener) => {
      end = () => void listener();
    },
  };
  const answer = await upstreams
    .of(addressOf(sse.url), callerOf({ session }))
    .request('tools/call', '{"name":"sample"}');
  expect(answer.ok && answer.resultJson).toContain('A test.');
  end();
  await expect.poll(() => sse.streams.size).toBe(0);
});

test('a stream that breaks fails what waits on it and is replaced at once', async () => {
  const first = await startSseUpstream();
  await using upstreams = start();
  await call(upstreams, first.url);
  const running = call(upstreams, first.url, { arguments: { ms: 1_500 } });
  const failed = expect(running).rejects.toMatchObject({ code: 'GW_UPSTREAM_UNREACHABLE' });
  await new Promise((resolve) => setTimeout(resolve, 50));
  await first[Symbol.asyncDispose]();
  await failed;
  await using again = await startSseUpstream(first.port);
  expect(await call(upstreams, again.url)).toMatchObject({ ok: true });
});

test('a call that takes too long ends at its time', async () => {
  await using sse = await startSseUpstream();
  await using upstreams = start({ TOOL_TIMEOUT: '0.2' });
  await expect(call(upstreams, sse.url, { arguments: { ms: 1_000 } })).rejects.toMatchObject({
    code: 'GW_UPSTREAM_TIMEOUT',
  });
});

test.each([
  ['http://169.254.169.254/message', 'GW_UPSTREAM_INVALID'],
  ['https://elsewhere.example/message', 'GW_UPSTREAM_INVALID'],
])('an address for messages on another host (%s) is refused: credentials go there', async (endpoint, code) => {
  const http = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`event: endpoint\ndata: ${endpoint}\n\n`);
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  await using upstreams = start();
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/sse`;
  await expect(call(upstreams, url)).rejects.toMatchObject({ code });
  http.closeAllConnections();
  http.close();
});
