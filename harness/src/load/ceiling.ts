// The generator's own ceiling: how many requests per second it could do of this very kind if the target cost nothing.
import { runAutocannon } from './autocannon.ts';
import { type FixedAnswer, startTrivialServer } from './calibration-server.ts';
import type { LoadJob } from './driver.ts';

export interface Ceiling {
  requestsPerSecond: number;
  /** Bytes of one answer, head and body. */
  responseBytes: number;
}

export interface CeilingOptions {
  /** Status and headers of a real answer (content-type decides between JSON and SSE). */
  status?: number;
  headers?: Record<string, string>;
  /** Cores of the trivial server: those of the gateway, which it stands in for. */
  cpus: number[];
  seconds: number;
}

/**
 * Closed loop with the job's own requests, connections and checks against a server that gives `responseBody`, a real
 * answer, to everything. The checks run at their full cost but do not count: one body cannot be right for all requests.
 * @throws LOAD_FAILED, INTERRUPTED
 */
export async function measureCeiling(
  job: LoadJob,
  responseBody: string,
  options: CeilingOptions,
  signal: AbortSignal,
): Promise<Ceiling> {
  const answer: FixedAnswer = { status: options.status ?? 200, headers: options.headers ?? {}, body: responseBody };
  await using server = await startTrivialServer(answer, options.cpus);
  const { result } = await runAutocannon(
    {
      loop: 'closed',
      baseUrl: server.url,
      token: job.token,
      requests: job.requestsFile,
      judge: 'none',
      ratePerSecond: null,
      durationSeconds: options.seconds,
      requestLimit: Number.MAX_SAFE_INTEGER,
      minimumSeconds: 0,
      turnSeconds: null,
      connections: job.concurrency,
      maxConnections: job.concurrency,
      timeoutMs: job.timeoutMs,
      rawFile: null,
      warmup: job.warmup,
    },
    job.cpus,
    signal,
  );
  return {
    requestsPerSecond: result.achievedRate,
    responseBytes: Math.round((result.bytesReceived ?? 0) / Math.max(1, result.succeeded)),
  };
}
