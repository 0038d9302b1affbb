// The generators are tested against servers whose delays are known. On a shared machine another process may take the core
// for a moment, so each figure is the median of several loads: a driver that measures wrongly is wrong in most of them.

import { availableParallelism } from 'node:os';
import { decodeFromCompressedBase64 } from 'hdr-histogram-js';
import { describe, expect, test } from 'vitest';
import { startCalibrationServer } from '../../src/load/calibration-server.ts';
import { constantDelay, type DelayModel, delayQuantile, openStallQuantileMs } from '../../src/load/delay-model.ts';
import type { Driver, LoadJob } from '../../src/load/driver.ts';
import { drivers } from '../../src/load/index.ts';
import { createBench, isK6There, quantile } from '../load/load-parts.ts';

const signal = new AbortController().signal;
const k6There = await isK6There();
const LOADS = 3;
const STALLED_LOADS = 3;
const [serverCpus, loadCpus] = process.platform === 'linux' && availableParallelism() > 1 ? [[0], [1]] : [[], []];

const open = { loop: 'open', ratePerSecond: 200, durationSeconds: 5, requests: 1000 } as const;
const closed = { loop: 'closed', requests: 1000, concurrency: 4 } as const;
const measured: [string, Driver, Partial<LoadJob>][] = [
  ['autocannon, closed loop', drivers.autocannon, closed],
  ['autocannon, open loop', drivers.autocannon, open],
  ...(k6There ? ([['k6, open loop', drivers.k6, open]] as [string, Driver, Partial<LoadJob>][]) : []),
];

// The p99 is tested where it is a delay of the server's: with a constant delay it is the tail of the machine itself (a
// kernel thread that takes 4 ms ten times a second was seen).
const models: [string, number[], DelayModel][] = [
  ['a constant 5 ms', [0.5], constantDelay(5)],
  [
    '5 ms, and 50 ms for 3 of 100',
    [0.5, 0.99],
    {
      seed: 7,
      points: [
        { delayMs: 5, share: 0.97 },
        { delayMs: 50, share: 0.03 },
      ],
      stall: null,
    },
  ],
];

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

describe('known delays', () => {
  for (const [title, driver, settings] of measured) {
    for (const [delay, quantiles, model] of models) {
      test(`${title}: ${quantiles.map((q) => `p${q * 100}`).join(' and ')} of ${delay} are right within 1 ms or 2 %`, async () => {
        using bench = createBench();
        await using server = await startCalibrationServer(model, serverCpus);
        const histograms = [];
        for (let load = 0; load < LOADS; load++) {
          const result = await driver.run(bench.job({ ...settings, baseUrl: server.url, cpus: loadCpus }), signal);
          expect(result).toMatchObject({ failed: 0, errors: [] });
          histograms.push(decodeFromCompressedBase64(result.latency.histogram, 32, false));
        }
        for (const q of quantiles) {
          const truth = delayQuantile(model, q);
          const seen = histograms.map((histogram) => histogram.getValueAtPercentile(q * 100) / 1000);
          expect(
            Math.abs(median(seen) - truth),
            `p${q * 100}: ${seen.join(', ')} ms of ${truth} ms`,
          ).toBeLessThanOrEqual(Math.max(1, truth * 0.02));
        }
      });
    }
  }
});

describe('one stall of 2 s', () => {
  const stall = { afterMs: 1500, durationMs: 2000 };
  /** 2 % of the stall. */
  const toleranceMs = 40;

  for (const [title, driver] of [
    ['autocannon', drivers.autocannon],
    ...(k6There ? [['k6', drivers.k6] as const] : []),
  ] as const) {
    test(`${title}, open loop at rate r: 2 r requests wait, evenly spread from 2 s down to 0`, async () => {
      const load = { ...open, ratePerSecond: 100, durationSeconds: 6, requests: 600 };
      const loads: number[][] = [];
      for (let index = 0; index < STALLED_LOADS; index++) {
        using bench = createBench();
        await using server = await startCalibrationServer(constantDelay(5, stall), serverCpus);
        const result = await driver.run(bench.job({ ...load, baseUrl: server.url, cpus: loadCpus }), signal);
        expect(result).toMatchObject({ failed: 0, latency: { lost: 0 } });
        loads.push(bench.latencies('trial'));
      }
      for (const q of [0.5, 0.7, 0.8, 0.9, 0.95, 0.99]) {
        const truth = openStallQuantileMs(q, { durationSeconds: 6, stallSeconds: 2, delayMs: 5 });
        const seen = loads.map((latencies) => quantile(latencies, q));
        expect(Math.abs(median(seen) - truth), `p${q * 100}: ${seen.join(', ')} ms of ${truth} ms`).toBeLessThanOrEqual(
          toleranceMs,
        );
      }
      // Evenly: as many in each half second of latency.
      for (const from of [0, 500, 1000, 1500]) {
        const to = from + 500 + (from === 1500 ? 50 : 0);
        const counts = loads.map((latencies) => latencies.filter((ms) => ms > Math.max(from, 20) && ms <= to).length);
        expect(Math.abs(median(counts) - 50), `${from} ms to ${to} ms: ${counts.join(', ')}`).toBeLessThanOrEqual(5);
      }
    });
  }

  test('autocannon, closed loop: one request per connection waits, and the p99 does not see it', async () => {
    using bench = createBench();
    await using server = await startCalibrationServer(constantDelay(5, stall), serverCpus);
    const load = { ...closed, requests: 1_000_000, durationSeconds: 5 };
    await drivers.autocannon.run(bench.job({ ...load, baseUrl: server.url, cpus: loadCpus }), signal);
    const latencies = bench.latencies('trial');
    const stalled = latencies.filter((ms) => ms >= 1900);
    expect(stalled).toHaveLength(closed.concurrency);
    expect(Math.max(...stalled)).toBeLessThanOrEqual(2005 + toleranceMs);
    expect(latencies.filter((ms) => ms > 200 && ms < 1900)).toEqual([]);
    expect(quantile(latencies, 0.99)).toBeLessThan(50);
  });
});
