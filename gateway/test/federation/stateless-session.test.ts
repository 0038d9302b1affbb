// Upstreams that speak 2026-07-28 alone, asked by clients of all kinds.
import { expect, test } from 'vitest';
import type { UpstreamAnswer } from '../../src/federation/upstream.ts';
import { createUpstreams, type UpstreamAddress, type Upstreams } from '../../src/federation/upstreams.ts';
import type { Caller, CancelSignal, ClientPeer, ForwardedAnswer, McpSession } from '../../src/mcp/ports.ts';
import { callerOf } from '../caller-of.ts';
import { configOf } from '../config-of.ts';
import { json, result, startRawUpstream } from './raw-upstream.ts';
import { revision, type StatelessUpstream, startStatelessUpstream } from './stateless-upstream.ts';

const prefix = 'io.modelcontextprotocol/';
const soon = { timeout: 5_000 };
const start = (settings: Record<string, string> = {}): Upstreams =>
  createUpstreams({ config: configOf({ TOOL_TIMEOUT: '3', ...settings }) });
const addressOf = ({ url }: { url: string }): UpstreamAddress => ({
  id: 'a',
  url,
  transport: 'STREAMABLEHTTP',
  headers: { 'x-own': 'yes' },
});
const request = (
  upstreams: Upstreams,
  upstream: { url: string },
  method: string,
  params: object,
  parts: Partial<Caller> = {},
  target?: { json: string },
) => {
  const caller = callerOf(parts);
  return upstreams.of(addressOf(upstream), caller).request(method, JSON.stringify(params), caller, target);
};
const textOf = (answer: UpstreamAnswer): unknown => {
  if (!answer.ok) throw new Error(JSON.stringify(answer));
  const [content] = (JSON.parse(answer.resultJson) as { content: { text: string }[] }).content;
  return JSON.parse(content?.text ?? 'null');
};
const countOf = ({ methods }: StatelessUpstream, method: string) => methods.filter((one) => one === method).length;

interface Heard {
  method: string;
  params: unknown;
}

function createPeer(reply: (method: string, signal: CancelSignal) => Promise<ForwardedAnswer>) {
  const heard: Heard[] = [];
  const peer: ClientPeer = {
    notify: (method, paramsJson) => heard.push({ method, params: JSON.parse(paramsJson ?? 'null') }),
    request: (method, paramsJson, signal) => {
      heard.push({ method, params: JSON.parse(paramsJson ?? 'null') });
      return reply(method, signal);
    },
  };
  return { heard, peer };
}

const answers: Record<string, string> = {
  'elicitation/create': '{"action":"accept","content":{"name":"Ada"}}',
  'roots/list': '{"roots":[]}',
};
const reply = async (method: string): Promise<ForwardedAnswer> => ({ ok: true, resultJson: answers[method] ?? '{}' });
const sessionOf = (peer: ClientPeer, parts: Partial<McpSession> = {}): McpSession => ({
  id: 'client-1',
  identity: { sub: 'ada' },
  clientCapabilities: { elicitation: {}, roots: {} },
  logLevel: undefined,
  peer,
  onEnd: () => undefined,
  ...parts,
});

test('[MCP-UP-09] one that refuses initialize is asked by server/discover, and what it offers is listed', async () => {
  await using upstream = await startStatelessUpstream();
  await using upstreams = start();
  await using own = upstreams.connect(addressOf(upstream));
  const found = await own.discover();
  expect(found).toMatchObject({
    protocolVersion: revision,
    serverInfo: { name: 'stateless', version: '2' },
    resources: [{ uri: 'memo://größe' }],
    prompts: [{ name: 'hello' }],
  });
  // One says wrongly which of its arguments go into headers, so that it could not be called.
  expect(found.tools.map(({ name }) => name)).toEqual([
    'echo',
    'regional',
    'greet',
    'progress',
    'log',
    'hang',
    'endless',
    'forbidden',
  ]);
  expect(upstream.methods.slice(0, 2)).toEqual(['initialize', 'server/discover']);
});

