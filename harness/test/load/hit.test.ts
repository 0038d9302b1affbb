import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from '@gatebench/gateway/parse';
import { describe, expect, test } from 'vitest';
import { HitOptions, parseDuration, toHitJob } from '../../src/load/hit-job.ts';
import { toBins, toSummary } from '../../src/load/hit-summary.ts';
import { Tally } from '../../src/load/tally.ts';

const options = (more: Partial<HitOptions>): HitOptions =>
  parse(HitOptions, { url: 'http://127.0.0.1:1/a?b=1', ...more }, 'hit');

describe('toHitJob', () => {
  test('-n requests on -c connections are a closed loop', () => {
    const job = toHitJob(options({ requests: 1000, connections: 20, method: 'post', headers: ['X-Key: a: b'] }));
    expect(job).toMatchObject({ loop: 'closed', requestLimit: 1000, connections: 20, baseUrl: 'http://127.0.0.1:1' });
    expect(job.requests[0]).toMatchObject({ method: 'POST', path: '/a?b=1', headers: { 'x-key': 'a: b' } });
  });

  test('a rate makes it an open loop of as many seconds as the requests take', () => {
    expect(toHitJob(options({ requests: 500, ratePerSecond: 100 }))).toMatchObject({
      loop: 'open',
      ratePerSecond: 100,
      durationSeconds: 5,
      requestLimit: 500,
    });
  });

  test('a duration replaces the number of requests', () => {
    const job = toHitJob(options({ requests: 1, connections: 50, durationSeconds: 3 }));
    expect(job).toMatchObject({ durationSeconds: 3, requestLimit: Number.MAX_SAFE_INTEGER });
  });

  test('the body and its content type come from the options', () => {
    const folder = mkdtempSync(join(tmpdir(), 'gatebench-test-'));
    try {
      const file = join(folder, 'body.json');
      writeFileSync(file, '{"ü":1}');
      const job = toHitJob(options({ bodyFile: file, contentType: 'application/json' }));
      expect(job.requests[0]).toMatchObject({ body: '{"ü":1}', headers: { 'content-type': 'application/json' } });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test.each([
    ['a URL of another kind', { url: 'ftp://x' }, /http:\/\/ or https:\/\//],
    ['a header without a colon', { headers: ['nonsense'] }, /'Name: value'/],
    ['an unknown method', { method: 'BREW' }, /one of GET, POST/],
    ['fewer requests than connections', { requests: 5, connections: 10 }, /-n 5 is less than -c 10/],
    ['a body file that is not there', { bodyFile: '/nowhere/body' }, /cannot be read/],
  ])('%s is bad usage', (_title, more, message) => {
    const make = () => toHitJob(options(more));
    expect(make).toThrow(message);
    expect(make).toThrow(expect.objectContaining({ exitCode: 2 }));
  });
});

test('durations are read with their units, and nonsense is bad usage', () => {
  expect(['500ms', '10s', '2m', '1h', '3'].map(parseDuration)).toEqual([0.5, 10, 120, 3600, 3]);
  expect(() => parseDuration('soon')).toThrow(/such as 10s/);
  expect(() => parseDuration('0s')).toThrow(/such as 10s/);
});

test('the summary states percentiles, status codes, errors and a histogram that holds every answer', () => {
  const tally = new Tally();
  const sample = { request: 'GET', startMs: 0, lagMs: null, bytes: 10, example: '' };
  for (let index = 1; index <= 100; index++) {
    tally.add({ ...sample, latencyMs: index, outcome: 'ok', status: 200, detail: '' });
  }
  tally.add({ ...sample, latencyMs: 1, outcome: 'status', status: 500, detail: '500' });
  const result = tally.result({
    engine: 'test',
    startedAtMs: 0,
    durationSeconds: 2,
    offeredRate: null,
    achievedRate: 50.5,
    dropped: 0,
    scheduleKnown: true,
    connectionsOpened: 10,
    generatorCpuPercent: null,
    rawFiles: [],
  });
  const bins = toBins(result.latency.histogram);
  expect(bins.reduce((sum, bin) => sum + bin.count, 0)).toBe(100);
  expect(Math.max(...bins.map((bin) => bin.count))).toBeLessThanOrEqual(11);
  const text = toSummary(toHitJob(options({})), { result, statusCounts: { 200: 100, 500: 1 } });
  expect(text).toMatch(/p50 +50\.\d/);
  expect(text).toMatch(/p99 +99\.\d/);
  expect(text).toContain('[200] 100');
  expect(text).toContain('[1] status: 500');
});
