import { beforeEach, expect, it } from 'vitest';
import { Snapshot } from '../../src/cache/snapshot.ts';

let nowMs: number;
let loads: { resolve: (value: string) => void; reject: (error: Error) => void }[];
let stale: unknown[];
let snapshot: Snapshot<string>;

beforeEach(() => {
  nowMs = 0;
  loads = [];
  stale = [];
  snapshot = new Snapshot<string>({
    load: () => new Promise((resolve, reject) => loads.push({ resolve, reject })),
    ttlMs: () => 100,
    retryMs: 10,
    now: () => nowMs,
    onStale: (error) => stale.push(error),
  });
});

async function land(index: number, outcome: string | Error): Promise<void> {
  const load = loads[index];
  if (load === undefined) throw new Error(`there is no load ${index}`);
  if (typeof outcome === 'string') load.resolve(outcome);
  else load.reject(outcome);
  await new Promise((resolve) => setImmediate(resolve));
}

async function warm(value: string): Promise<void> {
  const asked = snapshot.get();
  await land(loads.length - 1, value);
  await asked;
}

it('makes one load for all who ask while it is under way', async () => {
  const asked = Array.from({ length: 20 }, () => snapshot.get());
  expect(loads).toHaveLength(1);
  await land(0, 'a');
  expect(await Promise.all(asked)).toEqual(Array(20).fill('a'));
});

it('answers without a promise while the value is young', async () => {
  await warm('a');
  nowMs = 99;
  expect(snapshot.get()).toBe('a');
  expect(loads).toHaveLength(1);
});

it('answers at once and loads behind the scenes when the value is old, and waits when it is very old', async () => {
  await warm('a');
  nowMs = 150;
  expect(snapshot.get()).toBe('a');
  expect(loads).toHaveLength(2);
  await land(1, 'b');
  expect(snapshot.get()).toBe('b');
  nowMs = 400;
  const asked = snapshot.get();
  expect(asked).toBeInstanceOf(Promise);
  await land(2, 'c');
  expect(await asked).toBe('c');
});

it('never answers with what was loaded before an invalidation', async () => {
  await warm('a');
  snapshot.invalidate();
  const first = snapshot.get();
  snapshot.invalidate();
  const second = snapshot.get();
  expect(loads).toHaveLength(3);
  await land(2, 'newest');
  expect(await second).toBe('newest');
  await land(1, 'older');
  expect(await first).toBe('older');
  expect(snapshot.get()).toBe('newest');
});

it('serves the old value while no new one can be made, tells each failure, and waits a moment before it tries again', async () => {
  await warm('a');
  nowMs = 500;
  const asked = snapshot.get();
  await land(1, new Error('down'));
  expect(await asked).toBe('a');
  expect(stale).toHaveLength(1);
  nowMs = 505;
  expect(snapshot.get()).toBe('a');
  expect(loads).toHaveLength(2);
  nowMs = 511;
  expect(snapshot.get()).toBe('a');
  expect(loads).toHaveLength(3);
  await land(2, 'b');
  expect(snapshot.get()).toBe('b');
});

it('lets nobody wait for an attempt that follows a failure, however long it hangs', async () => {
  await warm('a');
  nowMs = 500;
  const asked = snapshot.get();
  await land(1, new Error('down'));
  await asked;
  for (nowMs = 1_000; nowMs < 6_000; nowMs += 100) expect(snapshot.get()).toBe('a');
  expect(loads).toHaveLength(3);
  await land(2, new Error('still down'));
  expect(stale).toHaveLength(2);
  nowMs += 11;
  expect(snapshot.get()).toBe('a');
  expect(loads).toHaveLength(4);
});

it('tries again at once after an invalidation, whatever failed before', async () => {
  await warm('a');
  nowMs = 500;
  const asked = snapshot.get();
  await land(1, new Error('down'));
  await asked;
  snapshot.invalidate();
  const after = snapshot.get();
  expect(after).toBeInstanceOf(Promise);
  await land(2, 'b');
  expect(await after).toBe('b');
});

it('takes a failure of what began before an invalidation for none of what is wanted since', async () => {
  await warm('a');
  nowMs = 500;
  const before = snapshot.get();
  snapshot.invalidate();
  await land(1, new Error('down'));
  expect(await before).toBe('a');
  const after = snapshot.get();
  expect(after).toBeInstanceOf(Promise);
  await land(2, 'b');
  expect(await after).toBe('b');
});

it('fails when there is nothing to serve, and loads again for the next who asks', async () => {
  const asked = Promise.resolve(snapshot.get()).catch((error: Error) => error.message);
  await land(0, new Error('down'));
  expect(await asked).toBe('down');
  const again = snapshot.get();
  expect(loads).toHaveLength(2);
  await land(1, 'a');
  expect(await again).toBe('a');
});
