// Sessions that are written down: another process goes on with them when their own has ended.
import { expect, test } from 'vitest';
import type { TestAppOptions } from '../test-app.ts';
import { createGate, initialize, openEvents, type SessionHeaders } from './mcp-over-http.ts';
import { createNeighbours, createSharedRecords, type Neighbour } from './neighbours.ts';

const ping = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' });
const call = JSON.stringify({ jsonrpc: '2.0', id: 9, method: 'tools/call', params: { name: 'convert_time' } });
const setLevel = JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'logging/setLevel', params: { level: 'warning' } });
const verbs = ['POST', 'GET', 'DELETE'] as const;

/** Processes that share records; each is told the mark that it will get. */
async function createGroup() {
  const neighbours = await createNeighbours();
  const records = createSharedRecords();
  let serial = 0;
  return {
    records,
    start: (environment: Record<string, string> = {}, answer?: TestAppOptions['answer']) =>
      neighbours.start({
        environment,
        sessionRecords: records.of(`0123abcd-${++serial}`),
        ...(answer === undefined ? {} : { answer }),
      }),
    [Symbol.asyncDispose]: () => neighbours[Symbol.asyncDispose](),
  };
}

const ask = (one: Neighbour, session: SessionHeaders, body = ping, user = 'admin') =>
  one.ask('POST', '/mcp', { headers: session, body, user });

/** As one that is killed: its records stay, its socket is found dead. */
const kill = async (one: Neighbour) => {
  await one.carrier?.leave();
  await one.app.close();
};

test('a session whose process has ended goes on elsewhere as it was', async () => {
  await using group = await createGroup();
  const [owner, other] = [await group.start(), await group.start()];
  const session = await initialize(owner, { sampling: {}, roots: { listChanged: true } });
  await ask(owner, session, setLevel);
  for (const [method, zone] of [
    ['subscribe', 'a'],
    ['subscribe', 'b'],
    ['unsubscribe', 'a'],
  ]) {
    const params = { uri: `time://${zone}` };
    await ask(owner, session, JSON.stringify({ jsonrpc: '2.0', id: 3, method: `resources/${method}`, params }));
  }
  await kill(owner);
  const answered = await ask(other, session, call);
  expect([answered.status, answered.headers['mcp-session-id']]).toEqual([200, undefined]);
  expect(other.asked.map(({ method, paramsJson }) => [method, paramsJson]).toSorted()).toEqual([
    ['resources/subscribe', '{"uri":"time://b"}'],
    ['tools/call', '{"name":"convert_time"}'],
  ]);
  expect(other.asked[1]?.session).toMatchObject({
    id: session['mcp-session-id'],
    clientCapabilities: { sampling: {}, roots: { listChanged: true } },
    logLevel: 'warning',
    protocolVersion: '2025-06-18',
  });
  expect(group.records.kept.get(session['mcp-session-id'])?.owner).toBe(other.mark);
  // From now on it is in memory there.
  group.records.state.isUp = false;
  expect((await ask(other, session)).status).toBe(200);
});

test('nobody takes over another user’s session, or one of another path', async () => {
  await using group = await createGroup();
  const [owner, other] = [await group.start(), await group.start()];
  const session = await initialize(owner);
  await kill(owner);
  for (const verb of verbs) {
    const options = { headers: session, ...(verb === 'POST' ? { body: ping } : {}) };
    expect((await other.ask(verb, '/mcp', { ...options, user: 'mallory' })).status).toBe(404);
    expect((await other.ask(verb, '/servers/server-1/mcp', options)).status).toBe(404);
    expect((await other.ask(verb, '/mcp', { ...options, headers: { ...session, authorization: '' } })).status).toBe(
      401,
    );
  }
  expect(group.records.kept.get(session['mcp-session-id'])?.owner).toBe(owner.mark);
  expect((await ask(other, session)).status).toBe(200);
});

test('who took a session over is found by all others, and asked of the records once', async () => {
  await using group = await createGroup();
  const [owner, second, third] = [await group.start(), await group.start(), await group.start()];
  const session = await initialize(owner);
  await kill(owner);
  await ask(second, session, call);
  expect((await ask(third, session, call)).status).toBe(200);
  group.records.state.isUp = false;
  expect((await ask(third, session, call)).status).toBe(200);
  expect([second.asked.length, third.asked.length]).toEqual([3, 0]);
  using stream = await openEvents(third, session);
  second.asked[0]?.session?.peer.notify('notifications/message', '{"n":1}');
  expect(await stream.take(1)).toEqual(['{"jsonrpc":"2.0","method":"notifications/message","params":{"n":1}}']);
});

