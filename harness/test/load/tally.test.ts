import { decodeFromCompressedBase64 } from 'hdr-histogram-js';
import { describe, expect, test } from 'vitest';
import { type Sample, Tally, type TallyFacts } from '../../src/load/tally.ts';

const ok: Sample = {
  request: 'call',
  startMs: 0,
  lagMs: 0.1,
  latencyMs: 5,
  outcome: 'ok',
  status: 200,
  bytes: 100,
  detail: '',
  example: '',
};
const facts: TallyFacts = {
  engine: 'test 1',
  startedAtMs: 0,
  durationSeconds: 1,
  offeredRate: 100,
  achievedRate: 100,
  dropped: 0,
  scheduleKnown: true,
  connectionsOpened: 1,
  generatorCpuPercent: null,
  rawFiles: [],
};

function tallyOf(samples: Partial<Sample>[], more: Partial<TallyFacts> = {}) {
  const tally = new Tally();
  for (const sample of samples) tally.add({ ...ok, ...sample });
  return tally.result({ ...facts, ...more });
}

describe('Tally', () => {
  test('latency is kept in microseconds with three digits', () => {
    const { latency } = tallyOf([{ latencyMs: 0.123 }, { latencyMs: 1234.5 }]);
    const histogram = decodeFromCompressedBase64(latency.histogram, 32, false);
    expect(histogram.getValueAtPercentile(50)).toBe(123);
    expect(histogram.getValueAtPercentile(100) / 1000).toBeCloseTo(1234.5, -1);
  });

  test('time-outs, broken connections and drops are lost and failed; wrong answers are failed but not lost', () => {
    const result = tallyOf(
      [
        {},
        { outcome: 'timeout', latencyMs: null, detail: 'late' },
        { outcome: 'connection', latencyMs: null, detail: 'gone' },
        { outcome: 'status', status: 500, detail: '500' },
        { outcome: 'body', detail: 'wrong' },
      ],
      { dropped: 3 },
    );
    expect(result).toMatchObject({ sent: 5, succeeded: 1, failed: 7, latency: { count: 1, lost: 5 } });
    const counted = result.errors.map((error) => [String(error.kind), error.count]);
    expect(Object.fromEntries(counted)).toEqual({ timeout: 1, connection: 1, status: 1, body: 1, dropped: 3 });
  });

  test('equal errors are counted together and keep the first example', () => {
    const wrong = { outcome: 'body', detail: 'wrong' } as const;
    const { errors } = tallyOf([
      { ...wrong, example: 'first' },
      { ...wrong, example: 'second' },
    ]);
    expect(errors).toMatchObject([{ count: 2, example: 'first' }]);
  });

  test('there is no schedule lag when drops make the intended starts unknown', () => {
    expect(tallyOf([{ lagMs: null }], { dropped: 1, scheduleKnown: false }).scheduleLagMs).toBeNull();
    expect(tallyOf([{ lagMs: 0.5 }]).scheduleLagMs).toMatchObject({ max: 0.5 });
  });

  test('each second has its own counts and nearest-rank percentiles, seconds without requests too', () => {
    const { perSecond } = tallyOf([
      { startMs: 10, latencyMs: 1 },
      { startMs: 20, latencyMs: 9 },
      { startMs: 2500, outcome: 'status' },
    ]);
    expect(perSecond).toEqual([
      { second: 0, succeeded: 2, failed: 0, p50Ms: 1, p95Ms: 9 },
      { second: 1, succeeded: 0, failed: 0, p50Ms: null, p95Ms: null },
      { second: 2, succeeded: 0, failed: 1, p50Ms: null, p95Ms: null },
    ]);
  });
});
