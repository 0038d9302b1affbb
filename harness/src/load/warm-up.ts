// Warm-up: the profile's requests, discarded, and on until latency is steady. Sent from the harness itself: nothing of it is measured.
import { Pool } from 'undici';
import { redact } from '../redact.ts';
import type { TrialResult } from '../result/result.ts';
import { checkAnswer } from './check-answer.ts';
import type { PreparedRequest } from './driver.ts';

export interface WarmupRequest {
  baseUrl: string;
  token: string;
  requests: PreparedRequest[];
  /** At least so many, unless maxSeconds end first. */
  minimum: number;
  maxSeconds: number;
  concurrency: number;
  timeoutMs: number;
}

export interface Warmup {
  record: NonNullable<TrialResult['warmup']>;
  /** The first right answer, for the ceiling's trivial server; null when there was none. */
  answer: { status: number; contentType: string; body: string } | null;
  /** What was wrong with the first wrong answer, when every answer was wrong. */
  fault: string | null;
}

/** Two neighbouring windows whose medians differ by less than this are steady. */
const STEADY_PERCENT = 10;
const WINDOW = 50;
/** Characters of a wrong answer that a fault quotes. */
const FAULT_LENGTH = 200;

export async function warmUp(job: WarmupRequest, signal: AbortSignal): Promise<Warmup> {
  const pool = new Pool(job.baseUrl, {
    connections: job.concurrency,
    headersTimeout: job.timeoutMs,
    bodyTimeout: job.timeoutMs,
  });
  const startedAt = performance.now();
  const latencies: number[] = [];
  let next = 0;
  let answer: Warmup['answer'] = null;
  let fault: string | null = null;
  const secondsLeft = () => job.maxSeconds - (performance.now() - startedAt) / 1000;
  const isDone = () => {
    if (secondsLeft() <= 0 || signal.aborted) return true;
    return next >= job.minimum && Math.abs(driftPercent(latencies)) < STEADY_PERCENT;
  };
  const sendOne = async () => {
    const prepared = job.requests[next++ % job.requests.length];
    if (prepared === undefined) return;
    const sentAt = performance.now();
    try {
      const response = await pool.request({
        method: prepared.method as 'GET',
        path: prepared.path,
        headers: prepared.auth ? { ...prepared.headers, authorization: `Bearer ${job.token}` } : prepared.headers,
        body: prepared.body,
        signal,
      });
      const body = await response.body.text();
      latencies.push(performance.now() - sentAt);
      const wrong = checkAnswer(prepared, response.statusCode, body);
      if (wrong !== null)
        fault ??= `${prepared.name}: ${wrong.kind} ${wrong.detail}: ${redact(body, job.token, FAULT_LENGTH)}`;
      else
        answer ??= { status: response.statusCode, contentType: String(response.headers['content-type'] ?? ''), body };
    } catch (error) {
      fault ??= `${prepared.name}: ${(error as Error).message}`;
    }
  };
  try {
    await Promise.all(
      Array.from({ length: job.concurrency }, async () => {
        while (!isDone() && next < job.requests.length) await sendOne();
      }),
    );
  } finally {
    await pool.destroy();
  }
  const drift = driftPercent(latencies);
  return {
    record: {
      requests: next,
      seconds: (performance.now() - startedAt) / 1000,
      steady: Math.abs(drift) < STEADY_PERCENT,
      driftPercent: Number.isFinite(drift) ? Math.round(drift * 10) / 10 : 100,
    },
    answer,
    fault: answer === null ? (fault ?? 'no request was sent') : null,
  };
}

/** How much the median of the last window differs from that of the one before, percent; infinite with fewer than two windows. */
function driftPercent(latencies: number[]): number {
  if (latencies.length < 2 * WINDOW) return Number.POSITIVE_INFINITY;
  const last = median(latencies.slice(-WINDOW));
  const before = median(latencies.slice(-2 * WINDOW, -WINDOW));
  return ((last - before) / before) * 100;
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
