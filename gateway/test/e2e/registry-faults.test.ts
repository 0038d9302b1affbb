import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStore } from '../../src/store/store.ts';
import { configOf } from '../config-of.ts';
import { describeWithPostgres, startPostgres, type TestPostgres } from '../postgres.ts';
import { fastTime } from '../registry/stub-upstream.ts';
import { startRegistryApp } from './registry-app.ts';
import { startRelay } from './relay.ts';

const url = 'http://127.0.0.1:9000/mcp';
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

async function timed<T>(work: () => Promise<T>): Promise<{ result: T; elapsedMs: number }> {
  const startMs = performance.now();
  return { result: await work(), elapsedMs: performance.now() - startMs };
}

describeWithPostgres('the registry while PostgreSQL fails', () => {
  let postgres: TestPostgres;

  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(async () => {
    await postgres?.[Symbol.asyncDispose]();
  });

  it('serves from memory what it knows, refuses the rest with 503 in under a second, and is good again by itself', async () => {
    await using registry = await startRegistryApp(await postgres.createDatabase('down'), {
      REGISTRY_CACHE_TTL: '0.05',
    });
    registry.upstreams.offers.set(url, fastTime);
    await registry.call('POST', '/gateways', { name: 'fast_time', url });
    const { catalog } = registry.registry;
    await catalog.list('tools');

    await postgres.stop();
    await new Promise((resolve) => setTimeout(resolve, 200));
    for (let times = 0; times < 5; times += 1) {
      expect(await catalog.find('tools', 'convert_time')).toBeDefined();
      expect(JSON.parse(await catalog.list('tools')).tools).toHaveLength(2);
    }
    expect(registry.warnings.filter((message) => message.includes('from memory'))).toHaveLength(1);

    const write = await timed(() => registry.call('POST', '/servers', { name: 'x' }));
    expect([write.result.status, write.result.json.code]).toEqual([503, 'GW_DATABASE_UNAVAILABLE']);
    expect(write.elapsedMs).toBeLessThan(1000);
    await expect(registry.store.ping()).rejects.toThrow('GW_DATABASE_UNAVAILABLE');
    await expect(catalog.hasServer('unknown')).rejects.toThrow('GW_DATABASE_UNAVAILABLE');

    await postgres.start();
    await registry.store.ping();
    expect((await registry.call('POST', '/servers', { name: 'x' })).status).toBe(201);
    expect(registry.store.pool().active).toBe(0);
  });

  it('answers 503 within its deadline when PostgreSQL hangs, keeps serving from memory and reuses no hung connection', async () => {
    await using relay = await startRelay(postgres.port);
    await postgres.createDatabase('hang');
    await using registry = await startRegistryApp(`postgresql://postgres@127.0.0.1:${relay.port}/hang`, {
      DB_STATEMENT_TIMEOUT: '0.5',
      DB_CONNECT_TIMEOUT: '0.5',
      // What is in memory is too old to be served without an attempt to read it anew.
      REGISTRY_CACHE_TTL: '0.05',
    });
    const { catalog } = registry.registry;
    registry.upstreams.offers.set(url, fastTime);
    await registry.call('POST', '/gateways', { name: 'fast_time', url });
    await catalog.list('tools');

    relay.freeze();
    const answers = await timed(() => Promise.all(Array.from({ length: 20 }, () => registry.call('GET', '/servers'))));
    expect(answers.result.map((answer) => answer.status)).toEqual(Array(20).fill(503));
    expect(answers.elapsedMs).toBeLessThan(2500);
    const first = await timed(async () => await catalog.find('tools', 'convert_time'));
    expect(first.result).toBeDefined();
    expect(first.elapsedMs).toBeLessThan(2500);
    // Nobody waits after the first attempt has failed, while others are made and hang: long enough for two of them.
    for (let times = 0; times < 60; times += 1) {
      expect(catalog.find('tools', 'convert_time')).toMatchObject({ originalName: 'convert_time' });
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const ping = await timed(() => registry.store.ping().catch((error: Error) => error.message));
    expect(ping.result).toContain('GW_DATABASE_UNAVAILABLE');
    expect(ping.elapsedMs).toBeLessThan(2500);

    relay.thaw();
    const after = await Promise.all(Array.from({ length: 20 }, () => registry.call('GET', '/servers')));
    expect(after.map((answer) => answer.status)).toEqual(Array(20).fill(200));
  });

  it('survives that connections are killed, idle and in use', async () => {
    const databaseUrl = await postgres.createDatabase('killed');
    await using registry = await startRegistryApp(databaseUrl);
    await using killer = await openStore(
      configOf({ DATABASE_URL: databaseUrl.replace('/killed', '/postgres') }),
      quiet,
    );
    const kill = () =>
      killer.query((db) =>
        sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = 'killed'`.execute(db),
      );
    await Promise.all(Array.from({ length: 5 }, () => registry.call('GET', '/servers')));
    const slow = registry.store.query((db) => sql`select pg_sleep(3)`.execute(db));
    const [outcome] = await Promise.allSettled([slow, new Promise((resolve) => setTimeout(resolve, 100)).then(kill)]);
    expect(outcome.status === 'rejected' && String(outcome.reason)).toContain('GW_DATABASE_UNAVAILABLE');
    await new Promise((resolve) => setTimeout(resolve, 100));
    const answers = await Promise.all(Array.from({ length: 10 }, () => registry.call('GET', '/servers')));
    expect(answers.map((answer) => answer.status)).toEqual(Array(10).fill(200));
  });

  it('holds no connection while it waits for a slow upstream', async () => {
    await using registry = await startRegistryApp(await postgres.createDatabase('slow'));
    let answer: (() => void) | undefined;
    registry.upstreams.offers.set(url, fastTime);
    registry.upstreams.before = () =>
      new Promise((resolve) => {
        answer = resolve;
      });
    const registered = registry.call('POST', '/gateways', { name: 'slow', url });
    await expect.poll(() => answer).toBeDefined();
    expect(registry.store.pool().active).toBe(0);
    answer?.();
    expect((await registered).status).toBe(201);
  });

  it('gives up on an upstream that does not list everything in time, and stores nothing', async () => {
    await using registry = await startRegistryApp(await postgres.createDatabase('late'), { TOOL_TIMEOUT: '0.2' });
    registry.upstreams.before = (signal) =>
      new Promise((_, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason));
      });
    const { status, json } = await registry.call('POST', '/gateways', { name: 'late', url });
    expect([status, json.code]).toEqual([504, 'GW_UPSTREAM_TIMEOUT']);
    expect((await registry.call('GET', '/gateways')).json).toEqual([]);
    expect(registry.upstreams.open).toBe(0);
  });

  it('answers 503 when no connection comes free in time', async () => {
    const settings = { DB_POOL_SIZE: '1', DB_MAX_OVERFLOW: '0', DB_POOL_TIMEOUT: '0.1' };
    await using registry = await startRegistryApp(await postgres.createDatabase('full'), settings);
    const sleep = registry.store.query((db) => sql`select pg_sleep(1)`.execute(db));
    const { status, json } = await registry.call('GET', '/servers');
    expect([status, json.code]).toEqual([503, 'GW_DATABASE_UNAVAILABLE']);
    await sleep;
    expect((await registry.call('GET', '/servers')).status).toBe(200);
  });

  it('ends a statement that takes longer than it may, and replaces connections that are too old', async () => {
    const DATABASE_URL = await postgres.createDatabase('old');
    const settings = { DB_STATEMENT_TIMEOUT: '0.3', DB_POOL_RECYCLE: '1', DB_POOL_SIZE: '1', DB_MAX_OVERFLOW: '0' };
    await using store = await openStore(configOf({ DATABASE_URL, ...settings }), quiet);
    await expect(store.query((db) => sql`select pg_sleep(2)`.execute(db))).rejects.toThrow('GW_DATABASE_UNAVAILABLE');
    const pid = async () => (await store.query((db) => sql`select pg_backend_pid() as pid`.execute(db))).rows;
    const before = await pid();
    expect(await pid()).toEqual(before);
    await new Promise((resolve) => setTimeout(resolve, 1200));
    expect(await pid()).not.toEqual(before);
  });

  it('says at the start that the database cannot be reached, without its password', async () => {
    const config = configOf({ DATABASE_URL: 'postgresql+psycopg://user:hidden@127.0.0.1:1/none', DB_MAX_RETRIES: '0' });
    const failure = await openStore(config, quiet).catch((error: Error) => error);
    expect(String(failure)).toContain('GW_DATABASE_UNAVAILABLE');
    expect(String(failure)).not.toContain('hidden');
  });
});
