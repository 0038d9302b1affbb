import { expect, test } from 'vitest';
import { createUpstreams, type UpstreamAddress, type Upstreams } from '../../src/federation/upstreams.ts';
import type { CancelSignal, ClientPeer, ForwardedAnswer, McpSession } from '../../src/mcp/ports.ts';
import { callerOf } from '../caller-of.ts';
import { configOf } from '../config-of.ts';
import { startTalkingUpstream } from './talking-upstream.ts';

interface Heard {
  via: string;
  method: string;
  params: unknown;
}

const sampled: ForwardedAnswer = {
  ok: true,
  resultJson: '{"role":"assistant","model":"m","content":{"type":"text","text":"A test."}}',
};

interface Client extends McpSession {
  heard: Heard[];
  end: () => void;
  peerOf: (via: string) => ClientPeer;
  /** How the client answers to what it is asked. */
  reply: (signal: CancelSignal) => Promise<ForwardedAnswer>;
}

function createClient(parts: Partial<McpSession> = {}): Client {
  const heard: Heard[] = [];
  const listeners: (() => void)[] = [];
  const peerOf = (via: string): ClientPeer => ({
    notify: (method, paramsJson) => heard.push({ via, method, params: JSON.parse(paramsJson ?? 'null') }),
    request: (method, paramsJson, signal) => {
      heard.push({ via, method, params: JSON.parse(paramsJson ?? 'null') });
      return client.reply(signal);
    },
  });
  const client: Client = {
    id: 'client-1',
    identity: { sub: 'ada' },
    clientCapabilities: { sampling: {}, roots: { listChanged: true } },
    logLevel: undefined,
    peer: peerOf('standing'),
    onEnd: (listener) => listeners.push(listener),
    heard,
    peerOf,
    reply: async () => sampled,
    end: () => {
      for (const listener of listeners) listener();
    },
    ...parts,
  };
  return client;
}

const start = (settings: Record<string, string> = {}): Upstreams =>
  createUpstreams({ config: configOf({ TOOL_TIMEOUT: '3', ...settings }) });
const addressOf = (url: string): UpstreamAddress => ({ id: 'a', url, transport: 'STREAMABLEHTTP', headers: {} });
const textOf = (answer: { ok: boolean; resultJson?: string }): string =>
  (JSON.parse(answer.resultJson ?? '{}') as { content: { text: string }[] }).content[0]?.text ?? '';

test('a client session has an upstream session of its own, with its capabilities, until it ends', async () => {
  await using talking = await startTalkingUpstream();
  await using upstreams = start();
  const ada = createClient();
  const bob = createClient({ clientCapabilities: { elicitation: {} } });
  const call = (session: McpSession) =>
    upstreams.of(addressOf(talking.url), callerOf({ session })).request('tools/call', '{"name":"who"}');
  expect(JSON.parse(textOf(await call(ada)))).toEqual({ sampling: {}, roots: { listChanged: true } });
  expect(Object.keys(JSON.parse(textOf(await call(bob))) as object)).toEqual(['elicitation']);
  await call(ada);
  expect(talking.sessions.size).toBe(2);
  ada.end();
  await expect.poll(() => talking.sessions.size).toBe(1);
  expect(JSON.parse(textOf(await call(bob)))).toHaveProperty('elicitation');
});

test('what comes on the stream of a request goes to that request’s client, everything else to the session’s', async () => {
  await using talking = await startTalkingUpstream();
  await using upstreams = start();
  const ada = createClient();
  const call = (params: object) =>
    upstreams
      .of(addressOf(talking.url), callerOf({ session: ada }))
      .request('tools/call', JSON.stringify(params), { peer: ada.peerOf('request') });
  await call({ name: 'progress', _meta: { progressToken: 'mine' } });
  expect(ada.heard).toEqual([
    { via: 'request', method: 'notifications/progress', params: { progressToken: 'mine', progress: 1, total: 2 } },
  ]);
  // The standing stream is opened beside the first call: the upstream can speak on it only when it is there.
  await expect
    .poll(async () => {
      await call({ name: 'log' });
      return ada.heard.at(-1);
    })
    .toEqual({ via: 'standing', method: 'notifications/message', params: { level: 'error', data: 'off the stream' } });
});

test('a request of the upstream is answered by the client while its call waits, however long that takes', async () => {
  await using talking = await startTalkingUpstream();
  await using upstreams = start({ TOOL_TIMEOUT: '0.4', HTTPX_READ_TIMEOUT: '0.3' });
  const ada = createClient();
  ada.reply = () => new Promise((resolve) => setTimeout(resolve, 700, sampled));
  const answer = await upstreams
    .of(addressOf(talking.url), callerOf({ session: ada }))
    .request('tools/call', '{"name":"sample"}', { peer: ada.peerOf('request') });
  expect(textOf(answer)).toContain('A test.');
  expect(ada.heard).toMatchObject([{ via: 'request', method: 'sampling/createMessage', params: { maxTokens: 5 } }]);
});

