// What `hit` prints: summary, percentiles, a histogram in text, status codes, errors. Pure.
import { decodeFromCompressedBase64, JsHistogram } from 'hdr-histogram-js';
import type { WorkerJob, WorkerReport } from './worker-job.ts';

const BINS = 10;
const BAR_WIDTH = 40;
const PERCENTILES = [50, 75, 90, 95, 99, 99.9];

const milliseconds = (microseconds: number): string => (microseconds / 1000).toFixed(3);

interface Bin {
  toMicroseconds: number;
  count: number;
}

/** Bins of equal width from the fastest to the slowest answer. */
export function toBins(encoded: string): Bin[] {
  const histogram = decodeFromCompressedBase64(encoded, 32, false);
  if (!(histogram instanceof JsHistogram) || histogram.totalCount === 0) return [];
  const low = histogram.minNonZeroValue;
  const width = Math.max(1, (histogram.maxValue - low) / BINS);
  const bins = Array.from({ length: BINS }, (_, index) => ({ toMicroseconds: low + (index + 1) * width, count: 0 }));
  const values = histogram.recordedValuesIterator;
  values.reset();
  while (values.hasNext()) {
    const { valueIteratedTo, countAddedInThisIterationStep } = values.next();
    const index = Math.min(BINS - 1, Math.max(0, Math.floor((valueIteratedTo - low) / width)));
    const bin = bins[index];
    if (bin !== undefined) bin.count += countAddedInThisIterationStep;
  }
  return bins;
}

export function toPlan(job: WorkerJob): string {
  const [request] = job.requests;
  const { method, path } = typeof request === 'object' ? request : { method: '?', path: '' };
  const amount =
    job.loop === 'open'
      ? `${job.requestLimit} requests, ${job.ratePerSecond}/s for ${job.durationSeconds} s (open loop)`
      : job.requestLimit < Number.MAX_SAFE_INTEGER
        ? `${job.requestLimit} requests on ${job.connections} connections (closed loop)`
        : `${job.durationSeconds} s on ${job.connections} connections (closed loop)`;
  return `${method} ${job.baseUrl}${path}\n${amount}, time-out ${job.timeoutMs} ms`;
}

export function toSummary(job: WorkerJob, { result, statusCounts }: WorkerReport): string {
  const histogram = decodeFromCompressedBase64(result.latency.histogram, 32, false);
  const from = job.loop === 'open' ? 'from when each request was due' : 'from the send';
  const lines = [
    toPlan(job),
    '',
    'Summary',
    `  sent        ${result.sent} (${result.succeeded} answered with 2xx, ${result.failed} failed)`,
    `  duration    ${result.durationSeconds.toFixed(3)} s`,
    `  rate        ${result.achievedRate.toFixed(1)} requests/s`,
    `  received    ${result.bytesReceived ?? 0} bytes on ${result.connectionsOpened ?? '?'} new connections`,
  ];
  if (result.scheduleLagMs !== null) lines.push(`  lag         p99 ${result.scheduleLagMs.p99.toFixed(3)} ms`);
  if (histogram.totalCount > 0) {
    lines.push('', `Latency of 2xx answers, ms, ${from}`);
    for (const percentile of PERCENTILES) {
      lines.push(`  p${percentile}`.padEnd(14) + milliseconds(histogram.getValueAtPercentile(percentile)));
    }
    lines.push(`  max         ${milliseconds(histogram.maxValue)}`, `  mean        ${milliseconds(histogram.mean)}`);
    lines.push('', 'Histogram, up to ms', ...toBars(toBins(result.latency.histogram)));
  }
  lines.push('', 'Status codes');
  for (const [status, count] of Object.entries(statusCounts)) lines.push(`  [${status}] ${count}`);
  if (result.errors.length > 0) lines.push('', 'Errors');
  for (const error of result.errors) {
    lines.push(`  [${error.count}] ${error.kind}: ${error.detail}${error.example === null ? '' : ` ${error.example}`}`);
  }
  return `${lines.join('\n')}\n`;
}

function toBars(bins: Bin[]): string[] {
  const most = Math.max(1, ...bins.map((bin) => bin.count));
  return bins.map(({ toMicroseconds, count }) => {
    const bar = '■'.repeat(Math.round((count / most) * BAR_WIDTH));
    return `  ${milliseconds(toMicroseconds).padStart(10)} [${count}]`.padEnd(24) + bar;
  });
}
