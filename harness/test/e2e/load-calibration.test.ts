// The generators are tested against servers whose delays are known. On a shared machine another process may take the
// core for a moment, so each comparison may be repeated; a driver that measures wrongly fails every time.

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
const repeat = { retry: 3 };
const [serverCpus, loadCpus] = process.platform === 'linux' && availableParallelism() > 1 ? [[0], [1]] : [[], []];

const open = { loop: 'open', ratePerSecond: 200, durationSeconds: 5, requests: 1000 } as const;
const closed = { loop: 'closed', requests: 1500, concurrency: 4 } as const;
const measured: [string, Driver, Partial<LoadJob>][] = [
  ['autocannon, closed loop', drivers.autocannon, closed],
  ['autocannon, open loop', drivers.autocannon, open],
  ...(k6There ? ([['k6, open loop', drivers.k6, open]] as [string, Driver, Partial<LoadJob>][]) : []),
];

const models: [string, DelayModel][] = [
  ['a constant 5 ms', constantDelay(5)],
  [
    '5 ms, and 50 ms for 3 of 100',
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

describe('known delays', () => {
  for (const [title, driver, load] of measured) {
    for (const [delay, model] of models) {
      test(`${title}: p50 and p99 of ${delay} are right within 1 ms or 2 %`, repeat, async () => {
        using bench = createBench();
        await using server = await startCalibrationServer(model, serverCpus);
        const result = await driver.run(bench.job({ ...load, baseUrl: server.url, cpus: loadCpus }), signal);
        expect(result).toMatchObject({ failed: 0, errors: [] });
        const histogram = decodeFromCompressedBase64(result.latency.histogram, 32, false);
        for (const q of [0.5, 0.99]) {
          const truth = delayQuantile(model, q);
          const seen = histogram.getValueAtPercentile(q * 100) / 1000;
          expect(Math.abs(seen - truth), `p${q * 100}: ${seen} ms of ${truth} ms`).toBeLessThanOrEqual(
            Math.max(1, truth * 0.02),
          );
        }
      });
    }
  }
});

describe('one stall of 2 s', () => {
  const stall = { afterMs: 1500, durationMs: 2000 };

  for (const [title, driver] of [
    ['autocannon', drivers.autocannon],
    ...(k6There ? [['k6', drivers.k6] as const] : []),
  ] as const) {
    test(`${title}, open loop at rate r: 2 r requests wait, evenly spread from 2 s down to 0`, repeat, async () => {
      using bench = createBench();
      await using server = await startCalibrationServer(constantDelay(5, stall), serverCpus);
      const load = { ...open, ratePerSecond: 100, durationSeconds: 6, requests: 600 };
      const result = await driver.run(bench.job({ ...load, baseUrl: server.url, cpus: loadCpus }), signal);
      expect(result).toMatchObject({ failed: 0, latency: { lost: 0 } });
      const latencies = bench.latencies('trial');
      for (const q of [0.5, 0.7, 0.8, 0.9, 0.95, 0.99]) {
        const truth = openStallQuantileMs(q, { durationSeconds: 6, stallSeconds: 2, delayMs: 5 });
        expect(Math.abs(quantile(latencies, q) - truth), `p${q * 100}`).toBeLessThanOrEqual(25);
      }
      // Evenly: as many in each half second of latency.
      for (const from of [0, 500, 1000, 1500]) {
        const count = latencies.filter(
          (ms) => ms > Math.max(from, 20) && ms <= from + 500 + (from === 1500 ? 50 : 0),
        ).length;
        expect(Math.abs(count - 50), `${from} ms to ${from + 500} ms: ${count}`).toBeLessThanOrEqual(5);
      }
    });
  }

  test('autocannon, closed loop: one request per connection waits, and the p99 does not see it', repeat, async () => {
    using bench = createBench();
    await using server = await startCalibrationServer(constantDelay(5, stall), serverCpus);
    const load = { ...closed, requests: 1_000_000, durationSeconds: 5 };
    await drivers.autocannon.run(bench.job({ ...load, baseUrl: server.url, cpus: loadCpus }), signal);
    const latencies = bench.latencies('trial');
    const stalled = latencies.filter((ms) => ms >= 1900);
    expect(stalled).toHaveLength(closed.concurrency);
    expect(Math.max(...stalled)).toBeLessThanOrEqual(2005 + 25);
    expect(latencies.filter((ms) => ms > 200 && ms < 1900)).toEqual([]);
    expect(quantile(latencies, 0.99)).toBeLessThan(50);
  });
});
