import { request } from 'undici';
import { expect, test, vi } from 'vitest';
import { createTestApp, type TestApp, token } from '../test-app.ts';
import { headersOf, message, send } from './stateless-request.ts';

const subscriptionId = 'io.modelcontextprotocol/subscriptionId';

/** The stream's messages, as they come. */
async function listen(gateway: TestApp, notifications: object, path = '/mcp', id: string | number = 7) {
  const url = gateway.app.listeningOrigin === '' ? '' : gateway.app.listeningOrigin;
  const body = message('subscriptions/listen', { notifications }, id);
  const answer = await request(`${url}${path}`, {
    method: 'POST',
    headers: { ...headersOf(body), authorization: `Bearer ${token('admin')}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    // A connection that is kept for more would be waited for by a gateway that stops.
    reset: true,
  });
  async function* messages() {
    let text = '';
    for await (const chunk of answer.body) {
      text += String(chunk);
      for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
        const data = /^data: (.*)$/m.exec(text.slice(0, end))?.[1];
        text = text.slice(end + 2);
        if (data !== undefined) yield JSON.parse(data);
      }
    }
  }
  const all = messages();
  return { answer, next: async () => (await all.next()).value, isOver: async () => (await all.next()).done };
}

async function listening(environment: Record<string, string> = {}): Promise<TestApp> {
  const gateway = createTestApp({ environment });
  await gateway.app.listen({ host: '127.0.0.1', port: 0 });
  return gateway;
}

test('[MCP-LISTEN-01] the first message says what will be told', async () => {
  await using gateway = await listening();
  const stream = await listen(gateway, { toolsListChanged: true, promptsListChanged: false, 'x/other': true });
  expect(stream.answer.headers['content-type']).toBe('text/event-stream');
  expect(stream.answer.headers['x-accel-buffering']).toBe('no');
  expect(await stream.next()).toEqual({
    jsonrpc: '2.0',
    method: 'notifications/subscriptions/acknowledged',
    params: { _meta: { [subscriptionId]: 7 }, notifications: { toolsListChanged: true } },
  });
});

test('[MCP-LISTEN-02] only what was asked for is told, with the mark of the stream', async () => {
  await using gateway = await listening();
  const tools = await listen(gateway, { toolsListChanged: true }, '/mcp', 'a');
  const prompts = await listen(gateway, { promptsListChanged: true }, '/servers/server-1/mcp');
  await Promise.all([tools.next(), prompts.next()]);
  gateway.changeLists({ kinds: ['tools', 'resources'], serverId: undefined });
  expect(await tools.next()).toEqual({
    jsonrpc: '2.0',
    method: 'notifications/tools/list_changed',
    params: { _meta: { [subscriptionId]: 'a' } },
  });
  gateway.changeLists({ kinds: ['tools', 'prompts'], serverId: 'server-1' });
  expect(await prompts.next()).toMatchObject({ method: 'notifications/prompts/list_changed' });
  // Nothing of the virtual server came to the stream of everything: the next it hears of is this one.
  gateway.changeLists({ kinds: ['tools'], serverId: undefined });
  expect(await tools.next()).toMatchObject({ method: 'notifications/tools/list_changed' });
});

test('[MCP-LISTEN-03] a gateway that stops says so', async () => {
  const gateway = await listening();
  const stream = await listen(gateway, {});
  await stream.next();
  const closed = gateway[Symbol.asyncDispose]();
  expect(await stream.next()).toMatchObject({
    id: 7,
    result: { resultType: 'complete', _meta: { [subscriptionId]: 7 } },
  });
  expect(await stream.isOver()).toBe(true);
  await closed;
});

test('[MCP-LISTEN-03] a stream whose resources are still being subscribed to when the gateway stops ends too', async () => {
  const upstream: { answer: () => void } = { answer: () => undefined };
  const gateway = createTestApp({
    answer: () => new Promise((resolve) => (upstream.answer = () => resolve({ ok: true, resultJson: '{}' }))),
  });
  const stopping = new Promise<void>((resolve) => {
    gateway.app.addHook('preClose', (next) => {
      resolve();
      next();
    });
  });
  await gateway.app.listen({ host: '127.0.0.1', port: 0 });
  const stream = await listen(gateway, { resourceSubscriptions: ['time://utc'] });
  await vi.waitFor(() => expect(gateway.asked).toHaveLength(1));
  const closed = gateway[Symbol.asyncDispose]();
  await stopping;
  upstream.answer();
  expect(await stream.next()).toMatchObject({ method: 'notifications/subscriptions/acknowledged' });
  expect(await stream.next()).toMatchObject({ id: 7, result: { resultType: 'complete' } });
  expect(await stream.isOver()).toBe(true);
  await closed;
});

test('[MCP-LISTEN-03] there are never more streams than MAX_SESSIONS', async () => {
  await using gateway = await listening({ MAX_SESSIONS: '1' });
  const stream = await listen(gateway, {});
  await stream.next();
  const refused = await send(gateway, 'subscriptions/listen', { notifications: {} });
  expect(refused.json()).toMatchObject({ error: { code: -32019 } });
  stream.answer.body.destroy();
});

test.each([undefined, { toolsListChanged: 1 }, { resourceSubscriptions: 'file:///a' }])(
  'a filter %j is refused',
  async (notifications) => {
    await using gateway = createTestApp();
    const answer = await send(gateway, 'subscriptions/listen', { notifications });
    expect([answer.statusCode, answer.json().error.code]).toEqual([400, -32602]);
  },
);

test('[MCP-LISTEN-02] updated resources are told to the stream that named them', async () => {
  const gateway = createTestApp({
    async answer({ paramsJson }) {
      if (paramsJson?.includes('refused')) return { ok: false, error: { code: -32601, message: 'no' } };
      return { ok: true, resultJson: '{}' };
    },
  });
  await using _stop = gateway;
  await gateway.app.listen({ host: '127.0.0.1', port: 0 });
  const stream = await listen(gateway, { resourceSubscriptions: ['time://utc', 'time://refused', 'file:///nowhere'] });
  expect(await stream.next()).toMatchObject({ params: { notifications: { resourceSubscriptions: ['time://utc'] } } });
  const subscribed = gateway.asked.find(({ paramsJson }) => paramsJson?.includes('utc'));
  expect(subscribed?.method).toBe('resources/subscribe');
  subscribed?.session?.peer.notify('notifications/message', '{"level":"error"}');
  subscribed?.session?.peer.notify('notifications/resources/updated', '{"uri":"time://utc"}');
  expect(await stream.next()).toEqual({
    jsonrpc: '2.0',
    method: 'notifications/resources/updated',
    params: { _meta: { [subscriptionId]: 7 }, uri: 'time://utc' },
  });
  stream.answer.body.destroy();
});