test('of many who ask at once for a session without a process one gets it', async () => {
  await using group = await createGroup();
  const [owner, ...others] = [await group.start(), await group.start(), await group.start()];
  const session = await initialize(owner);
  await kill(owner);
  const answers = await Promise.all([...others, ...others, ...others].map((one) => ask(one, session, call)));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200]);
  const sessions = new Set(others.flatMap(({ asked }) => asked.map((one) => one.session)));
  expect(sessions.size).toBe(1);
});

test('a session that its client has ended is ended everywhere', async () => {
  await using group = await createGroup();
  const [owner, other] = [await group.start(), await group.start()];
  const session = await initialize(owner);
  expect(group.records.kept.size).toBe(1);
  expect((await other.ask('DELETE', '/mcp', { headers: session })).status).toBe(204);
  expect(group.records.kept.size).toBe(0);
  for (const one of [owner, other]) expect((await ask(one, session)).status).toBe(404);
});

test('a session that was idle for too long is ended everywhere; one that is used or listened to is not', async () => {
  await using group = await createGroup();
  const owner = await group.start({ SESSION_TTL: '0.3' });
  const [idle, used, listened] = [await initialize(owner), await initialize(owner), await initialize(owner)];
  using _stream = await openEvents(owner, listened);
  for (let at = 0; at < 10; at++) {
    await new Promise((resolve) => setTimeout(resolve, 80));
    expect((await ask(owner, used)).status).toBe(200);
  }
  const ids = [used, listened].map((session) => session['mcp-session-id']);
  expect([...group.records.kept.keys()]).toEqual(ids);
  expect(group.records.kept.get(ids[0] ?? '')?.ttlMs).toBe(300);
  expect((await ask(owner, idle)).status).toBe(404);
});

test('while nothing can be written down sessions live in memory, and are written down later', async () => {
  await using group = await createGroup();
  group.records.state.isUp = false;
  const [owner, other] = [await group.start({ SESSION_TTL: '1' }), await group.start()];
  const session = await initialize(owner);
  for (const one of [owner, other]) expect((await ask(one, session)).status).toBe(200);
  group.records.state.isUp = true;
  await expect.poll(() => group.records.kept.size).toBe(1);
  group.records.kept.clear();
  await ask(owner, session);
  await expect.poll(() => group.records.kept.size).toBe(1);
});

test('whoever lost a session to a machine that it cannot reach lets it go: the stream at once, calls when they end', async () => {
  await using group = await createGroup();
  const gate = createGate();
  const owner = await group.start({ SESSION_TTL: '1' }, async () => {
    await gate.opened;
    return { ok: true, resultJson: '{"late":true}' };
  });
  const session = await initialize(owner);
  using stream = await openEvents(owner, session);
  const calling = ask(owner, session, call);
  await expect.poll(() => owner.asked.length).toBe(1);
  const id = session['mcp-session-id'];
  const record = group.records.kept.get(id)?.record;
  if (record === undefined) throw new Error('the session is not written down');
  await group.records.of('ffffffff-1').take(id, owner.mark, record, 60_000);
  await stream.ended;
  let isTold = false;
  owner.asked[0]?.session?.onEnd(() => {
    isTold = true;
  });
  gate.open();
  expect(JSON.parse((await calling).text)).toEqual({ jsonrpc: '2.0', id: 9, result: { late: true } });
  await expect.poll(() => isTold, { timeout: 3_000 }).toBe(true);
  // Whoever is asked next has it next: nothing tells that the other machine still lives.
  expect((await ask(owner, session)).status).toBe(200);
  expect(group.records.kept.get(id)?.owner).toBe(owner.mark);
});

test('after a takeover the standing stream begins anew, and no old event id is taken for one of the new', async () => {
  await using group = await createGroup();
  const [owner, other] = [await group.start(), await group.start()];
  const session = await initialize(owner);
  const before = await openEvents(owner, session);
  await ask(owner, session, call);
  for (const n of [1, 2, 3]) owner.asked[0]?.session?.peer.notify('notifications/message', `{"n":${n}}`);
  const [first] = await before.takeEvents(3);
  await kill(owner);
  await ask(other, session, call);
  using stream = await openEvents(other, session);
  other.asked[0]?.session?.peer.notify('notifications/message', '{"n":4}');
  const [fourth] = await stream.takeEvents(1);
  stream[Symbol.dispose]();
  await expect.poll(() => other.load.standing).toBe(0);
  using old = await openEvents(other, { ...session, 'last-event-id': first?.id ?? '' });
  expect(old.status).toBe(200);
  other.asked[0]?.session?.peer.notify('notifications/message', '{"n":5}');
  expect(await old.take(1)).toEqual(['{"jsonrpc":"2.0","method":"notifications/message","params":{"n":5}}']);
  using resumed = await openEvents(other, { ...session, 'last-event-id': fourth?.id ?? '' });
  expect(await resumed.take(1)).toEqual(['{"jsonrpc":"2.0","method":"notifications/message","params":{"n":5}}']);
});
