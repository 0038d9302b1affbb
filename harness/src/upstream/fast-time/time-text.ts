// Times as text: what people write → an instant, and an instant → RFC 3339.
import { ToolError } from '../tool.ts';
import { type ToOffset, toInstant } from './time-zones.ts';

// date? time? offset?, as in 2025-01-10T09:00:00.5+01:00 · 2025-01-10 09:00 · 2025-01-10 · 09:00
const pattern =
  /^(?:(\d{4})-(\d{2})-(\d{2})(?:[Tt ](?=\d)|$))?(?:(\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)? ?([Zz]|[+-]\d{2}:?\d{2})?$/;

/**
 * A time with an offset is that instant; one without is local to `toOffset`; one without a date is of today there.
 * @throws ToolError for anything else
 */
export function parseTime(text: string, toOffset: ToOffset, nowMs: number): number {
  const match = pattern.exec(text);
  const [, year, month, day, hour, minute = '0', second = '0', fraction = '', offset] = match ?? [];
  if (year === undefined && hour === undefined) throw invalidTime(text);
  const date =
    year === undefined
      ? toDate(nowMs + toOffset(nowMs))
      : { year: Number(year), month: Number(month), day: Number(day) };
  const clock = { hour: Number(hour ?? 0), minute: Number(minute), second: Number(second) };
  if (clock.hour > 23 || clock.minute > 59 || clock.second > 59 || date.year === 0) throw invalidTime(text);
  // setUTCFullYear: Date.UTC takes the years 0 to 99 for 1900 to 1999.
  const local = new Date(0);
  local.setUTCFullYear(date.year, date.month - 1, date.day);
  if (local.getUTCMonth() !== date.month - 1 || local.getUTCDate() !== date.day) throw invalidTime(text);
  const milliseconds = Number(fraction.slice(0, 3).padEnd(3, '0'));
  const localMs = local.setUTCHours(clock.hour, clock.minute, clock.second, milliseconds);
  return offset === undefined ? toInstant(localMs, toOffset) : localMs - parseOffset(offset, text);
}

function toDate(localMs: number): { year: number; month: number; day: number } {
  const date = new Date(localMs);
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
}

function parseOffset(offset: string, text: string): number {
  if (offset === 'Z' || offset === 'z') return 0;
  const hours = Number(offset.slice(1, 3));
  const minutes = Number(offset.slice(-2));
  if (hours > 23 || minutes > 59) throw invalidTime(text);
  return (offset[0] === '-' ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

function invalidTime(text: string): ToolError {
  return new ToolError(
    `invalid time ${JSON.stringify(text.slice(0, 100))}: expected such as 2025-01-10T09:00:00Z, 2025-01-10 09:00 or 09:00`,
  );
}

/** `2025-01-10T19:00:00+09:00`, with milliseconds only where there are some. */
export function toTimeText(instantMs: number, toOffset: ToOffset): string {
  const offsetMs = toOffset(instantMs);
  const local = new Date(instantMs + offsetMs).toISOString();
  return (local.endsWith('.000Z') ? local.slice(0, -5) : local.slice(0, -1)) + toOffsetText(offsetMs);
}

/** `Z`, `+05:30`; seconds only for local mean times before standard time. */
export function toOffsetText(offsetMs: number): string {
  if (offsetMs === 0) return 'Z';
  const seconds = Math.abs(offsetMs) / 1000;
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  if (seconds % 60 !== 0) parts.push(seconds % 60);
  return (offsetMs < 0 ? '-' : '+') + parts.map((part) => String(part).padStart(2, '0')).join(':');
}
