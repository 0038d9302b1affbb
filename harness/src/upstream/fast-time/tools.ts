// The tools of the fast time server. Names and arguments of the first two as in ContextForge's fast-time-server.
import { Type } from 'typebox';
import { defineTool, type Tool, ToolError, textResult } from '../tool.ts';
import { analyzeSchedule } from './analyze-schedule.ts';
import { delay } from './delay.ts';
import { parseTime, toTimeText } from './time-text.ts';
import { findZone } from './time-zones.ts';

/** Larger answers are refused: the server's memory is the benchmark's, too. */
const maxPayloadCharacters = 4 * 1024 * 1024;

const GetSystemTimeInput = Type.Object({
  timezone: Type.String({ default: 'UTC', description: 'IANA name, such as America/New_York' }),
});

const ConvertTimeInput = Type.Object({
  time: Type.String({ description: 'RFC 3339, or a local time such as 2025-01-10 09:00, or 09:00 (today)' }),
  source_timezone: Type.String({ description: 'IANA name of the zone that the time is local to' }),
  target_timezone: Type.String({ description: 'IANA name of the zone to convert to' }),
});

const EchoPayloadInput = Type.Object({
  payload: Type.String({ description: 'comes back, as often as `repeat` says' }),
  repeat: Type.Integer({ default: 1, minimum: 1, maximum: 1000, description: 'times' }),
});

const getSystemTime = defineTool({
  name: 'get_system_time',
  title: 'System time',
  description: 'Answers the current time in a time zone.',
  input: GetSystemTimeInput,
  run: ({ timezone }) => textResult(toTimeText(Math.floor(Date.now() / 1000) * 1000, findZone(timezone))),
});

const convertTime = defineTool({
  name: 'convert_time',
  title: 'Convert time',
  description: 'Converts a time from one time zone to another.',
  input: ConvertTimeInput,
  run: ({ time, source_timezone, target_timezone }) => {
    const source = findZone(source_timezone);
    const target = findZone(target_timezone);
    return textResult(toTimeText(parseTime(time, source, Date.now()), target));
  },
});

const echoPayload = defineTool({
  name: 'echo_payload',
  title: 'Echo a payload',
  description: 'Answers the payload: for requests and answers of any size.',
  input: EchoPayloadInput,
  run: ({ payload, repeat }) => {
    if (payload.length * repeat > maxPayloadCharacters) {
      throw new ToolError(
        `the answer would have ${payload.length * repeat} characters, at most ${maxPayloadCharacters}`,
      );
    }
    return textResult(payload.repeat(repeat));
  },
});

export const fastTimeTools: Tool[] = [getSystemTime, convertTime, analyzeSchedule, echoPayload, delay];
