// Two gateways in one process: what one writes, the other shows.
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { type Sharing, startSharing } from '../../src/cache/index.ts';
import { createCacheVersions } from '../../src/store/cache-versions.ts';
import { describeWithEachDatabase } from '../databases.ts';
import { describeWithPostgres, startPostgres, type TestPostgres } from '../postgres.ts';
import { describeWithRedis, startRedis, type TestRedis } from '../redis.ts';
import { fastTime } from '../registry/stub-upstream.ts';
import { type RegistryApp, startRegistryApp, upstreamUrl } from './registry-app.ts';

type Instance = RegistryApp & { sharing: Sharing };

async function startInstance(databaseUrl: string, settings: Record<string, string>): Promise<Instance> {
  const app = await startRegistryApp(databaseUrl, settings);
  const { caches, config, store } = app;
  const log = { info: () => undefined, warn: (_: object, message: string) => void app.warnings.push(message) };
  const sharing = await startSharing({ caches, config, versions: createCacheVersions(store), log });
  app.upstreams.offers.set(upstreamUrl, fastTime);
  return {
    ...app,
    sharing,
    async [Symbol.asyncDispose]() {
      await sharing[Symbol.asyncDispose]();
      await app[Symbol.asyncDispose]();
    },
  };
}

const namesOf = async (instance: Instance) =>
  (await instance.call('GET', '/tools')).json.map((tool: { name: string }) => tool.name);

/** Writes here and measures until it shows there, in REST lists and look-ups. */
async function propagationMs(here: Instance, there: Instance, name: string): Promise<number> {
  await namesOf(there);
  await there.registry.catalog.list('tools');
  const [tool] = (await here.call('GET', '/tools')).json;
  await here.call('PUT', `/tools/${tool.id}`, { name });
  expect(await namesOf(here)).toContain(name);
  const writtenAt = performance.now();
  await vi.waitFor(
    async () => {
      expect(await namesOf(there)).toContain(name);
      expect(await there.registry.catalog.find('tools', name)).toBeDefined();
      expect(await there.registry.catalog.list('tools')).toContain(name);
    },
    { interval: 5, timeout: 3000 },
  );
  return performance.now() - writtenAt;
}

