import { expect, test } from 'vitest';
import { type SseEvent, SseParser } from '../../src/federation/sse-parser.ts';

const stream =
  '\uFEFFdata: one\n\n: comment\r\ndata:two\r\ndata: lines\r\n\r\nid: 1\nevent: x\ndata\n\nretry: 5\n\ndata: grüße 🌍\r\rdata: cut off';

test.each([1, 2, 3, 5, 8, 1_000])('events are the same in pieces of %i bytes', (size) => {
  const parser = new SseParser();
  const bytes = Buffer.from(stream);
  const events: SseEvent[] = [];
  for (let at = 0; at < bytes.length; at += size) events.push(...parser.push(bytes.subarray(at, at + size)));
  expect(events.map(({ data }) => data)).toEqual(['one', 'two\nlines', '', 'grüße 🌍']);
  expect(events.map(({ type }) => type)).toEqual(['message', 'message', 'x', 'message']);
  expect(parser).toMatchObject({ lastEventId: '1', retryMs: 5 });
});
