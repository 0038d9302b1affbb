// The log: one line per event on standard error, secrets taken out; further readers (the table of log entries) get each line.
import { type DestinationStream, type Logger, pino } from 'pino';
import type { Config } from '../config.ts';
import { redact } from './redact.ts';

export type LogSink = (line: string) => void;

/** @param sink gets every line that is logged, as JSON */
export function createLog(config: Pick<Config, 'LOG_LEVEL' | 'LOG_FORMAT'>, sink?: LogSink): Logger {
  const stderr = pino.destination({ dest: 2, sync: false });
  return createLogTo(stderr, config, sink);
}

export function createLogTo(
  destination: DestinationStream,
  config: Pick<Config, 'LOG_LEVEL' | 'LOG_FORMAT'>,
  sink?: LogSink,
): Logger {
  const isText = config.LOG_FORMAT === 'text';
  const write = (line: string) => {
    destination.write(isText ? toText(line) : line);
    sink?.(line);
  };
  return pino(
    { level: config.LOG_LEVEL, hooks: { streamWrite: redact } },
    isText || sink !== undefined ? { write } : destination,
  );
}

/** `12:00:00.000 WARN request failed code=GW_UNAUTHORIZED method="GET /tools"` */
function toText(line: string): string {
  const { time, level, msg, pid: _, hostname: __, ...rest } = JSON.parse(line) as Record<string, unknown>;
  const label = (pino.levels.labels[Number(level)] ?? String(level)).toUpperCase();
  const details = Object.entries(rest).map(([name, value]) => ` ${name}=${toValue(value)}`);
  return `${new Date(Number(time)).toISOString()} ${label} ${msg ?? ''}${details.join('')}\n`;
}

function toValue(value: unknown): string {
  return typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}
