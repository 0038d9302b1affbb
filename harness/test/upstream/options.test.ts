import { expect, test } from 'vitest';
import { HarnessError } from '../../src/errors.ts';
import { parseServersOptions } from '../../src/upstream/options.ts';
import { Sessions } from '../../src/upstream/sessions.ts';

test('without options: ten servers of 50 tools, 20 resources and 10 prompts, and the fast time server, on free ports', () => {
  expect(parseServersOptions({})).toMatchObject({
    count: 10,
    startPort: 0,
    tools: 50,
    resources: 20,
    prompts: 10,
    fastTime: true,
  });
});

test('all faults are told at once, with the value seen', () => {
  expect(() => parseServersOptions({ count: -1, tools: 1.5, bogus: true })).toThrow(/count.*-1.*tools.*1\.5/s);
  expect(() => parseServersOptions({ bogus: true })).toThrow(HarnessError);
});

test('ports beyond the last one and an empty stack are refused', () => {
  expect(() => parseServersOptions({ startPort: 65_530, count: 6 })).toThrow(/port 65536/);
  expect(parseServersOptions({ startPort: 65_530, count: 6, fastTime: false }).count).toBe(6);
  expect(() => parseServersOptions({ count: 0, fastTime: false })).toThrow(/no server/);
});

test('the longest unused session goes when there are more than 10,000', () => {
  const sessions = new Sessions();
  const first = sessions.open('2025-06-18');
  const second = sessions.open('2025-11-25');
  for (let more = 2; more < 10_000; more++) sessions.open('2025-11-25');
  expect(sessions.find(first)).toBe('2025-06-18');
  sessions.open('2025-11-25');
  expect(sessions.find(second)).toBeUndefined();
  expect(sessions.find(first)).toBe('2025-06-18');
  expect(sessions.end(first)).toBe(true);
  expect(sessions.find(first)).toBeUndefined();
});
