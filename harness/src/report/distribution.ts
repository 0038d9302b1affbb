// Latency distributions for curves and for the summary, from the histograms of the result. Lost samples stand above every measured one.
import { decodeFromCompressedBase64, type Histogram } from 'hdr-histogram-js';
import { SAMPLES_BEYOND_PERCENTILE } from '../metrics.ts';
import type { Latency } from '../result/result.ts';

export interface Distribution {
  histogram: Histogram;
  /** Measured and lost. */
  total: number;
  count: number;
}

/** Undefined when there is nothing to pool. */
export function poolLatencies(latencies: Latency[]): Distribution | undefined {
  let pooled: Distribution | undefined;
  for (const latency of latencies) {
    const histogram = decodeFromCompressedBase64(latency.histogram);
    if (pooled === undefined) {
      histogram.autoResize = true;
      pooled = { histogram, count: latency.count, total: latency.count + latency.lost };
    } else {
      pooled.histogram.add(histogram);
      pooled.count += latency.count;
      pooled.total += latency.count + latency.lost;
    }
  }
  return pooled;
}

/** Milliseconds; null when that sample is a lost one or there is none. */
export function percentileOf(distribution: Distribution, fraction: number): number | null {
  const rank = Math.max(1, Math.ceil(Number((fraction * distribution.total).toFixed(6))));
  if (rank > distribution.count) return null;
  return distribution.histogram.getValueAtPercentile((100 * rank) / distribution.count) / 1000;
}

const FRACTIONS = [0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.965, 0.975];
const TAIL = [0.98, 0.985, 0.99, 0.9925, 0.995, 0.9965, 0.9975, 0.998, 0.999, 0.9995, 0.9999];

/**
 * [number of nines, milliseconds]: 1 is the p90, 2 the p99. It ends where fewer samples lie beyond than a percentile needs to be
 * stated, or where samples were lost.
 */
export function toCurve(distribution: Distribution): [number, number][] {
  return [...FRACTIONS, ...TAIL].flatMap((fraction) => {
    if (distribution.total * (1 - fraction) < SAMPLES_BEYOND_PERCENTILE) return [];
    const value = percentileOf(distribution, fraction);
    return value === null ? [] : [[toThree(-Math.log10(1 - fraction)), toThree(value)] as [number, number]];
  });
}

/** Keeps inlined data small. */
export function toThree(value: number): number {
  return Number(value.toFixed(3));
}
