// Methods and notifications that belong to a session, through the whole app.
import { expect, test } from 'vitest';
import { createTestApp, type TestApp } from '../test-app.ts';
import { initialize, openEvents } from './mcp-over-http.ts';

const ask = (method: string, params?: object) => ({ jsonrpc: '2.0', id: 1, method, ...(params && { params }) });
const both = { accept: 'application/json, text/event-stream' };
const stateful = { environment: { USE_STATEFUL_SESSIONS: 'true' } };

async function capabilitiesOf(gateway: TestApp): Promise<unknown> {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } };
  const answer = await gateway.post('/mcp', ask('initialize', params), both);
  return answer.json<{ result: { capabilities: unknown } }>().result.capabilities;
}

test('[MCP-LIFE-06] initialize states what a session has, and less without one', async () => {
  await using sessions = createTestApp(stateful);
  expect(await capabilitiesOf(sessions)).toEqual({
    tools: { listChanged: true },
    resources: { subscribe: true, listChanged: true },
    prompts: { listChanged: true },
    completions: {},
    logging: {},
  });
  await using requests = createTestApp();
  expect(await capabilitiesOf(requests)).toEqual({
    tools: { listChanged: false },
    resources: { subscribe: false, listChanged: false },
    prompts: { listChanged: false },
    completions: {},
  });
  for (const [method, params] of [
    ['logging/setLevel', { level: 'info' }],
    ['resources/subscribe', { uri: 'time://Rome' }],
    ['resources/unsubscribe', { uri: 'time://Rome' }],
  ] as const) {
    expect((await requests.post('/mcp', ask(method, params), both)).json()).toMatchObject({ error: { code: -32601 } });
  }
});

test('[MCP-LOG-01] a log level is kept in the session and told to its upstreams', async () => {
  await using gateway = createTestApp(stateful);
  const session = await initialize(gateway);
  const params = { level: 'debug' };
  expect((await gateway.post('/mcp', ask('logging/setLevel', params), session)).json()).toMatchObject({ result: {} });
  expect(gateway.told).toEqual([
    { session: session['mcp-session-id'], method: 'logging/setLevel', paramsJson: '{"level":"debug"}' },
  ]);
  await gateway.post('/mcp', ask('tools/call', { name: 'convert_time' }), session);
  expect(gateway.asked[0]?.session?.logLevel).toBe('debug');
  const other = await initialize(gateway);
  await gateway.post('/mcp', ask('tools/call', { name: 'convert_time' }), other);
  expect(gateway.asked[1]?.session?.logLevel).toBeUndefined();
  for (const level of ['loud', 7, undefined]) {
    const answer = await gateway.post('/mcp', ask('logging/setLevel', { level }), session);
    expect(answer.json()).toMatchObject({ error: { code: -32602 } });
  }
  expect(gateway.told).toHaveLength(1);
});

test('[MCP-RES-05] subscriptions reach the upstream that has the resource', async () => {
  await using gateway = createTestApp(stateful);
  const session = await initialize(gateway);
  for (const method of ['resources/subscribe', 'resources/unsubscribe']) {
    await gateway.post('/mcp', ask(method, { uri: 'time://Rome' }), session);
    expect(gateway.asked.at(-1)).toMatchObject({ method, paramsJson: '{"uri":"time://Rome"}' });
    const unknown = await gateway.post('/mcp', ask(method, { uri: 'none://x' }), session);
    expect(unknown.json()).toMatchObject({ error: { code: -32002 } });
  }
  expect(gateway.asked[0]?.session?.id).toBe(session['mcp-session-id']);
});

test('[MCP-COMP-01] completion is asked under the own name of prompt and template, the rest untouched', async () => {
  const completion = '{"completion":{"values":["Ada"],"total":1}}';
  await using gateway = createTestApp({ answer: async () => ({ ok: true, resultJson: completion }) });
  const text = (ref: string) =>
    `{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":${ref},"argument":{"name":"who","value":"A"}, "n":1.0}}`;
  const answer = await gateway.post('/mcp', text('{"type":"ref/prompt", "name":"fast-time-greet-user"}'), both);
  expect(answer.json()).toMatchObject({ result: JSON.parse(completion) as object });
  expect(gateway.asked[0]).toMatchObject({
    method: 'completion/complete',
    paramsJson: '{"ref":{"type":"ref/prompt", "name":"greet_user"},"argument":{"name":"who","value":"A"}, "n":1.0}',
  });
  await gateway.post('/mcp', text('{"type":"ref/resource","uri":"time://{zone}"}'), both);
  expect(gateway.asked[1]?.paramsJson).toContain('"uri":"time://{zone}"');
  for (const ref of [
    '{"type":"ref/prompt","name":"none"}',
    '{"type":"ref/resource","uri":"none://x"}',
    '{"type":"ref/tool","name":"x"}',
    '{"type":"ref/prompt"}',
    '7',
  ]) {
    expect((await gateway.post('/mcp', text(ref), both)).json()).toMatchObject({ error: { code: -32602 } });
  }
});

test('[MCP-COMP-01] an upstream without completion offers nothing', async () => {
  await using gateway = createTestApp({
    answer: async () => ({ ok: false, error: { code: -32601, message: 'Method not found' } }),
  });
  const params = { ref: { type: 'ref/prompt', name: 'fast-time-greet-user' }, argument: { name: 'who', value: '' } };
  expect((await gateway.post('/mcp', ask('completion/complete', params), both)).json()).toMatchObject({
    result: { completion: { values: [] } },
  });
});

test('[MCP-ROOTS-01] a changed list of roots is told to the upstreams of the session', async () => {
  await using gateway = createTestApp(stateful);
  const session = await initialize(gateway);
  const message = { jsonrpc: '2.0', method: 'notifications/roots/list_changed' };
  expect((await gateway.post('/mcp', message, session)).statusCode).toBe(202);
  await gateway.post('/mcp', message, both);
  expect(gateway.told).toEqual([
    { session: session['mcp-session-id'], method: 'notifications/roots/list_changed', paramsJson: undefined },
  ]);
});

test('[MCP-LIST-01] changed lists are told to the sessions that can see them', async () => {
  await using gateway = createTestApp(stateful);
  await gateway.app.listen({ host: '127.0.0.1', port: 0 });
  using everything = await openEvents(gateway, await initialize(gateway));
  const elsewhere = await initialize(gateway);
  using silent = await openEvents(gateway, elsewhere);
  gateway.changeLists({ kinds: ['tools'], serverId: 'server-1' });
  gateway.changeLists({ kinds: ['tools', 'prompts'], serverId: undefined });
  const sent = ['tools', 'prompts'].map((kind) => `{"jsonrpc":"2.0","method":"notifications/${kind}/list_changed"}`);
  expect(await everything.take(2)).toEqual(sent);
  expect(await silent.take(2)).toEqual(sent);
});
