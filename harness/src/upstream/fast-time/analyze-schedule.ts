// The complex tool: CPU work and an answer that grow with the entries. Pure but for "today" in times without a date.
import type { Static } from 'typebox';
import { defineTool, structuredResult, ToolError } from '../tool.ts';
import { AnalyzeScheduleInput, ScheduleAnalysis, type ScheduleEntry } from './schedule.ts';
import { parseTime, toTimeText } from './time-text.ts';
import { findZone } from './time-zones.ts';

export const analyzeSchedule = defineTool({
  name: 'analyze_schedule',
  title: 'Analyse a schedule',
  description: 'Finds conflicts, busy and free times in a schedule across time zones. Work and answer grow with it.',
  input: AnalyzeScheduleInput,
  output: ScheduleAnalysis,
  run: (input) => structuredResult(toAnalysis(input, Date.now())),
});

interface Span {
  startMs: number;
  endMs: number;
}

interface TimedEntry extends Span {
  title: string;
  attendees: Set<string>;
}

const maxListedConflicts = 1000;

/** @throws ToolError for an invalid zone or time, or an end that is not after its start */
export function toAnalysis(input: Static<typeof AnalyzeScheduleInput>, nowMs: number): ScheduleAnalysis {
  const entries = input.entries.map((entry, index) => toTimed(entry, index, nowMs));
  entries.sort((a, b) => a.startMs - b.startMs || a.endMs - b.endMs);
  const utc = findZone('UTC');
  const zones = input.timezones.map((timezone) => ({ timezone, toOffset: findZone(timezone) }));
  const busy = mergeSpans(entries);
  const conflicts = findConflicts(entries);
  const attendees = toAttendees(entries);
  return {
    summary: {
      entries: entries.length,
      attendees: attendees.length,
      first: toTimeText(busy[0]?.startMs ?? 0, utc),
      last: toTimeText(busy.at(-1)?.endMs ?? 0, utc),
      totalMinutes: toMinutes(entries.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0)),
      busyMinutes: toMinutes(busy.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0)),
      conflicts: conflicts.count,
      mostAtOnce: countMostAtOnce(entries),
    },
    entries: entries.map(({ title, startMs, endMs }) => ({
      title,
      minutes: toMinutes(endMs - startMs),
      local: zones.map(({ timezone, toOffset }) => ({
        timezone,
        start: toTimeText(startMs, toOffset),
        end: toTimeText(endMs, toOffset),
      })),
    })),
    conflicts: conflicts.listed,
    attendees,
    free: toGaps(busy).map(({ startMs, endMs }) => ({
      start: toTimeText(startMs, utc),
      end: toTimeText(endMs, utc),
      minutes: toMinutes(endMs - startMs),
    })),
  };
}

function toTimed(entry: ScheduleEntry, index: number, nowMs: number): TimedEntry {
  const zone = findZone(entry.timezone);
  const startMs = parseTime(entry.start, zone, nowMs);
  const endMs = parseTime(entry.end, zone, nowMs);
  if (endMs <= startMs) throw new ToolError(`entry ${index} ends at ${entry.end}, not after its start ${entry.start}`);
  return { title: entry.title, startMs, endMs, attendees: new Set(entry.attendees) };
}

function toMinutes(milliseconds: number): number {
  return Math.round(milliseconds / 60_000);
}

/** Spans sorted by start → spans that do not touch. */
function mergeSpans(sorted: Span[]): Span[] {
  const merged: Span[] = [];
  for (const { startMs, endMs } of sorted) {
    const last = merged.at(-1);
    if (last !== undefined && startMs <= last.endMs) last.endMs = Math.max(last.endMs, endMs);
    else merged.push({ startMs, endMs });
  }
  return merged;
}

function toGaps(merged: Span[]): Span[] {
  return merged.slice(1).map((span, index) => ({ startMs: merged[index]?.endMs ?? span.startMs, endMs: span.startMs }));
}

function findConflicts(sorted: TimedEntry[]): { count: number; listed: ScheduleAnalysis['conflicts'] } {
  const listed: ScheduleAnalysis['conflicts'] = [];
  let count = 0;
  sorted.forEach((first, index) => {
    for (let next = index + 1; next < sorted.length; next++) {
      const second = sorted[next];
      // Sorted by start: nothing later can overlap any more.
      if (second === undefined || second.startMs >= first.endMs) break;
      if (isDisjoint(first.attendees, second.attendees)) continue;
      count++;
      if (listed.length === maxListedConflicts) continue;
      listed.push({
        first: first.title,
        second: second.title,
        minutes: toMinutes(Math.min(first.endMs, second.endMs) - second.startMs),
        attendees: [...first.attendees].filter((name) => second.attendees.has(name)),
      });
    }
  });
  return { count, listed };
}

function isDisjoint(a: Set<string>, b: Set<string>): boolean {
  for (const name of a) if (b.has(name)) return false;
  return true;
}

function countMostAtOnce(entries: Span[]): number {
  // At the same instant an end (-1) comes before a start (+1): touching is not overlapping.
  const steps = entries.flatMap(({ startMs, endMs }) => [
    { atMs: startMs, change: 1 },
    { atMs: endMs, change: -1 },
  ]);
  steps.sort((a, b) => a.atMs - b.atMs || a.change - b.change);
  let running = 0;
  let most = 0;
  for (const { change } of steps) {
    running += change;
    most = Math.max(most, running);
  }
  return most;
}

function toAttendees(sorted: TimedEntry[]): ScheduleAnalysis['attendees'] {
  const byName = new Map<string, Span[]>();
  for (const entry of sorted) {
    for (const name of entry.attendees) {
      const spans = byName.get(name);
      if (spans === undefined) byName.set(name, [entry]);
      else spans.push(entry);
    }
  }
  return [...byName].map(([name, spans]) => {
    const busy = mergeSpans(spans);
    const gaps = toGaps(busy).map(({ startMs, endMs }) => toMinutes(endMs - startMs));
    return {
      name,
      entries: spans.length,
      busyMinutes: toMinutes(busy.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0)),
      longestFreeMinutes: Math.max(0, ...gaps),
    };
  });
}
