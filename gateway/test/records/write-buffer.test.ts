import { expect, test, vi } from 'vitest';
import { GatewayError } from '../../src/errors.ts';
import { createRecords } from '../../src/records/index.ts';
import { WriteBuffer } from '../../src/records/write-buffer.ts';
import type { Store } from '../../src/store/store.ts';
import { callerOf } from '../caller-of.ts';
import { configOf } from '../config-of.ts';
import { createTestApp } from '../test-app.ts';

const away = () => new GatewayError('GW_DATABASE_UNAVAILABLE', { detail: 'away' });

function createBuffer(options: { maxRows: number; write?: (rows: number[]) => Promise<void> }) {
  const written: number[][] = [];
  const logged: string[] = [];
  const log = (_: object, message: string) => void logged.push(message);
  const buffer = new WriteBuffer<number>({
    table: 'numbers',
    write: options.write ?? (async (rows) => void written.push(rows)),
    maxRows: () => options.maxRows,
    intervalMs: () => 60_000,
    log: { info: log, warn: log, error: log },
  });
  return { buffer, written, logged };
}

test('rows wait until there are enough, and are then written at once', async () => {
  const { buffer, written } = createBuffer({ maxRows: 3 });
  buffer.push(1);
  buffer.push(2);
  expect(written).toEqual([]);
  buffer.push(3);
  await buffer.flush();
  expect(written).toEqual([[1, 2, 3]]);
  expect(buffer.state).toEqual({ table: 'numbers', waiting: 0, written: 3, dropped: 0 });
});

test('a stop writes all that waits, also what came while another write was under way', async () => {
  let release = () => {};
  const written: number[][] = [];
  const { buffer } = createBuffer({
    maxRows: 2,
    write: async (rows) => {
      if (written.length === 0) await new Promise<void>((resolve) => (release = resolve));
      written.push(rows);
    },
  });
  buffer.push(1);
  buffer.push(2);
  buffer.push(3);
  const stopped = buffer[Symbol.asyncDispose]();
  release();
  await stopped;
  expect(written.flat()).toEqual([1, 2, 3]);
});

test('rows of one key are one row while they wait: a database that stalls under load loses none', async () => {
  const written: { key: string; count: number }[] = [];
  let release = () => {};
  const log = () => undefined;
  const buffer = new WriteBuffer<{ key: string; count: number }>({
    table: 'counts',
    write: async (rows) => {
      if (written.length === 0) await new Promise<void>((resolve) => (release = resolve));
      written.push(...rows);
    },
    maxRows: () => 10,
    intervalMs: () => 60_000,
    fold: {
      keyOf: ({ key }) => key,
      add: (into, { count }) => {
        into.count += count;
      },
    },
    log: { info: log, warn: log, error: log },
  });
  for (let at = 0; at < 100_000; at++) buffer.push({ key: at % 3 === 0 ? 'a' : 'b', count: 1 });
  expect(buffer.state).toMatchObject({ waiting: 2, dropped: 0 });
  release();
  await buffer[Symbol.asyncDispose]();
  const sumOf = (wanted: string) => written.reduce((sum, { key, count }) => sum + (key === wanted ? count : 0), 0);
  expect([sumOf('a'), sumOf('b')]).toEqual([33_334, 66_666]);
});

test('what a database that was away did not take is written when it is back, in order', async () => {
  let isAway = true;
  const written: number[] = [];
  const { buffer } = createBuffer({
    maxRows: 100,
    write: async (rows) => {
      if (isAway) throw away();
      written.push(...rows);
    },
  });
  buffer.push(1);
  expect(await buffer.flush()).toBe(false);
  buffer.push(2);
  isAway = false;
  expect(await buffer.flush()).toBe(true);
  expect(written).toEqual([1, 2]);
});

test('a database that stays away costs bounded memory: the oldest rows are dropped, counted, and told once', async () => {
  const { buffer, logged } = createBuffer({
    maxRows: 1000,
    write: async () => {
      throw away();
    },
  });
  for (let row = 0; row < 25_000; row++) buffer.push(row);
  await buffer.flush();
  expect(buffer.state).toMatchObject({ waiting: 10_000, dropped: 15_000 });
  expect(logged).toEqual(['records are dropped: the database is away for too long']);
  await buffer[Symbol.asyncDispose]();
  expect(buffer.state).toMatchObject({ waiting: 0, dropped: 25_000 });
});

test('rows that the database refuses do not hold up those that follow', async () => {
  const { buffer } = createBuffer({
    maxRows: 100,
    write: async (rows) => {
      if (rows.includes(1)) throw new Error('no such column');
    },
  });
  buffer.push(1);
  await buffer.flush();
  buffer.push(2);
  await buffer.flush();
  expect(buffer.state).toMatchObject({ waiting: 0, written: 1, dropped: 1 });
});

test('rows wait no longer than METRICS_BUFFER_FLUSH_INTERVAL', async () => {
  vi.useFakeTimers();
  try {
    let inserts = 0;
    const store = {
      bulkInsert: async () => {
        inserts++;
      },
    } as unknown as Store;
    const config = configOf({ METRICS_BUFFER_FLUSH_INTERVAL: '5', TOKEN_USAGE_LOGGING_ENABLED: 'false' });
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const records = createRecords({ config, store, log, performance: undefined });
    records.executed?.({ entryId: 'a', kind: 'tools', durationMs: 1, errorCode: undefined }, 'a', callerOf());
    await vi.advanceTimersByTimeAsync(4900);
    expect(inserts).toBe(0);
    await vi.advanceTimersByTimeAsync(200);
    expect(inserts).toBe(1);
    await records[Symbol.asyncDispose]();
  } finally {
    vi.useRealTimers();
  }
});

test('what was dropped is told on /metrics, by table', async () => {
  await using gateway = createTestApp(); // its database is away
  for (let at = 0; at < 10_007; at++) {
    const entryId = `entry ${at}`;
    gateway.records.executed?.({ entryId, kind: 'tools', durationMs: 1, errorCode: undefined }, 'a', callerOf());
  }
  await gateway.records.flush();
  const { body } = await gateway.send({ method: 'GET', url: '/metrics' });
  expect(body).toContain('gateway_records_dropped_total{table="entry_executions"} 7\n');
  expect(body).toContain('gateway_records_dropped_total{table="token_usage"} 0\n');
});
