// Turns samples into a LoadResult: the same arithmetic for both drivers.
import { build, encodeIntoCompressedBase64, type Histogram } from 'hdr-histogram-js';
import type { ErrorCount, LoadResult } from '../result/result.ts';

/** One request, as sent and answered. Times are milliseconds since the first intended start. */
export interface Sample {
  request: string;
  /** Intended start (open loop) or send (closed loop). */
  startMs: number;
  /** Actual minus intended send; null in the closed loop. */
  lagMs: number | null;
  /** Open: from the intended start. Closed: from the send. Null when there was no answer. */
  latencyMs: number | null;
  outcome: 'ok' | 'status' | 'body' | 'timeout' | 'connection';
  status: number;
  bytes: number;
  /** Of what failed; '' when nothing did. */
  detail: string;
  /** The first bytes of a wrong answer, already redacted; '' when there is none. */
  example: string;
}

/** 1 µs to 1 h, 3 significant digits: what `Latency.histogram` holds. */
export function createHistogram(): Histogram {
  return build({
    bitBucketSize: 32,
    lowestDiscernibleValue: 1,
    highestTrackableValue: 3_600_000_000,
    numberOfSignificantValueDigits: 3,
    useWebAssembly: false,
  });
}

export function toMicroseconds(milliseconds: number): number {
  return Math.max(1, Math.round(milliseconds * 1000));
}

/** What a driver knows besides its samples. */
export interface TallyFacts {
  engine: string;
  startedAtMs: number;
  durationSeconds: number;
  offeredRate: number | null;
  achievedRate: number;
  /** k6: iterations that were due and for which there was no free VU. */
  dropped: number;
  /** False when drops make the intended starts unknown: the lag is then null, and an open trial without it is invalid. */
  scheduleKnown: boolean;
  connectionsOpened: number | null;
  generatorCpuPercent: number | null;
  rawFiles: string[];
}

type CountedError = Omit<ErrorCount, 'kind'> & { kind: Exclude<Sample['outcome'], 'ok'> | 'dropped' };

interface Second {
  succeeded: number;
  failed: number;
  latencies: number[];
}

export class Tally {
  readonly #latency = createHistogram();
  readonly #lag = createHistogram();
  readonly #seconds: Second[] = [];
  readonly #errors = new Map<string, CountedError>();
  #succeeded = 0;
  #failed = 0;
  #lost = 0;
  #bytes = 0;
  #maxLagMs = 0;

  get completed(): number {
    return this.#succeeded + this.#failed;
  }

  add(sample: Sample): void {
    const second = this.#second(Math.max(0, Math.floor(sample.startMs / 1000)));
    this.#bytes += sample.bytes;
    if (sample.lagMs !== null) {
      this.#lag.recordValue(toMicroseconds(sample.lagMs));
      this.#maxLagMs = Math.max(this.#maxLagMs, sample.lagMs);
    }
    if (sample.outcome === 'ok' && sample.latencyMs !== null) {
      this.#succeeded += 1;
      second.succeeded += 1;
      second.latencies.push(sample.latencyMs);
      this.#latency.recordValue(toMicroseconds(sample.latencyMs));
      return;
    }
    this.#failed += 1;
    second.failed += 1;
    if (sample.outcome === 'timeout' || sample.outcome === 'connection') this.#lost += 1;
    if (sample.outcome !== 'ok') this.#count(sample.outcome, sample.request, sample.detail, 1, sample.example);
  }

  result(facts: TallyFacts): LoadResult {
    if (facts.dropped > 0) this.#count('dropped', 'any', 'no virtual user was free', facts.dropped, '');
    const lagKnown = facts.offeredRate !== null && facts.scheduleKnown && this.#lag.totalCount > 0;
    return {
      engine: facts.engine,
      startedAtMs: facts.startedAtMs,
      durationSeconds: facts.durationSeconds,
      offeredRate: facts.offeredRate,
      achievedRate: facts.achievedRate,
      sent: this.completed,
      succeeded: this.#succeeded,
      failed: this.#failed + facts.dropped,
      errors: [...this.#errors.values()].sort((a, b) => b.count - a.count) as ErrorCount[],
      latency: {
        histogram: encodeIntoCompressedBase64(this.#latency),
        count: this.#latency.totalCount,
        lost: this.#lost + facts.dropped,
      },
      scheduleLagMs: lagKnown
        ? {
            p50: this.#lag.getValueAtPercentile(50) / 1000,
            p99: this.#lag.getValueAtPercentile(99) / 1000,
            max: this.#maxLagMs,
          }
        : null,
      connectionsOpened: facts.connectionsOpened,
      bytesReceived: this.#bytes,
      generatorCpuPercent: facts.generatorCpuPercent,
      perSecond: Array.from(this.#seconds, (second, index) => toPerSecond(second, index)),
      rawFiles: facts.rawFiles,
    };
  }

  #second(index: number): Second {
    const known = this.#seconds[index];
    if (known !== undefined) return known;
    while (this.#seconds.length <= index) this.#seconds.push({ succeeded: 0, failed: 0, latencies: [] });
    return this.#seconds[index] as Second;
  }

  #count(kind: CountedError['kind'], request: string, detail: string, count: number, example: string): void {
    const key = `${kind}\n${request}\n${detail}`;
    const known = this.#errors.get(key);
    if (known !== undefined) known.count += count;
    else this.#errors.set(key, { kind, request, detail, count, example: example === '' ? null : example });
  }
}

function toPerSecond(second: Second, index: number): LoadResult['perSecond'][number] {
  const sorted = second.latencies.sort((a, b) => a - b);
  // Nearest rank.
  const quantile = (q: number): number | null => sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? null;
  return {
    second: index,
    succeeded: second.succeeded,
    failed: second.failed,
    p50Ms: quantile(0.5),
    p95Ms: quantile(0.95),
  };
}
