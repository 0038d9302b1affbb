import { describe, expect, test } from 'vitest';
import { parseTime, toOffsetText, toTimeText } from '../../src/upstream/fast-time/time-text.ts';
import { findZone } from '../../src/upstream/fast-time/time-zones.ts';
import { ToolError } from '../../src/upstream/tool.ts';

const nowMs = Date.UTC(2025, 5, 30, 22, 30);
const berlin = findZone('Europe/Berlin');

describe('parseTime', () => {
  test.each([
    ['2025-01-10T09:00:00Z', '2025-01-10T09:00:00.000Z'],
    ['2025-01-10t09:00:00z', '2025-01-10T09:00:00.000Z'],
    ['2025-01-10T09:00:00+05:30', '2025-01-10T03:30:00.000Z'],
    ['2025-01-10T09:00:00-0800', '2025-01-10T17:00:00.000Z'],
    ['2025-01-10T09:00:00.123456Z', '2025-01-10T09:00:00.123Z'],
    ['2025-01-10T09:00:00.5', '2025-01-10T08:00:00.500Z'],
    ['2025-07-10 09:00:00', '2025-07-10T07:00:00.000Z'],
    ['2025-01-10 09:00', '2025-01-10T08:00:00.000Z'],
    ['2025-01-10', '2025-01-09T23:00:00.000Z'],
    ['2024-02-29 00:00', '2024-02-28T23:00:00.000Z'],
    ['0099-06-01T00:00:00Z', '0099-06-01T00:00:00.000Z'],
  ])('%s in Berlin is %s', (text, expected) => {
    expect(new Date(parseTime(text, berlin, nowMs)).toISOString()).toBe(expected);
  });

  test('a time without a date is of today in the zone, not in UTC', () => {
    // It is half past midnight of 1 July in Berlin.
    expect(new Date(parseTime('09:00', berlin, nowMs)).toISOString()).toBe('2025-07-01T07:00:00.000Z');
    expect(new Date(parseTime('09:00', findZone('UTC'), nowMs)).toISOString()).toBe('2025-06-30T09:00:00.000Z');
  });

  test.each([
    '',
    ' ',
    'Z',
    '+05:00',
    'now',
    '25:00',
    '12:60',
    '9:00',
    '2025-02-29',
    '2025-13-01',
    '2025-00-10',
    '2025-01-10T',
    '2025-01-1009:00',
    '2025-01-10T24:00:00Z',
    '2025-01-10T09:00:00+25:00',
    '0000-01-01T00:00:00Z',
    `2025-01-10T09:00:00.${'1'.repeat(50_000)}Z`,
  ])('%s is refused', (text) => {
    expect(() => parseTime(text, berlin, nowMs)).toThrow(ToolError);
  });
});

describe('toTimeText', () => {
  test('gives the local time with its offset, Z where there is none', () => {
    const instantMs = Date.UTC(2025, 0, 10, 10);
    expect(toTimeText(instantMs, findZone('Asia/Tokyo'))).toBe('2025-01-10T19:00:00+09:00');
    expect(toTimeText(instantMs, findZone('America/St_Johns'))).toBe('2025-01-10T06:30:00-03:30');
    expect(toTimeText(instantMs, findZone('UTC'))).toBe('2025-01-10T10:00:00Z');
    expect(toTimeText(instantMs + 7, findZone('Asia/Tokyo'))).toBe('2025-01-10T19:00:00.007+09:00');
  });

  test('gives seconds of an offset only where there are some', () => {
    expect(toOffsetText(-75_000)).toBe('-00:01:15');
    expect(toOffsetText(20_700_000)).toBe('+05:45');
  });
});
