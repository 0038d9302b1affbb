// Errors in a gateway's log: JSON lines as pino (or Python's structlog) writes them, or plain text.
import { type Static, Type } from 'typebox';
import { redactLog } from '../redact.ts';

const strict = { additionalProperties: false } as const;

export const LogErrors = Type.Object(
  {
    lines: Type.Integer(),
    errors: Type.Integer(),
    warnings: Type.Integer(),
    byType: Type.Array(Type.Object({ type: Type.String(), count: Type.Integer() }, strict), {
      description: 'errors by code, error class or message, most frequent first, at most 20',
    }),
    idleInTransactionTimeouts: Type.Integer({ description: 'sessions that PostgreSQL ended (25P03)' }),
    lastErrors: Type.Array(Type.String(), { description: 'last error lines, tokens removed, at most 10' }),
  },
  strict,
);
export type LogErrors = Static<typeof LogErrors>;

const MOST_TYPES = 20;
const MOST_LINES = 10;
const LINE_LENGTH = 500;
/** PostgreSQL's message and SQLSTATE; the server writes "-", clients repeat it with their own spelling. */
const IDLE_IN_TRANSACTION = /idle-in-transaction (?:session )?timeout|\b25P03\b/i;
const TEXT_ERROR = /\b(?:ERROR|CRITICAL|FATAL|PANIC)\b|^Traceback |^(?:[A-Z]\w*)?(?:Error|Exception):/;
const TEXT_WARNING = /\bWARN(?:ING)?\b/;

interface Line {
  level: 'error' | 'warning' | 'other';
  type: string;
}

/** @param secrets known tokens, removed from the lines that are kept */
export function countLogErrors(text: string, secrets: readonly string[] = []): LogErrors {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const counts = new Map<string, number>();
  const errorLines: string[] = [];
  const seen: LogErrors = {
    lines: lines.length,
    errors: 0,
    warnings: 0,
    byType: [],
    idleInTransactionTimeouts: 0,
    lastErrors: [],
  };
  for (const line of lines) {
    if (IDLE_IN_TRANSACTION.test(line)) seen.idleInTransactionTimeouts++;
    const { level, type } = line.startsWith('{') ? readJsonLine(line) : readTextLine(line);
    if (level === 'warning') seen.warnings++;
    if (level !== 'error') continue;
    seen.errors++;
    const clean = redactLog(type, secrets).slice(0, 120);
    counts.set(clean, (counts.get(clean) ?? 0) + 1);
    errorLines.push(line);
  }
  seen.byType = [...counts]
    .map(([type, count]) => ({ type, count }))
    .sort((one, other) => other.count - one.count)
    .slice(0, MOST_TYPES);
  seen.lastErrors = errorLines.slice(-MOST_LINES).map((line) => redactLog(line, secrets).slice(0, LINE_LENGTH));
  return seen;
}

/** pino's numbers: 40 warn, 50 error, 60 fatal (https://getpino.io/#/docs/api?id=loggerlevels). */
function readJsonLine(line: string): Line {
  let entry: unknown;
  try {
    entry = JSON.parse(line);
  } catch {
    // A line that was cut short, or only looks like JSON.
    return readTextLine(line);
  }
  if (typeof entry !== 'object' || entry === null) return readTextLine(line);
  const fields = entry as Record<string, unknown>;
  const error = (fields['err'] ?? fields['error']) as unknown;
  const inner = typeof error === 'object' && error !== null ? (error as Record<string, unknown>) : {};
  const named = [fields['code'], inner['code'], inner['type'], inner['name'], fields['msg'], fields['event']];
  const type = named.find((name) => typeof name === 'string' && name !== '') as string | undefined;
  return { level: toLevel(fields['level']), type: type ?? 'error without a message' };
}

function toLevel(level: unknown): Line['level'] {
  if (typeof level === 'number') return level >= 50 ? 'error' : level >= 40 ? 'warning' : 'other';
  const word = String(level).toLowerCase();
  if (['error', 'critical', 'fatal'].includes(word)) return 'error';
  return ['warn', 'warning'].includes(word) ? 'warning' : 'other';
}

function readTextLine(line: string): Line {
  const type = /\b([A-Z]\w*(?:Error|Exception)|GW_[A-Z_]+|E[A-Z]{5,})\b/.exec(line)?.[1] ?? line.slice(0, 80);
  if (TEXT_ERROR.test(line)) return { level: 'error', type };
  return { level: TEXT_WARNING.test(line) ? 'warning' : 'other', type };
}
