// The way from an upstream to the client: what is streamed before an answer, what is asked of the client, what belongs to no request.
import { expect, test } from 'vitest';
import type { ForwardedAnswer } from '../../src/mcp/ports.ts';
import { type Asked, createTestApp, type TestAppOptions } from '../test-app.ts';
import { createGate, type Events, initialize, openEvents, postEvents } from './mcp-over-http.ts';

const call = { jsonrpc: '2.0', id: 9, method: 'tools/call', params: { name: 'convert_time' } };
const never = new AbortController().signal;

async function start(answer: TestAppOptions['answer'], environment: Record<string, string> = {}) {
  const gateway = createTestApp({
    environment: { USE_STATEFUL_SESSIONS: 'true', ...environment },
    ...(answer && { answer }),
  });
  await gateway.app.listen({ host: '127.0.0.1', port: 0 });
  return gateway;
}

const progress = '{"progressToken":"t","progress":1.0}';
const withProgress = async ({ peer }: Asked): Promise<ForwardedAnswer> => {
  peer?.notify('notifications/progress', progress);
  return { ok: true, resultJson: '{"content":[]}' };
};

test('[MCP-HTTP-17] [MCP-PEER-01] a message before the answer makes the answer a stream, in order and untouched', async () => {
  await using gateway = await start(withProgress);
  for (const session of [{}, await initialize(gateway)]) {
    const events = await postEvents(gateway, call, session);
    expect(events.type).toBe('text/event-stream');
    const [first, second] = await events.take(2);
    expect(first).toBe(`{"jsonrpc":"2.0","method":"notifications/progress","params":${progress}}`);
    expect(JSON.parse(second ?? '')).toEqual({ jsonrpc: '2.0', id: 9, result: { content: [] } });
    await events.ended;
  }
});

test('[MCP-HTTP-17] without such a message the answer is JSON; JSON_RESPONSE_ENABLED=false streams it', async () => {
  await using gateway = await start(undefined);
  expect((await postEvents(gateway, call, {})).type).toContain('application/json');
  await using streaming = await start(undefined, { JSON_RESPONSE_ENABLED: 'false' });
  expect((await postEvents(streaming, call, {})).type).toBe('text/event-stream');
  const jsonOnly = await streaming.post('/mcp', call, { accept: 'application/json' });
  expect(jsonOnly.headers['content-type']).toContain('application/json');
});

test('[MCP-HTTP-17] a client that takes only JSON gets the answer alone, and the rest on its standing stream', async () => {
  await using gateway = await start(withProgress);
  const session = await initialize(gateway);
  using standing = await openEvents(gateway, session);
  const answer = await gateway.post('/mcp', call, { ...session, accept: 'application/json' });
  expect(answer.json()).toMatchObject({ id: 9, result: { content: [] } });
  expect(await standing.take(1)).toEqual([`{"jsonrpc":"2.0","method":"notifications/progress","params":${progress}}`]);
});

const askRoots = async ({ peer }: Asked): Promise<ForwardedAnswer> => {
  const answer = await peer?.request('roots/list', undefined, never);
  return answer ?? { ok: false, error: { code: 1, message: 'no peer' } };
};

async function askedOf(events: Events): Promise<{ id: unknown; method: string }> {
  const [text] = await events.take(1);
  return JSON.parse(text ?? '') as { id: unknown; method: string };
}

test('[MCP-PEER-02] the client answers the request of an upstream, and the upstream gets its text', async () => {
  await using gateway = await start(askRoots);
  const session = await initialize(gateway);
  const events = await postEvents(gateway, call, session);
  const { id, method } = await askedOf(events);
  expect([method, String(id)]).toEqual(['roots/list', expect.stringMatching(/^[0-9a-f-]{36}$/)]);
  const response = `{"jsonrpc":"2.0","id":"${String(id)}","result":{"roots":[],"n":1.0}}`;
  expect((await gateway.post('/mcp', response, session)).statusCode).toBe(202);
  expect(await events.take(1)).toEqual(['{"jsonrpc":"2.0","id":9,"result":{"roots":[],"n":1.0}}']);
});

test('[MCP-PEER-02] another session, another user and another id answer nothing', async () => {
  await using gateway = await start(askRoots, { MCPGATEWAY_ELICITATION_TIMEOUT: '0.3' });
  const session = await initialize(gateway);
  const events = await postEvents(gateway, call, session);
  const { id } = await askedOf(events);
  const response = { jsonrpc: '2.0', id, result: { roots: ['stolen'] } };
  expect((await gateway.post('/mcp', response, await initialize(gateway))).statusCode).toBe(202);
  expect((await gateway.post('/mcp', response, session, 'mallory')).statusCode).toBe(404);
  expect((await gateway.post('/mcp', response, { accept: session.accept })).statusCode).toBe(202);
  expect((await gateway.post('/mcp', { ...response, id: 'guess' }, session)).statusCode).toBe(202);
  const [cancelled, answer] = await events.take(2);
  expect(JSON.parse(cancelled ?? '')).toMatchObject({ method: 'notifications/cancelled', params: { requestId: id } });
  expect(JSON.parse(answer ?? '')).toMatchObject({ id: 9, error: { data: { code: 'GW_CLIENT_TIMEOUT' } } });
});

