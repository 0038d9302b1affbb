// Offsets of IANA time zones, from the ICU data of Node. One formatter per zone is kept: making one takes 150 µs, using it 1.5 µs.
import { ToolError } from '../tool.ts';

/** Milliseconds to add to UTC for the zone's local time at that instant. */
export type ToOffset = (instantMs: number) => number;

// By lower-case name, because ICU accepts any case: so the number of entries is bounded by that of zones (about 600).
const zones = new Map<string, ToOffset>([['utc', () => 0]]);

/** @throws ToolError for a name that is no time zone */
export function findZone(name: string): ToOffset {
  const key = name.toLowerCase();
  const known = zones.get(key);
  if (known !== undefined) return known;
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' });
  } catch (error) {
    throw new ToolError(
      `invalid timezone ${JSON.stringify(name.slice(0, 100))}: expected an IANA name such as Europe/Berlin`,
      {
        cause: error,
      },
    );
  }
  const toOffset = rememberOffsets((instantMs) => parseOffset(format.format(instantMs)));
  zones.set(key, toOffset);
  return toOffset;
}

// Since 1973 every zone changes its clocks on a whole minute of UTC (St. John's at 00:01, Kiritimati by 10:40; local mean
// times before did not): a test goes through all changes. Remembering halves the time of a conversion.
const minuteMs = 60_000;
const firstWholeMinuteMs = Date.UTC(1973, 0);
const maxMinutes = 512;

function rememberOffsets(toOffset: ToOffset): ToOffset {
  const byMinute = new Map<number, number>();
  return (instantMs) => {
    if (instantMs < firstWholeMinuteMs) return toOffset(instantMs);
    const minute = Math.floor(instantMs / minuteMs);
    const known = byMinute.get(minute);
    if (known !== undefined) return known;
    if (byMinute.size >= maxMinutes) byMinute.clear();
    const offset = toOffset(instantMs);
    byMinute.set(minute, offset);
    return offset;
  };
}

/** `1/10/2025, GMT+05:30` → 19,800,000. Before standard time there are seconds, too: `GMT-00:01:15`. */
function parseOffset(text: string): number {
  const start = text.lastIndexOf('GMT') + 3;
  if (start === text.length) return 0;
  const [hours = 0, minutes = 0, seconds = 0] = text
    .slice(start + 1)
    .split(':')
    .map(Number);
  const size = ((hours * 60 + minutes) * 60 + seconds) * 1000;
  return text[start] === '-' || text[start] === '\u2212' ? -size : size;
}

const dayMs = 86_400_000;

/**
 * The instant of a local time, given as if it were UTC. In an overlap the earlier one; a time that was skipped is moved
 * on by the gap: "compatible" in https://tc39.es/proposal-temporal/docs/ambiguity.html
 */
export function toInstant(localMs: number, toOffset: ToOffset): number {
  const before = localMs - toOffset(localMs - dayMs);
  const after = localMs - toOffset(localMs + dayMs);
  if (before === after) return before;
  const isBefore = before + toOffset(before) === localMs;
  const isAfter = after + toOffset(after) === localMs;
  return isAfter && !isBefore ? after : before;
}
