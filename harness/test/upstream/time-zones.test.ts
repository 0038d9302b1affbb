import { expect, test } from 'vitest';
import { findZone, toInstant } from '../../src/upstream/fast-time/time-zones.ts';
import { ToolError } from '../../src/upstream/tool.ts';

const hourMs = 3_600_000;

/** The local time that ICU itself prints, as if it were UTC: the other way round than by offsets. */
function createLocal(timeZone: string): (instantMs: number) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  return (instantMs) => {
    const [month = 0, day = 0, year = 0, hour = 0, minute = 0, second = 0] = (
      format.format(instantMs).match(/\d+/g) ?? []
    ).map(Number);
    return Date.UTC(year, month - 1, day, hour, minute, second);
  };
}

test('the offset of every IANA zone agrees with the local time that ICU prints, around every hour of a change', () => {
  const failures: string[] = [];
  for (const name of Intl.supportedValuesOf('timeZone')) {
    const toOffset = findZone(name);
    const toLocal = createLocal(name);
    // Instants that are no multiple of a quarter, forwards and backwards, from before standard time until 2037.
    for (let step = 0; step < 60; step++) {
      const instantMs = Math.floor((Date.UTC(1880, 0) + step * 2.6 * 365.25 * 24 * hourMs) / 1000) * 1000;
      for (const ms of [instantMs, instantMs + 899_000, instantMs - 1000]) {
        if (toOffset(ms) !== toLocal(ms) - ms) failures.push(`${name} ${new Date(ms).toISOString()}`);
      }
    }
  }
  expect(failures).toEqual([]);
});

test('since 1973 every change of clocks lies on a whole minute of UTC, so that offsets may be remembered by minute', () => {
  const failures: string[] = [];
  for (const name of Intl.supportedValuesOf('timeZone')) {
    const format = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' });
    const toText = (ms: number) => format.format(ms).slice(format.format(ms).lastIndexOf('GMT'));
    const stepMs = 45 * 24 * hourMs;
    for (let low = Date.UTC(1973, 0); low < Date.UTC(2030, 0); low += stepMs) {
      let before = low;
      let after = low + stepMs;
      if (toText(before) === toText(after)) continue;
      while (after - before > 1000) {
        const middle = Math.floor((before + after) / 2000) * 1000;
        if (toText(middle) === toText(before)) before = middle;
        else after = middle;
      }
      if (after % 60_000 !== 0) failures.push(`${name} ${new Date(after).toISOString()}`);
    }
  }
  expect(failures).toEqual([]);
}, 120_000);

test('a local time that occurs twice is the earlier instant', () => {
  const berlin = findZone('Europe/Berlin');
  expect(toInstant(Date.UTC(2025, 9, 26, 2, 30), berlin)).toBe(Date.UTC(2025, 9, 26, 0, 30));
});

test('a local time that is skipped is moved on by the gap', () => {
  const newYork = findZone('America/New_York');
  expect(toInstant(Date.UTC(2025, 2, 9, 2, 30), newYork)).toBe(Date.UTC(2025, 2, 9, 7, 30));
});

test('a whole day that was skipped (Samoa, 30 December 2011) is moved on, too', () => {
  const apia = findZone('Pacific/Apia');
  expect(toInstant(Date.UTC(2011, 11, 30, 12), apia)).toBe(Date.UTC(2011, 11, 30, 22));
});

test('a local time on either side of a change takes the offset of its side', () => {
  const berlin = findZone('Europe/Berlin');
  expect(toInstant(Date.UTC(2025, 2, 30, 1, 59), berlin)).toBe(Date.UTC(2025, 2, 30, 0, 59));
  expect(toInstant(Date.UTC(2025, 2, 30, 3, 0), berlin)).toBe(Date.UTC(2025, 2, 30, 1, 0));
});

test('there and back again gives the same local time in every zone, in winter and in summer', () => {
  for (const name of Intl.supportedValuesOf('timeZone')) {
    const toOffset = findZone(name);
    for (const localMs of [Date.UTC(2025, 0, 15, 12), Date.UTC(2025, 6, 15, 12)]) {
      const instantMs = toInstant(localMs, toOffset);
      expect(instantMs + toOffset(instantMs), name).toBe(localMs);
    }
  }
});

test('names are taken in any case, and what is no zone is refused', () => {
  expect(findZone('europe/BERLIN')(0)).toBe(hourMs);
  for (const name of ['Mars/Olympus', '', 'x'.repeat(10_000), '../etc/passwd', '__proto__']) {
    expect(() => findZone(name)).toThrow(ToolError);
  }
});