test('[MCP-UP-09] it is asked once: later sessions begin with server/discover, and calls have no extra round trip', async () => {
  await using upstream = await startStatelessUpstream();
  await using upstreams = start();
  for (const sub of ['ada', 'bob', 'ada', 'bob']) {
    await request(upstreams, upstream, 'tools/call', { name: 'echo' }, { identity: { sub } });
  }
  expect(upstream.methods).toEqual([
    'initialize',
    'server/discover',
    'tools/call',
    'server/discover',
    'tools/call',
    'tools/call',
    'tools/call',
  ]);
  await upstreams.check(addressOf(upstream));
  expect(countOf(upstream, 'initialize')).toBe(1);
});

test('[MCP-UP-10] requests say in _meta and in headers who asks for what, whatever the names are made of', async () => {
  await using upstream = await startStatelessUpstream();
  await using upstreams = start();
  const answer = await request(upstreams, upstream, 'tools/call', {
    name: 'grüße',
    arguments: { a: 1 },
    _meta: { progressToken: 'p', [`${prefix}protocolVersion`]: '2025-11-25' },
  });
  expect(textOf(answer)).toEqual({
    arguments: { a: 1 },
    meta: {
      [`${prefix}protocolVersion`]: revision,
      [`${prefix}clientInfo`]: expect.objectContaining({ name: expect.any(String) }),
      [`${prefix}clientCapabilities`]: {},
      progressToken: 'p',
    },
  });
  await request(upstreams, upstream, 'resources/read', { uri: 'memo://größe' });
  await request(upstreams, upstream, 'prompts/get', { name: 'hello' });
  const ref = { type: 'ref/prompt', name: 'hello' };
  const completed = await request(upstreams, upstream, 'completion/complete', {
    ref,
    argument: { name: 'a', value: '' },
  });
  expect(completed).toMatchObject({ ok: true, resultJson: expect.stringContaining('paris') });
  expect(upstream.asked.every(({ headers }) => headers['x-own'] === 'yes')).toBe(true);
});

test('[MCP-UP-10] arguments that a tool wants in headers are told there', async () => {
  await using upstream = await startStatelessUpstream();
  await using upstreams = start();
  await using own = upstreams.connect(addressOf(upstream));
  const tool = (await own.discover()).tools.find(({ name }) => name === 'regional');
  const target = { json: JSON.stringify(tool) };
  for (const args of [{ region: 'São Paulo', at: { size: 3 } }, { region: 'eu' }, {}]) {
    const answer = await request(upstreams, upstream, 'tools/call', { name: 'regional', arguments: args }, {}, target);
    expect(textOf(answer)).toMatchObject({ arguments: args });
  }
  // What we know of the tool is out of date: not the client's fault, and not told as such.
  const blind = request(upstreams, upstream, 'tools/call', { name: 'regional', arguments: { region: 'eu' } });
  await expect(blind).rejects.toMatchObject({ code: 'GW_UPSTREAM_INVALID' });
});

test('progress reaches the client of the request, log messages at the level that it wants', async () => {
  await using upstream = await startStatelessUpstream();
  await using upstreams = start();
  const { peer, heard } = createPeer(reply);
  await request(upstreams, upstream, 'tools/call', { name: 'progress', _meta: { progressToken: 7 } }, { peer });
  expect(heard).toEqual([{ method: 'notifications/progress', params: { progressToken: 7, progress: 1 } }]);
  const stated = { clientCapabilities: {}, logLevel: 'info' };
  await request(upstreams, upstream, 'tools/call', { name: 'log' }, { peer, stated });
  expect(heard[1]).toMatchObject({ method: 'notifications/message', params: { level: 'info' } });
  const session = sessionOf(peer, { logLevel: 'debug' });
  await request(upstreams, upstream, 'tools/call', { name: 'log' }, { peer, session });
  expect(heard[2]).toMatchObject({ method: 'notifications/message', params: { level: 'debug' } });
});

