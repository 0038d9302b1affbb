import { expect, test } from 'vitest';
import { EventLog } from '../../src/http/event-log.ts';

function createLog(maxEvents: number, maxBytes: number) {
  const clock = { nowMs: 0 };
  return { clock, log: new EventLog({ maxEvents, maxBytes, ttlMs: () => 100, nowMs: () => clock.nowMs }) };
}

const jsonOf = (log: EventLog, id: string) => log.after(id)?.missed.map(({ json }) => json);

test('[MCP-RESUME-03] the oldest events go when there are too many, and nobody is told half of what he missed', () => {
  const { log } = createLog(3, 1000);
  const stream = log.open();
  const ids = ['a', 'b', 'c', 'd', 'e'].map((json) => log.append(stream, json));
  expect(log.size).toBe(3);
  expect(ids.map((id) => jsonOf(log, id))).toEqual([undefined, ['c', 'd', 'e'], ['d', 'e'], ['e'], []]);
});

test('[MCP-RESUME-03] bytes are bounded too, and a busy stream costs a quiet one nothing that it has seen', () => {
  const { log } = createLog(1000, 10);
  const [quiet, busy] = [log.open(), log.open()];
  const seen = log.prime(quiet);
  for (let at = 0; at < 50; at++) log.append(busy, 'xxxxx');
  expect(log.size).toBe(2);
  log.append(quiet, 'now');
  expect(jsonOf(log, seen)).toEqual(['now']);
});

test('[MCP-RESUME-03] events expire, and an ended stream without events is forgotten', () => {
  const { log, clock } = createLog(10, 1000);
  const stream = log.open();
  const first = log.append(stream, 'a');
  const second = log.append(stream, 'b');
  log.close(stream);
  expect(jsonOf(log, first)).toEqual(['b']);
  clock.nowMs = 101;
  expect(log.size).toBe(2);
  expect(log.after(second)).toBeUndefined();
  expect(log.size).toBe(0);
});

test('events of many streams are found after many were dropped', () => {
  const { log } = createLog(100, 1_000_000);
  const streams = [log.open(), log.open(), log.open()];
  let last = '';
  for (let at = 0; at < 999; at++) last = log.append(streams[at % 3] ?? 0, `${at}`);
  const [stream] = last.split('-');
  expect(log.after(`${stream}-${999 - 9}`)?.missed.map(({ json }) => json)).toEqual(['992', '995', '998']);
});