test('[MCP-PEER-03] a request that the upstream gives up is cancelled at the client', async () => {
  const giveUp = new AbortController();
  await using gateway = await start(async ({ peer }) => {
    const asked = peer?.request('sampling/createMessage', '{"messages":[]}', giveUp.signal);
    await expect(asked).rejects.toThrow('upstream left');
    return { ok: true, resultJson: '{}' };
  });
  const events = await postEvents(gateway, call, await initialize(gateway));
  const { id } = await askedOf(events);
  giveUp.abort(new Error('upstream left'));
  const [cancelled] = await events.take(1);
  expect(JSON.parse(cancelled ?? '')).toMatchObject({ method: 'notifications/cancelled', params: { requestId: id } });
});

test('a session that ends rejects what was asked of its client', async () => {
  await using gateway = await start(askRoots);
  const session = await initialize(gateway);
  const events = await postEvents(gateway, call, session);
  await askedOf(events);
  await gateway.send({ method: 'DELETE', url: '/mcp', headers: session });
  await events.ended;
  expect(gateway.asked[0]?.signal?.aborted).toBe(true);
  await expect(gateway.asked[0]?.session?.peer.request('roots/list', undefined, never)).rejects.toMatchObject({
    code: 'GW_CLIENT_UNREACHABLE',
  });
});

test('a request without a session, and a session without a stream, cannot be asked', async () => {
  await using gateway = await start(askRoots);
  expect((await gateway.post('/mcp', call, { accept: 'application/json, text/event-stream' })).json()).toMatchObject({
    error: { data: { code: 'GW_CLIENT_UNREACHABLE' } },
  });
  const session = await initialize(gateway);
  expect((await gateway.post('/mcp', call, { ...session, accept: 'application/json' })).json()).toMatchObject({
    error: { data: { code: 'GW_CLIENT_UNREACHABLE' } },
  });
});

test('a client is asked no more than it may be at a time', async () => {
  await using gateway = await start(
    async ({ peer }) => {
      const first = peer?.request('roots/list', undefined, never);
      await expect(peer?.request('roots/list', undefined, never)).rejects.toMatchObject({
        code: 'GW_CLIENT_UNREACHABLE',
      });
      return (await first) ?? { ok: true, resultJson: '{}' };
    },
    { MCPGATEWAY_ELICITATION_MAX_CONCURRENT: '1' },
  );
  const session = await initialize(gateway);
  const events = await postEvents(gateway, call, session);
  const { id } = await askedOf(events);
  await gateway.post('/mcp', { jsonrpc: '2.0', id, result: { roots: [] } }, session);
  expect(await events.take(1)).toEqual(['{"jsonrpc":"2.0","id":9,"result":{"roots":[]}}']);
});

test.each(['true', 'false'])('MCPGATEWAY_ELICITATION_ENABLED=%s decides on elicitation', async (isEnabled) => {
  await using gateway = await start(
    async ({ peer }) => (await peer?.request('elicitation/create', '{}', never)) ?? { ok: true, resultJson: '{}' },
    { MCPGATEWAY_ELICITATION_ENABLED: isEnabled },
  );
  const session = await initialize(gateway, { elicitation: {}, roots: {} });
  const events = await postEvents(gateway, call, session);
  const stated = gateway.asked[0]?.session?.clientCapabilities;
  if (isEnabled === 'true') {
    expect(stated).toEqual({ elicitation: {}, roots: {} });
    expect((await askedOf(events)).method).toBe('elicitation/create');
  } else {
    expect(stated).toEqual({ roots: {} });
    expect(JSON.parse(await events.text)).toMatchObject({ error: { code: -32601 } });
  }
});

test('[MCP-PEER-04] what belongs to no request goes out on the standing stream alone', async () => {
  const gate = createGate();
  await using gateway = await start(async ({ peer }) => {
    peer?.notify('notifications/progress', progress);
    await gate.opened;
    return { ok: true, resultJson: '{}' };
  });
  const session = await initialize(gateway);
  using standing = await openEvents(gateway, session);
  const events = await postEvents(gateway, call, session);
  await events.take(1);
  gateway.asked[0]?.session?.peer.notify('notifications/resources/updated', '{"uri":"time://Rome"}');
  expect(await standing.take(1)).toEqual([
    '{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"time://Rome"}}',
  ]);
  gate.open();
  expect(await events.take(1)).toEqual(['{"jsonrpc":"2.0","id":9,"result":{}}']);
});

test('MCPGATEWAY_TOOL_CANCELLATION_ENABLED=false lets a cancelled call run on', async () => {
  const gate = createGate();
  await using gateway = await start(
    async () => {
      await gate.opened;
      return { ok: true, resultJson: '{}' };
    },
    { MCPGATEWAY_TOOL_CANCELLATION_ENABLED: 'false' },
  );
  const session = await initialize(gateway);
  const running = gateway.post('/mcp', call, session);
  await expect.poll(() => gateway.asked.length).toBe(1);
  await gateway.post('/mcp', { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 9 } }, session);
  expect(gateway.asked[0]?.signal?.aborted).toBe(false);
  gate.open();
  expect((await running).json()).toMatchObject({ id: 9, result: {} });
});

test.each(['true', 'false'])('SSE_KEEPALIVE_ENABLED=%s decides on comments', async (isEnabled) => {
  await using gateway = await start(undefined, { SSE_KEEPALIVE_ENABLED: isEnabled, SSE_KEEPALIVE_INTERVAL: '0.05' });
  using standing = await openEvents(gateway, await initialize(gateway));
  await new Promise((resolve) => setTimeout(resolve, 120));
  expect(standing.raw().includes(': keep-alive')).toBe(isEnabled === 'true');
});