test('[MCP-UP-11] a client of the revision states its own capabilities, and gets the request for input as it is', async () => {
  await using upstream = await startStatelessUpstream();
  await using upstreams = start();
  const stated = { clientCapabilities: { elicitation: {}, roots: {} }, logLevel: undefined };
  const answer = await request(upstreams, upstream, 'tools/call', { name: 'greet' }, { stated });
  expect(answer).toMatchObject({ ok: true, resultType: 'input_required' });
  const inputResponses = { who: { action: 'decline' }, where: { roots: [] } };
  const again = { name: 'greet', inputResponses, requestState: 'state "1"' };
  expect(textOf(await request(upstreams, upstream, 'tools/call', again, { stated }))).toEqual({
    given: inputResponses,
  });
  const poorer = await request(
    upstreams,
    upstream,
    'tools/call',
    { name: 'greet' },
    {
      stated: { clientCapabilities: {}, logLevel: undefined },
    },
  );
  expect(poorer).toMatchObject({ ok: false, error: { code: -32021 } });
});

test('[MCP-UP-11] a client of an older version with a session is asked for the input, however long it thinks', async () => {
  await using upstream = await startStatelessUpstream();
  await using upstreams = start({ TOOL_TIMEOUT: '0.3' });
  const { peer, heard } = createPeer(async (method) => {
    await new Promise((resolve) => setTimeout(resolve, 400));
    return reply(method);
  });
  const params = { name: 'greet', arguments: { number: 1 } };
  const answer = await request(upstreams, upstream, 'tools/call', params, { session: sessionOf(peer), peer });
  expect(textOf(answer)).toEqual({
    given: { who: { action: 'accept', content: { name: 'Ada' } }, where: { roots: [] } },
    kept: { number: 1 },
  });
  expect(heard.map(({ method }) => method)).toEqual(['elicitation/create', 'roots/list']);
  expect(heard[0]?.params).toMatchObject({ message: 'Who?' });
  const [first, second] = upstream.asked.filter(({ method }) => method === 'tools/call');
  expect(first?.id).not.toBe(second?.id);
});

test('[MCP-UP-11] what the client refuses ends the call with its error', async () => {
  await using upstream = await startStatelessUpstream();
  await using upstreams = start();
  const { peer } = createPeer(async () => ({ ok: false, error: { code: -1, message: 'the user said no' } }));
  const call = request(upstreams, upstream, 'tools/call', { name: 'greet' }, { session: sessionOf(peer) });
  expect(await call).toEqual({ ok: false, error: { code: -1, message: 'the user said no' } });
});

test.each(['endless', 'forbidden'])('[MCP-UP-11] %s requests for input are an error', async (name) => {
  await using upstream = await startStatelessUpstream();
  await using upstreams = start();
  const { peer } = createPeer(reply);
  const call = request(upstreams, upstream, 'tools/call', { name }, { session: sessionOf(peer) });
  await expect(call).rejects.toMatchObject({ code: 'GW_UPSTREAM_INVALID' });
  expect(upstream.methods.length).toBeLessThan(30);
});

test('[MCP-UP-11] a client that cannot be asked states no capabilities', async () => {
  await using upstream = await startStatelessUpstream();
  await using upstreams = start();
  const answer = await request(upstreams, upstream, 'tools/call', { name: 'greet' });
  expect(answer).toMatchObject({ ok: false, error: { code: -32021 } });
});

test('[MCP-UP-08] a call that nobody waits for is cancelled by closing its connection, and by nothing else', async () => {
  await using upstream = await startStatelessUpstream();
  await using upstreams = start({ TOOL_TIMEOUT: '0.2' });
  const call = request(upstreams, upstream, 'tools/call', { name: 'hang' });
  await expect(call).rejects.toMatchObject({ code: 'GW_UPSTREAM_TIMEOUT' });
  await expect.poll(upstream.cancelled, soon).toBe(1);
  const abort = new AbortController();
  const aborted = request(upstreams, upstream, 'tools/call', { name: 'hang' }, { signal: abort.signal });
  await expect.poll(() => countOf(upstream, 'tools/call'), soon).toBe(2);
  abort.abort(new Error('enough'));
  await expect(aborted).rejects.toThrow('enough');
  await expect.poll(upstream.cancelled, soon).toBe(2);
  expect(upstream.methods).not.toContain('notifications/cancelled');
});