describeWithRedis('instances that share Redis (CACHE_TYPE=redis)', () => {
  describeWithPostgres('over PostgreSQL', () => {
    let postgres: TestPostgres;
    let redis: TestRedis;
    let here: Instance;
    let there: Instance;
    let serial = 0;

    beforeAll(async () => {
      [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
    });
    afterAll(async () => {
      await redis?.[Symbol.asyncDispose]();
      await postgres?.[Symbol.asyncDispose]();
    });
    beforeEach(async () => {
      await redis.client.flushall();
      const databaseUrl = await postgres.createDatabase(`shared_${++serial}`);
      const settings = {
        CACHE_TYPE: 'redis',
        REDIS_URL: redis.url,
        REDIS_RETRY_INTERVAL_MS: '50',
        REDIS_MAX_RETRIES: '1000',
      };
      here = await startInstance(databaseUrl, settings);
      there = await startInstance(databaseUrl, settings);
      await vi.waitFor(() => expect([here.sharing.redis?.isUp(), there.sharing.redis?.isUp()]).toEqual([true, true]));
      await here.call('POST', '/gateways', { name: 'fast_time', url: upstreamUrl });
      return async () => {
        await here[Symbol.asyncDispose]();
        await there[Symbol.asyncDispose]();
      };
    });

    it('shows a write of one on the other within 100 ms', async () => {
      const elapsed: number[] = [];
      for (const name of ['one', 'two', 'three', 'four', 'five']) elapsed.push(await propagationMs(here, there, name));
      // With the reads that follow, on a machine that does other things too: the median.
      expect(elapsed.toSorted((a, b) => a - b)[2]).toBeLessThan(100);
    });

    it('serves the other’s lists without asking the database', async () => {
      const kept = await namesOf(here);
      await vi.waitFor(async () => {
        // The first time there may have been no generation to keep it under.
        here.caches.drop('list_tools');
        await namesOf(here);
        expect(await redis.client.keys('mcpgw:cache:*:list_tools:*')).toHaveLength(1);
      });
      const statements = vi.spyOn(there.store, 'read');
      expect(await namesOf(there)).toEqual(kept);
      expect(statements).not.toHaveBeenCalled();
    });

    it('keeps no secret in Redis', async () => {
      const auth = { auth_type: 'bearer', auth_token: 'very-secret' };
      await here.call('POST', '/gateways', { name: 'second', url: upstreamUrl, ...auth });
      for (let times = 0; times < 3; times++) {
        for (const path of ['/gateways', '/tools', '/servers']) await here.call('GET', path);
        here.caches.dropAll();
      }
      for (const key of await redis.client.keys('*')) expect(await redis.client.get(key)).not.toContain('very-secret');
    });

    it('does not serve what was loaded before a write and stored after it', async () => {
      let release: () => void = () => undefined;
      const query = here.store.read.bind(here.store);
      const slow = vi.spyOn(here.store, 'read').mockImplementationOnce(async (run) => {
        const read = await query(run);
        await new Promise<void>((resolve) => {
          release = resolve;
        });
        return read;
      });
      const list = async (instance: Instance) => JSON.stringify((await instance.call('GET', '/tools?limit=49')).json);
      const old = list(here);
      await vi.waitFor(() => expect(slow).toHaveBeenCalled());
      const [tool] = (await there.call('GET', '/tools')).json;
      await there.call('PUT', `/tools/${tool.id}`, { name: 'renamed' });
      await new Promise((resolve) => setTimeout(resolve, 50));
      release();
      expect(await old).not.toContain('renamed');
      for (const instance of [here, there, here, there]) {
        expect(await list(instance)).toContain('renamed');
        instance.caches.drop('list_tools');
      }
    });

    it('goes on while Redis is gone or hangs, says so once, and is true again when it is back', async () => {
      await namesOf(here);
      for (const [lose, regain] of [
        [() => redis.stop(), () => redis.start()],
        [async () => redis.freeze(), async () => redis.thaw()],
      ] as const) {
        here.warnings.length = 0;
        await lose();
        here.caches.dropAll();
        const startedAt = performance.now();
        const tools = await namesOf(here);
        expect(tools).toHaveLength(2);
        expect(performance.now() - startedAt).toBeLessThan(200);
        for (let times = 0; times < 20; times++) {
          here.caches.dropAll();
          expect(await namesOf(here)).toEqual(tools);
        }
        const [tool] = (await here.call('GET', '/tools')).json;
        const name = `changed-${here.warnings.length}-${performance.now()}`;
        await namesOf(there);
        await here.call('PUT', `/tools/${tool.id}`, { name });
        expect(await namesOf(here)).toContain(name);
        await regain();
        await vi.waitFor(async () => expect(await namesOf(there)).toContain(name), { timeout: 5000 });
        await vi.waitFor(() => expect([here.sharing.redis?.isUp(), there.sharing.redis?.isUp()]).toEqual([true, true]));
        expect(here.warnings.filter((message) => message === 'going on without Redis')).toHaveLength(1);
        expect(await propagationMs(here, there, `after-${performance.now()}`)).toBeLessThan(100);
      }
    });

    it('is good within one call after FLUSHALL', async () => {
      const tools = await namesOf(here);
      await redis.client.flushall();
      here.caches.dropAll();
      expect(await namesOf(here)).toEqual(tools);
      expect(await propagationMs(here, there, 'after-flush')).toBeLessThan(100);
    });
  });
});

describeWithEachDatabase('instances that share a database (CACHE_TYPE=database)', (useDatabase) => {
  const database = useDatabase();

  it('CACHE_SYNC_INTERVAL: show each other’s writes within that time, and touch no Redis', async () => {
    const databaseUrl = await database.create('synced');
    const settings = { CACHE_TYPE: 'database', CACHE_SYNC_INTERVAL: '0.2' };
    await using here = await startInstance(databaseUrl, settings);
    await using there = await startInstance(databaseUrl, settings);
    await here.call('POST', '/gateways', { name: 'fast_time', url: upstreamUrl });
    await new Promise((resolve) => setTimeout(resolve, 300));
    for (const name of ['one', 'two']) expect(await propagationMs(here, there, name)).toBeLessThan(450);
    expect([here.sharing.redis, there.sharing.redis]).toEqual([undefined, undefined]);
    // Its own write is no reason to read anew.
    await namesOf(there);
    const statements = vi.spyOn(there.store, 'query');
    await new Promise((resolve) => setTimeout(resolve, 500));
    const looks = statements.mock.calls.length;
    expect(looks).toBeGreaterThan(0);
    expect(looks).toBeLessThan(5);
    const lists = vi.spyOn(there.store, 'read');
    await namesOf(there);
    expect(lists).not.toHaveBeenCalled();
  });

  it('CACHE_TYPE=memory: nobody else is told, and the TTL is what ends it', async () => {
    const databaseUrl = await database.create('apart');
    await using here = await startInstance(databaseUrl, { CACHE_TYPE: 'memory', CACHE_SYNC_INTERVAL: '0.05' });
    await using there = await startInstance(databaseUrl, { CACHE_TYPE: 'memory', REGISTRY_CACHE_TTL: '1' });
    await here.call('POST', '/gateways', { name: 'fast_time', url: upstreamUrl });
    expect(await namesOf(there)).toHaveLength(2);
    const [tool] = (await here.call('GET', '/tools')).json;
    await here.call('PUT', `/tools/${tool.id}`, { name: 'renamed' });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await namesOf(there)).not.toContain('renamed');
    await vi.waitFor(async () => expect(await namesOf(there)).toContain('renamed'), { timeout: 2000 });
  });
});
