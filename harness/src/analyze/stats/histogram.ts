// Percentiles over an HDR histogram and the samples that were lost. Lost samples stand above every measured one.
import { decodeFromCompressedBase64, type Histogram } from 'hdr-histogram-js';
import { HarnessError } from '../../errors.ts';
import type { Latency } from '../../result/result.ts';
import { binomialAtMost } from './beta.ts';

/** Latency samples of one or more trials. */
export interface Samples {
  histogram: Histogram;
  /** Measured. */
  count: number;
  /** Time-outs, broken connections, dropped requests: slower than everything measured, by how much nobody knows. */
  lost: number;
}

const decoded = new WeakMap<Latency, Samples>();

/** @throws RESULT_INVALID when the histogram is damaged */
export function toSamples(latency: Latency): Samples {
  const known = decoded.get(latency);
  if (known !== undefined) return known;
  const samples = { histogram: decode(latency.histogram), count: latency.count, lost: latency.lost };
  decoded.set(latency, samples);
  return samples;
}

function decode(text: string): Histogram {
  try {
    return decodeFromCompressedBase64(text);
  } catch (cause) {
    throw new HarnessError('RESULT_INVALID', { detail: 'a latency histogram cannot be decoded', cause });
  }
}

/** All samples as one. `latencies` must not be empty. */
export function poolSamples(latencies: Latency[]): Samples {
  const [first, ...others] = latencies;
  if (first === undefined) throw new Error('poolSamples needs at least one histogram');
  if (others.length === 0) return toSamples(first);
  const pooled: Samples = { histogram: decode(first.histogram), count: first.count, lost: first.lost };
  pooled.histogram.autoResize = true;
  for (const other of others) {
    pooled.histogram.add(toSamples(other).histogram);
    pooled.count += other.count;
    pooled.lost += other.lost;
  }
  return pooled;
}

/** The sample of this rank (from 1) in ms; null when it is a lost one or there is none. */
function atRank(samples: Samples, rank: number): number | null {
  if (rank < 1 || rank > samples.count) return null;
  // The library turns the percentage into rank floor(percentage / 100 × count + 0.5).
  return samples.histogram.getValueAtPercentile((100 * rank) / samples.count) / 1000;
}

/** The smallest sample that at least this fraction of all samples, the lost ones included, do not exceed (ms). */
export function percentile(samples: Samples, fraction: number): number | null {
  const total = samples.count + samples.lost;
  return atRank(samples, Math.max(1, Math.ceil(round9(fraction * total))));
}

/** 0.95 × 2000 must be rank 1900, not 1901 by floating point. */
function round9(value: number): number {
  return Math.round(value * 1e9) / 1e9;
}

export function maximum(samples: Samples): number | null {
  return samples.lost > 0 || samples.count === 0 ? null : samples.histogram.maxValue / 1000;
}

/** Null when samples are lost: a mean without its slowest samples flatters. */
export function mean(samples: Samples): number | null {
  return samples.lost > 0 || samples.count === 0 ? null : samples.histogram.mean / 1000;
}

/**
 * Interval of a percentile within one trial, from order statistics: the ranks l and u with
 * P(Bin(n, fraction) < l) ≤ (1 − level) / 2 and the same above (David & Nagaraja, Order Statistics, 7.1). It needs no shape of the
 * distribution, but takes requests as independent, which neighbours in a queue are not: it is a lower bound of the true width.
 * An end is null when it lies beyond the samples or among the lost ones.
 */
export function percentileInterval(samples: Samples, fraction: number, level = 0.95): [number | null, number | null] {
  const total = samples.count + samples.lost;
  const tail = (1 - level) / 2;
  let lower = smallestRank(total, (rank) => binomialAtMost(rank - 1, total, fraction) > tail);
  if (lower > 0 && binomialAtMost(lower - 1, total, fraction) > tail) lower -= 1;
  const upper = smallestRank(total + 1, (rank) => binomialAtMost(rank - 1, total, fraction) >= 1 - tail);
  return [atRank(samples, lower), atRank(samples, upper)];
}

/** The smallest rank in 0…limit for which the monotone condition holds; limit when it never does. */
function smallestRank(limit: number, holds: (rank: number) => boolean): number {
  let low = 0;
  let high = limit;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