test('what the client refuses is refused to the upstream, and its call goes on', async () => {
  await using talking = await startTalkingUpstream();
  await using upstreams = start();
  const ada = createClient();
  ada.reply = async () => ({ ok: false, error: { code: -1, message: 'the user said no' } });
  const answer = await upstreams
    .of(addressOf(talking.url), callerOf({ session: ada }))
    .request('tools/call', '{"name":"sample"}', {});
  expect(answer).toMatchObject({ ok: false, error: { message: expect.stringContaining('the user said no') } });
});

test('the client need not go on thinking when its session ends', async () => {
  await using talking = await startTalkingUpstream();
  await using upstreams = start();
  const ada = createClient();
  let wasAborted = false;
  ada.reply = (signal) =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => {
        wasAborted = true;
        reject(signal.reason);
      });
    });
  const abort = new AbortController();
  const running = upstreams
    .of(addressOf(talking.url), callerOf({ session: ada }))
    .request('tools/call', '{"name":"sample"}', { signal: abort.signal });
  const failed = expect(running).rejects.toThrow();
  await expect.poll(() => ada.heard.length).toBe(1);
  ada.end();
  await expect.poll(() => wasAborted).toBe(true);
  abort.abort(new Error('gone'));
  await failed;
});

test('log level and roots are told to the upstream sessions that are open and to those that open later', async () => {
  await using talking = await startTalkingUpstream();
  await using upstreams = start();
  let logLevel: string | undefined;
  const ada = createClient();
  Object.defineProperty(ada, 'logLevel', { get: () => logLevel });
  const of = (address: UpstreamAddress) => upstreams.of(address, callerOf({ session: ada }));
  await of(addressOf(talking.url)).request('tools/call', '{"name":"who"}');
  expect(talking.levels).toEqual([]);
  logLevel = 'warning';
  await upstreams.broadcast(ada, 'logging/setLevel', '{"level":"warning"}');
  expect(talking.levels).toEqual(['warning']);
  await of({ ...addressOf(talking.url), id: 'b' }).request('tools/call', '{"name":"who"}');
  expect(talking.levels).toEqual(['warning', 'warning']);
  await upstreams.broadcast(ada, 'notifications/roots/list_changed', undefined);
  await expect.poll(() => talking.rootsChanged()).toBe(2);
});

test('a session that the upstream forgot is replaced, with its subscriptions, level and stream', async () => {
  await using talking = await startTalkingUpstream();
  await using upstreams = start();
  const ada = createClient({ logLevel: 'debug' });
  const upstream = upstreams.of(addressOf(talking.url), callerOf({ session: ada }));
  await upstream.request('resources/subscribe', '{"uri":"memo://one"}');
  talking.forgetSessions();
  await upstream.request('tools/call', '{"name":"who"}');
  await expect.poll(() => talking.subscribed).toEqual(['memo://one', 'memo://one']);
  expect(talking.levels).toEqual(['debug', 'debug']);
  const talk = () => [...talking.sessions.values()][0]?.server.sendResourceUpdated({ uri: 'memo://one' });
  await expect
    .poll(async () => {
      await talk();
      return ada.heard.map(({ method }) => method);
    })
    .toContain('notifications/resources/updated');
});

test('a session without a client of its own is asked nothing but a ping', async () => {
  await using talking = await startTalkingUpstream();
  await using upstreams = start();
  const heard: string[] = [];
  const peer: ClientPeer = {
    notify: (method) => heard.push(method),
    request: (method) => {
      heard.push(method);
      return Promise.reject(new Error('not to be asked'));
    },
  };
  const upstream = upstreams.of(addressOf(talking.url), callerOf());
  const answer = await upstream.request('tools/call', '{"name":"sample"}', { peer });
  expect(answer.ok).toBe(false);
  await upstream.request('tools/call', '{"name":"progress","_meta":{"progressToken":7}}', { peer });
  expect(heard).toEqual(['notifications/progress']);
});

test('a changed list of an upstream is told to the gateway', async () => {
  await using talking = await startTalkingUpstream();
  const changed: string[] = [];
  await using upstreams = createUpstreams({
    config: configOf(),
    listChanged: (gatewayId, kind) => changed.push(`${gatewayId} ${kind}`),
  });
  const ada = createClient();
  await upstreams.of(addressOf(talking.url), callerOf({ session: ada })).request('tools/call', '{"name":"who"}');
  const [one] = [...talking.sessions.values()];
  await expect
    .poll(async () => {
      await one?.server.sendToolListChanged();
      return changed[0];
    })
    .toBe('a tools');
  expect(ada.heard[0]).toMatchObject({ via: 'standing', method: 'notifications/tools/list_changed' });
});
