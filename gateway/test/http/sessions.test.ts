import { expect, test } from 'vitest';
import { type Session, Sessions } from '../../src/http/sessions.ts';

function createSessions(max: number, ttlMs = 100) {
  const clock = { nowMs: 0 };
  return { clock, sessions: new Sessions({ max, ttlMs, nowMs: () => clock.nowMs }) };
}

const open = (sessions: Sessions) => sessions.open('ann', undefined, '2025-06-18');
const isThere = (sessions: Sessions, session: Session) => sessions.find(session.id, 'ann', undefined) === session;

test('[MCP-HTTP-15] the session unused for longest makes room', () => {
  const { sessions } = createSessions(2);
  using _ = sessions;
  const [first, second] = [open(sessions), open(sessions)];
  sessions.find(first.id, 'ann', undefined);
  const third = open(sessions);
  expect([first, second, third].map((session) => isThere(sessions, session))).toEqual([true, false, true]);
  expect(sessions.size).toBe(2);
});

test('[MCP-HTTP-15] busy sessions make no room', () => {
  const { sessions } = createSessions(1);
  using _ = sessions;
  open(sessions).stream = { send: () => undefined, end: () => undefined };
  expect(() => open(sessions)).toThrow(expect.objectContaining({ code: 'GW_TOO_MANY_SESSIONS' }));
});

test('[MCP-HTTP-15] use prolongs a session, a sweep ends the idle ones and closes nothing that is in use', () => {
  const { sessions, clock } = createSessions(10);
  using _ = sessions;
  const [used, idle, streaming] = [open(sessions), open(sessions), open(sessions)];
  streaming.stream = { send: () => undefined, end: () => undefined };
  clock.nowMs = 60;
  expect(isThere(sessions, used)).toBe(true);
  clock.nowMs = 120;
  sessions.sweep();
  expect(sessions.size).toBe(2);
  expect([used, idle, streaming].map((session) => isThere(sessions, session))).toEqual([true, false, true]);
});
