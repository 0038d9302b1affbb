import { expect, test } from 'vitest';
import type { ClientSession } from '../../src/http/client-session.ts';
import { Sessions } from '../../src/http/sessions.ts';
import { configOf } from '../config-of.ts';

const ann = { sub: 'ann' };

function createSessions(max: number, ttl = '100') {
  const clock = { nowMs: 0 };
  const failures: unknown[] = [];
  const config = configOf({ MAX_SESSIONS: String(max), SESSION_TTL: ttl });
  const sessions = new Sessions({ config, nowMs: () => clock.nowMs, failed: (error) => failures.push(error) });
  return { clock, failures, sessions };
}

const open = (sessions: Sessions) => sessions.open(ann, undefined);
const isThere = (sessions: Sessions, session: ClientSession) => sessions.find(session.id, ann, undefined) === session;

test('[MCP-HTTP-15] the session unused for longest makes room', () => {
  const { sessions, clock } = createSessions(2);
  using _ = sessions;
  const [first, second] = [open(sessions), open(sessions)];
  clock.nowMs = 1;
  sessions.find(first.id, ann, undefined);
  clock.nowMs = 70_000;
  const third = open(sessions);
  expect([first, second, third].map((session) => isThere(sessions, session))).toEqual([true, false, true]);
  expect(sessions.size).toBe(2);
});

test('[MCP-HTTP-15] busy and young sessions make no room: a flood is refused', () => {
  const { sessions, clock } = createSessions(2);
  using _ = sessions;
  open(sessions).hold();
  open(sessions);
  const tooMany = expect.objectContaining({ code: 'GW_TOO_MANY_SESSIONS' });
  expect(() => open(sessions)).toThrow(tooMany);
  clock.nowMs = 70_000;
  open(sessions);
  expect(() => open(sessions)).toThrow(tooMany);
});

test('[MCP-HTTP-15] use prolongs a session, a sweep ends the idle ones and closes nothing that is in use', () => {
  const { sessions, clock } = createSessions(10);
  using _ = sessions;
  const [used, idle, streaming] = [open(sessions), open(sessions), open(sessions)];
  const release = streaming.hold();
  clock.nowMs = 60_000;
  expect(isThere(sessions, used)).toBe(true);
  clock.nowMs = 120_000;
  sessions.sweep();
  expect(sessions.size).toBe(2);
  expect([used, idle, streaming].map((session) => isThere(sessions, session))).toEqual([true, false, true]);
  release();
  clock.nowMs = 240_000;
  sessions.sweep();
  expect(sessions.size).toBe(0);
});

test('[MCP-HTTP-15] twenty sessions are ended at a time, each is told once, and a failure holds up no other', async () => {
  const { sessions, clock, failures } = createSessions(100);
  using _ = sessions;
  let running = 0;
  let most = 0;
  let told = 0;
  for (let at = 0; at < 50; at++) {
    open(sessions).onEnd(async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      told++;
      if (at === 3) throw new Error('upstream says no');
    });
  }
  clock.nowMs = 200_000;
  sessions.sweep();
  sessions.sweep();
  expect(sessions.size).toBe(0);
  await expect.poll(() => told).toBe(50);
  expect(most).toBe(20);
  expect(failures).toEqual([new Error('upstream says no')]);
});

test('who asks to be told of the end after it is told at once', async () => {
  const { sessions } = createSessions(1);
  using _ = sessions;
  const session = open(sessions);
  sessions.close(session);
  let told = 0;
  session.onEnd(() => {
    told++;
  });
  await expect.poll(() => told).toBe(1);
});

test('[MCP-HTTP-07] ten thousand session ids open nothing to another user or on another path', () => {
  const { sessions } = createSessions(10_000);
  using _ = sessions;
  const ids = Array.from({ length: 10_000 }, () => open(sessions).id);
  const found = ids.filter(
    (id) =>
      sessions.find(id, { sub: 'mallory' }, undefined) !== undefined ||
      sessions.find(id, { sub: '' }, undefined) !== undefined ||
      sessions.find(id, ann, 'server-1') !== undefined,
  );
  expect(found).toEqual([]);
  expect(new Set(ids).size).toBe(10_000);
  expect(isThere(sessions, sessions.find(ids[0] ?? '', ann, undefined) as ClientSession)).toBe(true);
});

test('what an upstream says of a changed resource is told, so that nobody is served the old one', () => {
  const updated: string[] = [];
  const config = configOf({});
  const resourceUpdated = (uri: string) => void updated.push(uri);
  using sessions = new Sessions({ config, nowMs: () => 0, failed: () => undefined, resourceUpdated });
  const session = open(sessions);
  session.notify('notifications/resources/updated', '{"uri":"time://now"}');
  session.notify('notifications/resources/list_changed', undefined);
  expect(updated).toEqual(['time://now']);
});
