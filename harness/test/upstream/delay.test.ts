import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { delay, toUnit } from '../../src/upstream/fast-time/delay.ts';

test('the share of seeds that fail is the error rate, and a seed always does the same', () => {
  for (const rate of [0.01, 0.1, 0.5]) {
    let failed = 0;
    for (let seed = 0; seed < 20_000; seed++) if (toUnit(seed) < rate) failed++;
    // Four standard errors of a fair draw.
    expect(Math.abs(failed / 20_000 - rate)).toBeLessThan(4 * Math.sqrt((rate * (1 - rate)) / 20_000));
  }
  expect(toUnit(42)).toBe(toUnit(42));
});

test('units of all seeds lie in [0, 1): rate 0 never fails, rate 1 always does', async () => {
  const seeds = [0, 1, 2_147_483_647, 2_147_483_648, 4_294_967_295];
  for (const seed of seeds) {
    expect(await delay.call({ error_rate: 0, seed }, new EventEmitter())).not.toContain('isError');
    expect(await delay.call({ error_rate: 1, seed }, new EventEmitter())).toContain('"isError":true');
  }
});

test('a caller that leaves ends the delay', async () => {
  const caller = new EventEmitter();
  const start = performance.now();
  const answer = delay.call({ delay_ms: 60_000 }, caller);
  caller.emit('close');
  await answer;
  expect(performance.now() - start).toBeLessThan(5000);
});

test('no listener is left on a caller that stays', async () => {
  const caller = new EventEmitter();
  await delay.call({ delay_ms: 1 }, caller);
  expect(caller.listenerCount('close')).toBe(0);
});

test('arguments out of range are a result with isError', async () => {
  for (const args of [{ delay_ms: -1 }, { delay_ms: 60_001 }, { error_rate: 2 }, { seed: 0.5 }, { delay_ms: '5' }]) {
    expect(await delay.call(args, new EventEmitter())).toMatch(/invalid arguments for delay.*"isError":true/);
  }
});
