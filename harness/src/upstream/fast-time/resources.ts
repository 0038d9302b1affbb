// The resources of the fast time server: as of the time of the call.
import type { Resource, ResourceTemplate } from '../offer.ts';
import { ToolError } from '../tool.ts';
import { toOffsetText, toTimeText } from './time-text.ts';
import { findZone } from './time-zones.ts';

const cities = {
  'New York': 'America/New_York',
  'Los Angeles': 'America/Los_Angeles',
  'São Paulo': 'America/Sao_Paulo',
  London: 'Europe/London',
  Paris: 'Europe/Paris',
  Lagos: 'Africa/Lagos',
  Dubai: 'Asia/Dubai',
  Mumbai: 'Asia/Kolkata',
  Singapore: 'Asia/Singapore',
  Tokyo: 'Asia/Tokyo',
  Sydney: 'Australia/Sydney',
  Auckland: 'Pacific/Auckland',
};

const businessHours = {
  default: { start: '09:00', end: '17:00', days: ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday'] },
  regions: {
    'America/New_York': { start: '09:00', end: '17:00' },
    'Europe/London': { start: '09:00', end: '17:30' },
    'Asia/Tokyo': { start: '09:00', end: '18:00' },
    'Asia/Dubai': { start: '08:00', end: '17:00' },
  },
};

const formats = {
  input: ['2025-01-10T09:00:00Z', '2025-01-10T09:00:00+01:00', '2025-01-10 09:00:00', '2025-01-10 09:00', '09:00'],
  output: 'RFC 3339: 2025-01-10T19:00:00+09:00, and Z for UTC',
  ambiguous: 'a local time that occurs twice is the earlier one; one that is skipped is moved on by the gap',
};

export const fastTimeResources: Resource[] = [
  toResource('timezone://info', 'timezone_info', 'All IANA time zones with their offset now.', (nowMs) => ({
    timezones: Intl.supportedValuesOf('timeZone').map((name) => ({
      name,
      offset: toOffsetText(findZone(name)(nowMs)),
    })),
  })),
  toResource('time://current/world', 'current_world_times', 'The current time in large cities.', (nowMs) => ({
    utc: toTimeText(nowMs, findZone('UTC')),
    cities: Object.entries(cities).map(([city, timezone]) => ({
      city,
      timezone,
      time: toTimeText(nowMs, findZone(timezone)),
    })),
  })),
  toResource('time://formats', 'time_formats', 'Which time formats are understood and given.', () => formats),
  toResource('time://business-hours', 'business_hours', 'Usual working hours by region.', () => businessHours),
];

const currentPrefix = 'time://current/';

export const fastTimeTemplates: ResourceTemplate[] = [
  {
    definition: {
      uriTemplate: `${currentPrefix}{timezone}`,
      name: 'current_time',
      title: 'current_time',
      description: 'The current time in one time zone, such as time://current/Europe%2FBerlin.',
      mimeType: 'application/json',
    },
    read: readCurrentTime,
  },
];

/** Slashes may come as they are or, as RFC 6570 has it, as %2F. */
function readCurrentTime(uri: string): string | undefined {
  if (!uri.startsWith(currentPrefix)) return undefined;
  try {
    const timezone = decodeURIComponent(uri.slice(currentPrefix.length));
    return JSON.stringify({ timezone, time: toTimeText(Math.floor(Date.now() / 1000) * 1000, findZone(timezone)) });
  } catch (error) {
    // No such zone, or a stray percent sign: then there is no such resource.
    if (error instanceof ToolError || error instanceof URIError) return undefined;
    throw error;
  }
}

function toResource(uri: string, name: string, description: string, create: (nowMs: number) => unknown): Resource {
  return {
    definition: { uri, name, title: name, description, mimeType: 'application/json' },
    read: () => JSON.stringify(create(Math.floor(Date.now() / 1000) * 1000)),
  };
}
