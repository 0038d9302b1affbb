import { Value } from 'typebox/value';
import { expect, test } from 'vitest';
import { toAnalysis } from '../../src/upstream/fast-time/analyze-schedule.ts';
import { ScheduleAnalysis, type ScheduleEntry } from '../../src/upstream/fast-time/schedule.ts';
import { ToolError } from '../../src/upstream/tool.ts';

function meeting(title: string, start: string, end: string, attendees: string[], timezone = 'UTC'): ScheduleEntry {
  return { title, start: `2025-01-10 ${start}`, end: `2025-01-10 ${end}`, timezone, attendees };
}

const entries = [
  meeting('review', '11:00', '12:00', ['ann', 'bob']),
  meeting('stand-up', '09:00', '09:30', ['ann', 'bob', 'cy']),
  meeting('planning', '09:15', '10:00', ['cy', 'dee']),
  meeting('lunch', '12:00', '13:00', ['ann']),
  // 10:30 to 11:30 in UTC
  meeting('call', '19:30', '20:30', ['dee'], 'Asia/Tokyo'),
];

const analysis = toAnalysis({ entries, timezones: ['UTC', 'Asia/Tokyo'] }, 0);

test('sums up entries, minutes, conflicts and the most at once', () => {
  expect(analysis.summary).toEqual({
    entries: 5,
    attendees: 4,
    first: '2025-01-10T09:00:00Z',
    last: '2025-01-10T13:00:00Z',
    totalMinutes: 30 + 45 + 60 + 60 + 60,
    busyMinutes: 60 + 150,
    conflicts: 1,
    mostAtOnce: 2,
  });
});

test('a conflict is an overlap of entries that share an attendee, in minutes of the overlap', () => {
  expect(analysis.conflicts).toEqual([{ first: 'stand-up', second: 'planning', minutes: 15, attendees: ['cy'] }]);
});

test('gives each entry in each zone, in the order of their starts', () => {
  expect(analysis.entries.map((entry) => entry.title)).toEqual(['stand-up', 'planning', 'call', 'review', 'lunch']);
  expect(analysis.entries[2]).toEqual({
    title: 'call',
    minutes: 60,
    local: [
      { timezone: 'UTC', start: '2025-01-10T10:30:00Z', end: '2025-01-10T11:30:00Z' },
      { timezone: 'Asia/Tokyo', start: '2025-01-10T19:30:00+09:00', end: '2025-01-10T20:30:00+09:00' },
    ],
  });
});

test('gives busy time and the longest gap of each attendee, and the gaps of all', () => {
  expect(analysis.attendees.find(({ name }) => name === 'ann')).toEqual({
    name: 'ann',
    entries: 3,
    busyMinutes: 150,
    longestFreeMinutes: 90,
  });
  expect(analysis.free).toEqual([{ start: '2025-01-10T10:00:00Z', end: '2025-01-10T10:30:00Z', minutes: 30 }]);
});

test('matches the schema that the tool advertises', () => {
  expect(Value.Check(ScheduleAnalysis, analysis)).toBe(true);
});

test('an end that is not after its start is refused, and so is an unknown zone to report in', () => {
  const reversed = [meeting('reversed', '10:00', '10:00', [])];
  expect(() => toAnalysis({ entries: reversed, timezones: [] }, 0)).toThrow(/entry 0 ends/);
  expect(() => toAnalysis({ entries, timezones: ['Nowhere'] }, 0)).toThrow(ToolError);
});

test('a thousand entries that all conflict are counted exactly, and 1,000 of the conflicts are listed', () => {
  const crowd = Array.from({ length: 1000 }, (_, index) => meeting(`m${index}`, '09:00', '10:00', ['ann']));
  const { summary, conflicts } = toAnalysis({ entries: crowd, timezones: [] }, 0);
  expect(summary).toMatchObject({ conflicts: (1000 * 999) / 2, mostAtOnce: 1000, busyMinutes: 60 });
  expect(conflicts).toHaveLength(1000);
});
