import { expect, test } from 'vitest';
import { countRequests, toAnswerBytes } from '../../src/load/bare-http.ts';
import { delayQuantile, delays, openStallQuantileMs } from '../../src/load/delay-model.ts';
import { stallCapacity } from '../../src/load/stall-capacity.ts';
import { toWire } from '../../src/load/wire-request.ts';
import { redact } from '../../src/redact.ts';

const twoPoints = {
  seed: 3,
  points: [
    { delayMs: 50, share: 0.1 },
    { delayMs: 5, share: 0.9 },
  ],
  stall: null,
};

test('delays are the same for the same seed and follow their shares', () => {
  const draw = (): number[] => Array.from({ length: 10_000 }, delays(twoPoints));
  const drawn = draw();
  expect(draw()).toEqual(drawn);
  expect(drawn.filter((delay) => delay === 50).length / 10_000).toBeCloseTo(0.1, 2);
});

test('the quantile of a model is the delay whose cumulated share reaches it', () => {
  expect([0.5, 0.9, 0.91, 0.99].map((q) => delayQuantile(twoPoints, q))).toEqual([5, 5, 50, 50]);
});

test('a stall in an open loop takes the upper S / d of the quantiles, linearly', () => {
  const load = { durationSeconds: 8, stallSeconds: 2, delayMs: 5 };
  const seen = [0.5, 0.75, 0.9, 0.99, 1].map((q) => openStallQuantileMs(q, load));
  for (const [index, expected] of [5, 5, 1200, 1920, 2000].entries()) expect(seen[index]).toBeCloseTo(expected, 6);
});

test('an open loop has a sender for every request of a stall, but never more than requests', () => {
  expect(stallCapacity(1000, 10_000)).toBe(2500);
  expect(stallCapacity(100, 100)).toBe(100);
  expect(stallCapacity(0.5, 5)).toBe(4);
});

test('requests are counted over chunks that cut them anywhere', () => {
  const request = Buffer.from('POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\nhost: a\r\n\r\n');
  for (let cut = 1; cut < request.length; cut++) {
    const count = countRequests();
    expect(count(request.subarray(0, cut)) + count(request.subarray(cut)), `cut at ${cut}`).toBe(2);
  }
});

test('an answer states its own length, whatever the real one said', () => {
  const bytes = toAnswerBytes({ status: 200, headers: { 'Content-Length': '9', etag: 'x' }, body: 'ü' });
  expect(bytes.toString('utf8')).toBe('HTTP/1.1 200 OK\r\netag: x\r\ncontent-length: 2\r\n\r\nü');
});

test('a request on the wire has its token only when it asks for it, and its length in bytes', () => {
  const request = {
    name: 'call',
    method: 'POST',
    path: '/rpc',
    headers: { accept: '*/*' },
    auth: true,
    body: 'ü',
    rpcId: null,
    expect: { status: 200, jsonRpc: false, body: [] },
  };
  const url = new URL('http://h:1/base/');
  const wire = toWire(request, url, 'tok').toString('utf8');
  expect(wire).toMatch(/^POST \/base\/rpc HTTP\/1\.1\r\nhost: h:1\r\n/);
  expect(wire).toContain('authorization: Bearer tok\r\n');
  expect(wire).toContain('content-length: 2\r\n\r\nü');
  expect(toWire({ ...request, auth: false }, url, 'tok').toString('utf8')).not.toContain('tok');
  expect(() => toWire({ ...request, headers: { a: 'x\r\ny: z' } }, url, '')).toThrow(/line break/);
});

test('tokens do not survive in what is kept', () => {
  const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl';
  const text = redact(`{"token":"my-token","jwt":"${jwt}","h":"Bearer abc.def"}`, 'my-token');
  expect(text).toBe('{"token":"[token]","jwt":"[token]","h":"Bearer [token]"}');
  expect(redact('x'.repeat(500), '').length).toBe(300);
});
