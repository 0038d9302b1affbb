// Figures per operation in memory (PERFORMANCE_TRACKING_ENABLED): since the start, with percentiles of the latest samples.
import { readdir, readlink } from 'node:fs/promises';

const SAMPLES = 512;

interface Operation {
  count: number;
  failures: number;
  sumMs: number;
  minMs: number;
  maxMs: number;
  latest: Float64Array;
}

export interface OperationFigures {
  count: number;
  failures: number;
  avgMs: number;
  minMs: number;
  maxMs: number;
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
}

export class Performance {
  readonly #operations = new Map<string, Operation>();

  /** On the request path: a few additions. */
  record(name: string, durationMs: number, hasFailed: boolean): void {
    let operation = this.#operations.get(name);
    if (operation === undefined) {
      operation = { count: 0, failures: 0, sumMs: 0, minMs: Infinity, maxMs: 0, latest: new Float64Array(SAMPLES) };
      this.#operations.set(name, operation);
    }
    operation.latest[operation.count % SAMPLES] = durationMs;
    operation.count++;
    operation.sumMs += durationMs;
    if (hasFailed) operation.failures++;
    if (durationMs < operation.minMs) operation.minMs = durationMs;
    if (durationMs > operation.maxMs) operation.maxMs = durationMs;
  }

  figures(): Record<string, OperationFigures> {
    return Object.fromEntries([...this.#operations].map(([name, operation]) => [name, toFigures(operation)]));
  }
}

function toFigures({ count, failures, sumMs, minMs, maxMs, latest }: Operation): OperationFigures {
  const sorted = latest.slice(0, Math.min(count, SAMPLES)).sort();
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return { count, failures, avgMs: sumMs / count, minMs, maxMs, p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99) };
}

/** Sockets that this process has open; undefined where the system has no /proc. */
export async function countSockets(): Promise<number | undefined> {
  try {
    const descriptors = await readdir('/proc/self/fd');
    const targets = await Promise.all(descriptors.map((one) => readlink(`/proc/self/fd/${one}`).catch(() => '')));
    return targets.filter((target) => target.startsWith('socket:')).length;
  } catch {
    return undefined;
  }
}