test('one that is replaced by a server of an older version is spoken to in that, within the call that finds out', async () => {
  await using upstream = await startStatelessUpstream();
  await using upstreams = start();
  await request(upstreams, upstream, 'tools/call', { name: 'echo' });
  upstream.downgrade();
  const answer = await request(upstreams, upstream, 'tools/call', { name: 'echo' });
  expect(answer).toMatchObject({ ok: true, resultJson: expect.stringContaining('from the older one') });
  expect(upstream.methods.slice(-4)).toEqual([
    'server/discover',
    'initialize',
    'notifications/initialized',
    'tools/call',
  ]);
});

test('[MCP-UP-12] a client with a session subscribes by one stream of subscriptions/listen, and is told what it asked for', async () => {
  await using upstream = await startStatelessUpstream();
  const changed: string[] = [];
  await using upstreams = createUpstreams({
    config: configOf({ TOOL_TIMEOUT: '3' }),
    listChanged: (gatewayId, kind) => changed.push(`${gatewayId} ${kind}`),
  });
  const { peer, heard } = createPeer(reply);
  const ended: (() => unknown)[] = [];
  const session = sessionOf(peer, { onEnd: (listener) => ended.push(listener) });
  const ask = (method: string, uri: string) => request(upstreams, upstream, method, { uri }, { session });
  const updated = (uri: string) => upstream.tell('resourceSubscriptions', 'notifications/resources/updated', uri);
  await request(upstreams, upstream, 'tools/call', { name: 'echo' }, { session });
  await expect.poll(upstream.filters, soon).toEqual([{ toolsListChanged: true }]);
  expect(await ask('resources/subscribe', 'memo://a')).toEqual({ ok: true, resultJson: '{}' });
  await ask('resources/subscribe', 'memo://b');
  const both = { toolsListChanged: true, resourceSubscriptions: ['memo://a', 'memo://b'] };
  await expect.poll(upstream.filters, soon).toEqual([both]);
  upstream.tell('toolsListChanged', 'notifications/tools/list_changed');
  updated('memo://b');
  updated('memo://c');
  await expect
    .poll(() => heard)
    .toEqual([
      { method: 'notifications/tools/list_changed', params: { _meta: {} } },
      { method: 'notifications/resources/updated', params: { uri: 'memo://b', _meta: {} } },
    ]);
  expect(changed).toEqual(['a tools']);
  await ask('resources/unsubscribe', 'memo://b');
  await expect.poll(upstream.filters, soon).toEqual([{ ...both, resourceSubscriptions: ['memo://a'] }]);
  const listens = countOf(upstream, 'subscriptions/listen');
  upstream.breakStreams();
  // One more, and it is the only one.
  await expect.poll(() => countOf(upstream, 'subscriptions/listen'), soon).toBe(listens + 1);
  await expect.poll(upstream.filters, soon).toHaveLength(1);
  for (const end of ended) end();
  await expect.poll(upstream.filters, soon).toEqual([]);
  expect(upstream.others).toEqual([]);
});

test('[MCP-UP-12] nobody subscribes in a session that is shared', async () => {
  await using upstream = await startStatelessUpstream();
  await using upstreams = start();
  const answer = await request(upstreams, upstream, 'resources/subscribe', { uri: 'memo://a' });
  expect(answer).toMatchObject({ ok: false, error: { code: -32601 } });
  expect(upstream.filters()).toEqual([]);
});

test('an older one that refuses a session for reasons of its own is reported with them', async () => {
  await using raw = await startRawUpstream(({ id }, response) => json(response, result(id, 'ok')), {
    refuse: (response) => {
      json(response, '{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"full for today"}}', 400);
      return true;
    },
  });
  await using upstreams = start();
  const call = request(upstreams, raw, 'tools/call', { name: 'echo' });
  await expect(call).rejects.toMatchObject({ detail: expect.stringContaining('full for today') });
});
