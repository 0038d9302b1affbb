import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStore, type Store } from '../../src/store/store.ts';
import { configOf } from '../config-of.ts';
import { describeWithPostgres, startPostgres, type TestPostgres } from '../postgres.ts';
import { startRelay } from './relay.ts';
import { quiet } from './store-contract.ts';

describeWithPostgres('the settings of the database, on PostgreSQL', () => {
  let postgres: TestPostgres;
  let DATABASE_URL: string;
  let watcher: Store;

  beforeAll(async () => {
    postgres = await startPostgres();
    DATABASE_URL = await postgres.createDatabase('settings');
    const elsewhere = await postgres.createDatabase('elsewhere');
    watcher = await openStore(configOf({ DATABASE_URL: elsewhere }), quiet);
  });
  afterAll(async () => {
    await watcher?.[Symbol.asyncDispose]();
    await postgres?.[Symbol.asyncDispose]();
  });

  const open = (settings: Record<string, string> = {}, waited?: (seconds: number) => void) =>
    openStore(configOf({ DATABASE_URL, ...settings }), quiet, {
      waited: (startedAt, endedAt) => waited?.((endedAt - startedAt) / 1000),
      queried: () => undefined,
    });
  const one = async (store: Store, text: string): Promise<unknown> => {
    const { rows } = await store.query((db) => sql.raw<Record<string, unknown>>(text).execute(db));
    return Object.values(rows[0] ?? {})[0];
  };
  const pid = (store: Store) => one(store, 'select pg_backend_pid()');
  const connections = async () =>
    Number(await one(watcher, `select count(*) from pg_stat_activity where datname = 'settings'`));

  it('DB_POOL_SIZE and DB_MAX_OVERFLOW bound the connections, and no more than those of the size are opened without need', async () => {
    await using store = await open({ DB_POOL_SIZE: '2', DB_POOL_MAX_OVERFLOW: '1' });
    const waits = Array.from({ length: 9 }, () => one(store, 'select pg_sleep(0.2)'));
    await expect.poll(() => store.pool()).toEqual({ size: 2, active: 3, idle: 0, waiting: 6, overflow: 1 });
    expect(await connections()).toBe(3);
    await Promise.all(waits);
    expect(store.pool()).toEqual({ size: 2, active: 0, idle: 3, waiting: 0, overflow: 1 });
  });

  it('DB_POOL_TIMEOUT bounds the wait for a connection, and each wait is told', async () => {
    const waits: number[] = [];
    const settings = { DB_POOL_SIZE: '1', DB_MAX_OVERFLOW: '0', DB_POOL_TIMEOUT: '0.1' };
    await using store = await open(settings, (seconds) => waits.push(seconds));
    await pid(store);
    const busy = one(store, 'select pg_sleep(0.4)');
    await expect(pid(store)).rejects.toThrow('no connection came free within 100 ms');
    await sleep(250);
    await Promise.all([busy, pid(store)]);
    expect(waits).toHaveLength(3);
    expect(waits[2]).toBeGreaterThan(0.01);
    expect(waits[2]).toBeLessThan(0.1);
  });

  it('DB_POOL_RECYCLE replaces a connection at its age', async () => {
    await using store = await open({ DB_POOL_RECYCLE: '0.3' });
    const first = await pid(store);
    expect(await pid(store)).toBe(first);
    await sleep(350);
    expect(await pid(store)).not.toBe(first);
  });

  it('DB_POOL_CLASS=null opens a connection for each use and keeps none', async () => {
    await using store = await open({ DB_POOL_CLASS: 'null' });
    expect(await pid(store)).not.toBe(await pid(store));
    await expect.poll(connections).toBe(0);
    await using kept = await open({ DB_POOL_CLASS: 'queue' });
    expect(await pid(kept)).toBe(await pid(kept));
    expect(await connections()).toBe(1);
  });

  it('DB_POOL_PRE_PING finds a connection that died in silence before it is used', async () => {
    await using relay = await startRelay(postgres.port);
    const url = DATABASE_URL.replace(String(postgres.port), String(relay.port));
    for (const [prePing, outcome] of [
      ['true', 'fulfilled'],
      ['false', 'rejected'],
    ]) {
      const settings = { DATABASE_URL: url, DB_POOL_PRE_PING: prePing ?? '', DB_STATEMENT_TIMEOUT: '0.2' };
      await using store = await open(settings);
      await pid(store);
      relay.freezeOpen();
      const [after] = await Promise.allSettled([pid(store)]);
      expect(after.status).toBe(outcome);
    }
  });

  it('DB_MAX_RETRIES and DB_RETRY_INTERVAL_MS wait at the start for a database that is not up yet', async () => {
    await using relay = await startRelay(postgres.port);
    const url = DATABASE_URL.replace(String(postgres.port), String(relay.port));
    await relay.close();
    const settings = { DATABASE_URL: url, DB_RETRY_INTERVAL_MS: '100' };
    await expect(open({ ...settings, DB_MAX_RETRIES: '0' })).rejects.toThrow('GW_DATABASE_UNAVAILABLE');
    const startMs = performance.now();
    await expect(open({ ...settings, DB_MAX_RETRIES: '2' })).rejects.toThrow('GW_DATABASE_UNAVAILABLE');
    // 100 and 200 ms, each shortened by up to half.
    expect(performance.now() - startMs).toBeGreaterThan(150);
    const waiting = open({ ...settings, DB_MAX_RETRIES: '5' });
    await sleep(200);
    await relay.open();
    await using store = await waiting;
    expect(await one(store, 'select 1')).toBe(1);
  });

  it('DB_MAX_RETRIES bridges a short absence while serving, within a second, and never sends a statement again', async () => {
    await using relay = await startRelay(postgres.port);
    const url = DATABASE_URL.replace(String(postgres.port), String(relay.port));
    await using store = await open({ DATABASE_URL: url });
    await using hasty = await open({ DATABASE_URL: url, DB_MAX_RETRIES: '0' });
    await Promise.all([pid(store), pid(hasty)]);
    await relay.close();
    await expect.poll(() => store.pool().idle + hasty.pool().idle).toBe(0);
    const bridged = pid(store);
    await expect(pid(hasty)).rejects.toThrow('GW_DATABASE_UNAVAILABLE');
    await sleep(150);
    await relay.open();
    expect(await bridged).toBeTypeOf('number');

    relay.cutAnswers();
    const insert = (id: string) => store.query((db) => db.insertInto('servers').values({ id, name: id }).execute());
    await expect(insert('once')).rejects.toThrow('GW_DATABASE_UNAVAILABLE');
    await using direct = await open();
    expect(Number(await one(direct, `select count(*) from servers where id = 'once'`))).toBe(1);
    await relay.close();
    const startMs = performance.now();
    await expect(insert('never')).rejects.toThrow('GW_DATABASE_UNAVAILABLE');
    expect(performance.now() - startMs).toBeLessThan(1000);
  });

  it('DB_PREPARE_THRESHOLD names a statement from its so-manieth execution on; 0 never, 1 at once', async () => {
    for (const [threshold, expected] of [
      ['0', [0, 0, 0, 0]],
      ['1', [1, 1, 1, 1]],
      ['3', [0, 0, 1, 1]],
    ] as const) {
      await using store = await open({ DB_PREPARE_THRESHOLD: threshold });
      const seen: number[] = [];
      for (let times = 0; times < 4; times += 1) {
        await store.query((db) => db.selectFrom('servers').select('id').where('id', '=', 'x').execute());
        seen.push(Number(await one(store, 'select count(*) from pg_prepared_statements')));
      }
      expect(seen, `threshold ${threshold}`).toEqual(expected);
    }
  });

  it('DB_STATEMENT_TIMEOUT ends a statement on the server and keeps the connection', async () => {
    await using store = await open({ DB_STATEMENT_TIMEOUT: '0.2', DB_POOL_SIZE: '1', DB_MAX_OVERFLOW: '0' });
    const before = await pid(store);
    await expect(one(store, 'select pg_sleep(2)')).rejects.toThrow('GW_DATABASE_UNAVAILABLE');
    expect(await pid(store)).toBe(before);
  });

  it('DB_IDLE_IN_TRANSACTION_TIMEOUT ends a transaction that does nothing', async () => {
    await using store = await open({ DB_IDLE_IN_TRANSACTION_TIMEOUT: '0.1' });
    const idle = store.transaction(async (db) => {
      await db.selectFrom('servers').select('id').execute();
      await sleep(300);
      await db.selectFrom('servers').select('id').execute();
    });
    await expect(idle).rejects.toThrow('GW_DATABASE_UNAVAILABLE');
    await using patient = await open();
    await patient.transaction(async (db) => {
      await db.selectFrom('servers').select('id').execute();
      await sleep(300);
      await db.selectFrom('servers').select('id').execute();
    });
  });

  it('DB_CONNECT_TIMEOUT bounds the wait for a server that accepts and says nothing', async () => {
    await using relay = await startRelay(postgres.port);
    relay.freeze();
    const url = DATABASE_URL.replace(String(postgres.port), String(relay.port));
    const startMs = performance.now();
    await expect(open({ DATABASE_URL: url, DB_CONNECT_TIMEOUT: '0.2', DB_MAX_RETRIES: '0' })).rejects.toThrow(
      'GW_DATABASE_UNAVAILABLE',
    );
    expect(performance.now() - startMs).toBeLessThan(1000);
  });

  it('takes other pool sizes while it serves, and loses nothing', async () => {
    await using store = await open({ DB_POOL_SIZE: '1', DB_MAX_OVERFLOW: '0' });
    const busy = Array.from({ length: 4 }, () => one(store, 'select pg_sleep(0.3)'));
    await expect.poll(() => store.pool()).toMatchObject({ active: 1, waiting: 3 });
    store.resize(3, 1);
    await expect.poll(() => store.pool()).toMatchObject({ size: 3, active: 4, waiting: 0, overflow: 1 });
    store.resize(2, 0);
    await Promise.all(busy);
    expect(store.pool()).toMatchObject({ size: 2, idle: 2 });
    await expect.poll(connections).toBe(2);
  });

  it('asks whether the database is there without a connection when it has just answered, and once for all who ask', async () => {
    const waits: number[] = [];
    const settings = { DB_POOL_SIZE: '1', DB_MAX_OVERFLOW: '0', DB_POOL_TIMEOUT: '0.2' };
    await using store = await open(settings, (seconds) => waits.push(seconds));
    await Promise.all(Array.from({ length: 20 }, () => store.ping()));
    expect(waits).toHaveLength(1);
    const busy = one(store, 'select pg_sleep(0.5)');
    await expect.poll(() => store.pool().active).toBe(1);
    await store.ping();
    await busy;
    expect(waits).toHaveLength(2);
  });

  it('DB_QUERY_LOG_ENABLED logs statements with their duration and no value', async () => {
    const lines: { detail: object; message: string }[] = [];
    const log = { ...quiet, info: (detail: object, message: string) => lines.push({ detail, message }) };
    const ask = async (settings: Record<string, string>) => {
      lines.length = 0;
      await using store = await openStore(configOf({ DATABASE_URL, ...settings }), log);
      await store.query((db) => db.selectFrom('servers').select('id').where('id', '=', 'a-secret').execute());
      return lines.filter(({ message }) => message === 'database statement');
    };
    expect(await ask({})).toEqual([]);
    const logged = await ask({ DB_QUERY_LOG_ENABLED: 'true' });
    expect(logged).toMatchObject([
      { detail: { sql: expect.stringContaining('from "servers"'), durationMs: expect.any(Number), failed: false } },
    ]);
    expect(JSON.stringify(logged)).not.toContain('a-secret');
  });
});
