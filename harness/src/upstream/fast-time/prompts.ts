// The prompts of the fast time server.
import type { Prompt, PromptMessage } from '../offer.ts';

export const fastTimePrompts: Prompt[] = [
  {
    definition: {
      name: 'compare_timezones',
      title: 'Compare time zones',
      description: 'Compares the current or a given time across time zones.',
      arguments: [
        { name: 'timezones', description: 'IANA names, separated by commas', required: true },
        { name: 'reference_time', description: 'RFC 3339; now when left out', required: false },
      ],
    },
    get: ({ timezones = '', reference_time = 'now' }) =>
      ask(
        `Compare the time in these zones: ${toList(timezones)}. The reference is ${reference_time}. ` +
          'Give the local time of each, the differences in hours, and say where it is another day.',
      ),
  },
  {
    definition: {
      name: 'schedule_meeting',
      title: 'Schedule a meeting',
      description: 'Finds a time for a meeting of people in several time zones.',
      arguments: [
        { name: 'participants', description: 'places or IANA names, separated by commas', required: true },
        { name: 'duration', description: 'minutes', required: true },
        { name: 'preferred_times', description: 'such as "mornings in Europe"', required: false },
        { name: 'date_range', description: 'such as "next week"', required: false },
      ],
    },
    get: ({ participants = '', duration = '', preferred_times = 'working hours', date_range = 'the next five days' }) =>
      ask(
        `Find a time for a meeting of ${duration} minutes with people in: ${toList(participants)}. ` +
          `It should lie in ${date_range}, preferably in ${preferred_times}. ` +
          'Propose three times, each with the local time of everyone, the fairest first.',
      ),
  },
  {
    definition: {
      name: 'convert_time_detailed',
      title: 'Convert a time, with explanation',
      description: 'Converts a time to several time zones and explains the differences.',
      arguments: [
        { name: 'time', description: 'the time to convert', required: true },
        { name: 'from_timezone', description: 'IANA name', required: true },
        { name: 'to_timezones', description: 'IANA names, separated by commas', required: true },
        {
          name: 'include_context',
          description: '"true": also say whether it is day, night or a holiday',
          required: false,
        },
      ],
    },
    get: ({ time = '', from_timezone = '', to_timezones = '', include_context }) =>
      ask(
        `Convert ${time} in ${from_timezone} to: ${toList(to_timezones)}. Explain daylight saving where it matters.` +
          (include_context === 'true' ? ' Say for each place whether people work, sleep or have a holiday then.' : ''),
      ),
  },
];

function ask(text: string): PromptMessage[] {
  return [{ role: 'user', content: { type: 'text', text } }];
}

function toList(commaSeparated: string): string {
  const names = commaSeparated.split(',').map((name) => name.trim());
  return names.filter((name) => name !== '').join(', ');
}
