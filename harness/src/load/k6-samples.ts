// Reads what scenarios/k6/run.ts printed.
import { parse } from '@gatebench/gateway/parse';
import { type Static, Type } from 'typebox';
import { HarnessError } from '../errors.ts';
import { redact } from '../redact.ts';
import type { PreparedRequest } from './driver.ts';
import type { Sample } from './tally.ts';

export const K6Summary = Type.Object({ dropped: Type.Integer(), bytesReceived: Type.Number() });
export type K6Summary = Static<typeof K6Summary>;

const Told = Type.Object({ detail: Type.String(), example: Type.String() });

export interface K6Samples {
  startedAtMs: number;
  /** In the order of their intended starts. */
  samples: { iteration: number; opened: boolean; sample: Sample }[];
  /** What k6 itself wrote: its warnings and errors. */
  messages: string[];
}

const LINE = /^S (\d+) (\S+) (\S+) (\d+) ([01]) (ok|status|body|timeout|connection)(?: (.*))?$/;

/** A line of k6's own about a request: the sample says the same. */
const REPEATED = /Request Failed/;

export interface K6Load {
  requests: Pick<PreparedRequest, 'name'>[];
  /** Of k6's ticker: iteration i is due at i × this, while nothing was dropped. */
  periodMs: number;
  dropped: number;
  token: string;
}

/**
 * While nothing was dropped the latency counts from the intended start, i × period. Iterations do not count drops, so
 * after a drop the intended starts are not known: the latency then counts from the send, and there is no lag.
 * @throws LOAD_FAILED when there is no sample at all
 */
export function readK6Samples(log: string, load: K6Load): K6Samples {
  const result: K6Samples = { startedAtMs: Number.NaN, samples: [], messages: [] };
  for (const line of log.split('\n')) {
    const match = LINE.exec(line);
    if (match !== null) result.samples.push(toSample(match, load));
    else if (/^T \d+$/.test(line)) result.startedAtMs = Number(line.slice(2));
    else if (line !== '' && !REPEATED.test(line)) result.messages.push(redact(line, load.token));
  }
  if (result.samples.length === 0 || Number.isNaN(result.startedAtMs)) {
    const said = result.messages.slice(0, 5).join('; ') || 'it said nothing';
    throw new HarnessError('LOAD_FAILED', { detail: `k6 sent no request: ${said}` });
  }
  result.samples.sort((a, b) => a.iteration - b.iteration);
  return result;
}

function toSample(match: RegExpExecArray, load: K6Load): K6Samples['samples'][number] {
  const [, iterationText, sentText, servedText, status, opened, outcome, told] = match;
  const iteration = Number(iterationText);
  const sentMs = Number(sentText);
  const servedMs = Number(servedText);
  const scheduled = load.dropped === 0;
  const startMs = scheduled ? iteration * load.periodMs : sentMs;
  const lagMs = Math.max(0, sentMs - startMs);
  const answered = outcome !== 'timeout' && outcome !== 'connection';
  const { detail, example } =
    told === undefined ? { detail: '', example: '' } : parse(Told, JSON.parse(told), 'k6 log');
  return {
    iteration,
    opened: opened === '1',
    sample: {
      request: load.requests[iteration % load.requests.length]?.name ?? 'unknown',
      startMs,
      lagMs: scheduled ? lagMs : null,
      latencyMs: answered ? servedMs + (scheduled ? lagMs : 0) : null,
      outcome: outcome as Sample['outcome'],
      status: Number(status),
      bytes: 0,
      detail: redact(detail, load.token),
      example: redact(example, load.token),
    },
  };
}
