import { describe, expect, test } from 'vitest';
import { HarnessError } from '../../src/errors.ts';
import { readK6Samples } from '../../src/load/k6-samples.ts';

const load = { requests: [{ name: 'a' }, { name: 'b' }], periodMs: 10, dropped: 0, token: 'secret-token' };
const log = [
  'time="…" level=warning msg="Request Failed"',
  'S 1 10.500 4.000 200 0 ok',
  'T 1795184131367',
  'S 0 0.250 5.000 200 1 ok',
  'S 2 20.100 0.000 0 0 timeout {"detail":"request timeout","example":""}',
  'S 3 30.000 1.000 200 0 body {"detail":"not JSON","example":"secret-token"}',
  'a warning of k6',
  '',
].join('\n');

describe('readK6Samples', () => {
  test('latency is lag plus service, from iteration × period', () => {
    const { samples, startedAtMs } = readK6Samples(log, load);
    expect(startedAtMs).toBe(1795184131367);
    expect(samples.map(({ sample }) => sample.startMs)).toEqual([0, 10, 20, 30]);
    expect(samples[1]?.sample).toMatchObject({ request: 'b', lagMs: 0.5, latencyMs: 4.5 });
    expect(samples[0]).toMatchObject({ opened: true, sample: { lagMs: 0.25, latencyMs: 5.25 } });
  });

  test('a time-out has no latency, and an example has no token', () => {
    const { samples } = readK6Samples(log, load);
    expect(samples[2]?.sample).toMatchObject({ outcome: 'timeout', latencyMs: null, detail: 'request timeout' });
    expect(samples[3]?.sample).toMatchObject({ outcome: 'body', detail: 'not JSON', example: '[token]' });
  });

  test('after a drop the latency counts from the send and there is no lag', () => {
    const { samples } = readK6Samples(log, { ...load, dropped: 2 });
    expect(samples[1]?.sample).toMatchObject({ startMs: 10.5, lagMs: null, latencyMs: 4 });
  });

  test('what k6 itself says is kept, what it repeats of requests is not', () => {
    expect(readK6Samples(log, load).messages).toEqual(['a warning of k6']);
  });

  test('a log without samples is a failed load that says what k6 said', () => {
    expect(() => readK6Samples('no such module\n', load)).toThrow(HarnessError);
    expect(() => readK6Samples('no such module\n', load)).toThrow(/no such module/);
  });
});
