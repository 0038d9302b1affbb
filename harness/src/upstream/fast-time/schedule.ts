// Shapes of `analyze_schedule`.
import { type Static, Type } from 'typebox';

export const ScheduleEntry = Type.Object({
  title: Type.String({ maxLength: 500 }),
  start: Type.String({ description: 'as in convert_time' }),
  end: Type.String({ description: 'after start' }),
  timezone: Type.String({ default: 'UTC', description: 'IANA name of the zone that start and end are local to' }),
  attendees: Type.Array(Type.String({ maxLength: 200 }), { default: [], maxItems: 100 }),
});
export type ScheduleEntry = Static<typeof ScheduleEntry>;

export const AnalyzeScheduleInput = Type.Object({
  entries: Type.Array(ScheduleEntry, { minItems: 1, maxItems: 1000, description: 'the work grows with their number' }),
  timezones: Type.Array(Type.String(), {
    default: ['UTC', 'America/New_York', 'Europe/Berlin', 'Asia/Tokyo'],
    maxItems: 20,
    description: 'every entry is given in the local time of each',
  }),
});

const Minutes = Type.Integer({ minimum: 0 });

export const ScheduleAnalysis = Type.Object({
  summary: Type.Object({
    entries: Type.Integer(),
    attendees: Type.Integer(),
    first: Type.String({ description: 'RFC 3339, UTC' }),
    last: Type.String({ description: 'RFC 3339, UTC' }),
    totalMinutes: Minutes,
    busyMinutes: Type.Integer({ minimum: 0, description: 'at least one entry runs' }),
    conflicts: Type.Integer({ description: 'pairs that overlap and share an attendee' }),
    mostAtOnce: Type.Integer({ description: 'entries that run at the same time' }),
  }),
  entries: Type.Array(
    Type.Object({
      title: Type.String(),
      minutes: Minutes,
      local: Type.Array(Type.Object({ timezone: Type.String(), start: Type.String(), end: Type.String() })),
    }),
  ),
  conflicts: Type.Array(
    Type.Object({
      first: Type.String(),
      second: Type.String(),
      minutes: Minutes,
      attendees: Type.Array(Type.String()),
    }),
    { maxItems: 1000, description: 'the first 1,000' },
  ),
  attendees: Type.Array(
    Type.Object({ name: Type.String(), entries: Type.Integer(), busyMinutes: Minutes, longestFreeMinutes: Minutes }),
  ),
  free: Type.Array(Type.Object({ start: Type.String(), end: Type.String(), minutes: Minutes }), {
    description: 'gaps between the first and the last entry in which nothing runs',
  }),
});
export type ScheduleAnalysis = Static<typeof ScheduleAnalysis>;
