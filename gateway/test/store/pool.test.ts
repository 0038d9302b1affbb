import { expect, it } from 'vitest';
import { Pool, type PoolSettings } from '../../src/store/pool.ts';

interface Link {
  id: number;
  isBroken: boolean;
  isClosed: boolean;
}

function createTestPool(changed: Partial<PoolSettings> = {}) {
  const settings: PoolSettings = {
    DB_POOL_CLASS: 'auto',
    DB_POOL_SIZE: 1,
    DB_MAX_OVERFLOW: 0,
    DB_POOL_TIMEOUT: 5,
    DB_POOL_RECYCLE: 3600,
    DB_POOL_PRE_PING: false,
    ...changed,
  };
  const test = {
    settings,
    opened: [] as Link[],
    waits: [] as number[],
    pings: 0,
    nowMs: 0,
    failOpen: false,
    failCheck: false,
  };
  const pool = new Pool<Link>({
    settings,
    open: async () => {
      if (test.failOpen) throw new Error('refused');
      const link = { id: test.opened.length, isBroken: false, isClosed: false };
      test.opened.push(link);
      return link;
    },
    close: (link) => {
      link.isClosed = true;
    },
    isBroken: (link) => link.isBroken,
    check: async () => {
      test.pings += 1;
      if (test.failCheck) throw new Error('dead');
    },
    nowMs: () => test.nowMs,
    waited: (startedAtMs, endedAtMs) => test.waits.push((endedAtMs - startedAtMs) / 1000),
  });
  return { pool, test };
}

it('lends a connection again, the one used last, and hands it to who waits in order of arrival', async () => {
  const { pool, test } = createTestPool();
  const first = await pool.acquire();
  const order: number[] = [];
  const later = [1, 2].map(async (number) => {
    const link = await pool.acquire();
    order.push(number);
    pool.release(link);
  });
  expect(pool.state()).toEqual({ size: 1, active: 1, idle: 0, waiting: 2, overflow: 0 });
  test.nowMs = 250;
  pool.release(first);
  await Promise.all(later);
  expect(order).toEqual([1, 2]);
  expect(test.opened).toHaveLength(1);
  expect(test.waits).toEqual([0, 0.25, 0.25]);
});

it('opens the overflow in a rush and says when nothing comes free in time', async () => {
  const { pool } = createTestPool({ DB_MAX_OVERFLOW: 1, DB_POOL_TIMEOUT: 0.02 });
  await pool.acquire();
  await pool.acquire();
  expect(pool.state()).toMatchObject({ active: 2, overflow: 1 });
  await expect(pool.acquire()).rejects.toThrow('no connection came free within 20 ms');
  expect(pool.state().waiting).toBe(0);
});

it('opens a connection for each use when its class is null, and keeps none', async () => {
  const { pool, test } = createTestPool({ DB_POOL_CLASS: 'null' });
  const both = await Promise.all([pool.acquire(), pool.acquire()]);
  for (const link of both) pool.release(link);
  pool.release(await pool.acquire());
  expect(test.opened.map((link) => link.isClosed)).toEqual([true, true, true]);
  expect(pool.state()).toEqual({ size: 0, active: 0, idle: 0, waiting: 0, overflow: 0 });
});

it('replaces what is too old, what broke, and with pre-ping what does not answer', async () => {
  const { pool, test } = createTestPool({ DB_POOL_RECYCLE: 10 });
  const useOne = async () => {
    const link = await pool.acquire();
    pool.release(link);
    return link.id;
  };
  expect(await useOne()).toBe(0);
  test.nowMs = 10_001;
  expect(await useOne()).toBe(1);
  const broken = await pool.acquire();
  broken.isBroken = true;
  pool.release(broken);
  expect(await useOne()).toBe(2);
  expect(test.pings).toBe(0);
  test.settings.DB_POOL_PRE_PING = true;
  expect(await useOne()).toBe(2);
  test.failCheck = true;
  expect(await useOne()).toBe(3);
  expect(test.pings).toBe(2);
  expect(test.opened.map((link) => link.isClosed)).toEqual([true, true, true, false]);
});

it('grows and shrinks while it is used', async () => {
  const { pool, test } = createTestPool();
  const first = await pool.acquire();
  const second = pool.acquire();
  test.settings.DB_POOL_SIZE = 2;
  pool.resized();
  pool.release(await second);
  expect(pool.state()).toMatchObject({ size: 2, active: 1, idle: 1 });
  test.settings.DB_POOL_SIZE = 1;
  pool.resized();
  expect(pool.state()).toMatchObject({ active: 1, idle: 0, overflow: 0 });
  expect(first.isClosed).toBe(false);
  pool.release(first);
  expect(pool.state()).toMatchObject({ active: 0, idle: 1 });
});

it('lets nobody wait for a database that is away', async () => {
  const { pool, test } = createTestPool();
  test.failOpen = true;
  const outcomes = await Promise.allSettled([pool.acquire(), pool.acquire(), pool.acquire()]);
  expect(outcomes.map((outcome) => outcome.status)).toEqual(['rejected', 'rejected', 'rejected']);
  test.failOpen = false;
  expect((await pool.acquire()).id).toBe(0);
});

it('opens another for who waits when the one that is out comes back broken', async () => {
  const { pool } = createTestPool();
  const first = await pool.acquire();
  const second = pool.acquire();
  first.isBroken = true;
  pool.release(first);
  expect((await second).id).toBe(1);
});

it('forgets an idle connection that was closed from outside', async () => {
  const { pool } = createTestPool();
  const link = await pool.acquire();
  pool.release(link);
  pool.forget(link);
  expect(pool.state()).toMatchObject({ active: 0, idle: 0 });
});

it('closes all when it ends, those in use when they come back', async () => {
  const { pool, test } = createTestPool({ DB_POOL_SIZE: 2 });
  const [first, second] = await Promise.all([pool.acquire(), pool.acquire()]);
  pool.release(first);
  pool.end();
  expect(first.isClosed).toBe(true);
  pool.release(second);
  expect(test.opened.every((link) => link.isClosed)).toBe(true);
  await expect(pool.acquire()).rejects.toThrow('destroyed');
});
