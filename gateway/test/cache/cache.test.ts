import { expect, it } from 'vitest';
import { Cache, type CacheOptions, type SecondLevel } from '../../src/cache/cache.ts';
import { Caches } from '../../src/cache/caches.ts';

function setUp(options: Partial<CacheOptions<string>> = {}) {
  const clock = { nowMs: 0 };
  const settings = { ttlMs: 100, max: 3, isEnabled: true };
  const cache = new Cache<string>({
    name: 'things',
    ttlMs: () => settings.ttlMs,
    max: () => settings.max,
    isEnabled: () => settings.isEnabled,
    now: () => clock.nowMs,
    ...options,
  });
  return { clock, settings, cache };
}

it('answers a hit without a promise and loads once for all who ask meanwhile', async () => {
  const { cache } = setUp();
  let loads = 0;
  const load = async () => `value ${++loads}`;
  expect(await Promise.all([cache.getOrLoad('a', load), cache.getOrLoad('a', load)])).toEqual(['value 1', 'value 1']);
  expect(cache.getOrLoad('a', load)).toBe('value 1');
  expect(cache.stats()).toEqual({ name: 'things', hits: 1, misses: 2, evictions: 0, size: 1 });
});

it('obeys a TTL and a size that change while it is in use', async () => {
  const { cache, clock, settings } = setUp();
  await cache.getOrLoad('a', async () => 'old');
  clock.nowMs = 60;
  expect(cache.get('a')).toBe('old');
  settings.ttlMs = 50;
  expect(cache.get('a')).toBeUndefined();
  settings.max = 1;
  cache.set('b', 'b');
  expect(cache.stats().size).toBe(1);
});

it('evicts what was not asked for first', () => {
  const { cache } = setUp();
  for (const key of ['a', 'b', 'c']) cache.set(key, key);
  expect(cache.get('a')).toBe('a');
  cache.set('d', 'd');
  expect([cache.get('a'), cache.get('b')]).toEqual(['a', undefined]);
  expect(cache.stats().evictions).toBe(1);
});

it('loads on every call while it is switched off', async () => {
  const { cache, settings } = setUp();
  await cache.getOrLoad('a', async () => 'kept');
  settings.isEnabled = false;
  let loads = 0;
  for (let call = 0; call < 3; call++) await cache.getOrLoad('a', async () => String(++loads));
  expect(loads).toBe(3);
});

it('keeps nothing that was being loaded when it was declared wrong, and serves it to nobody who asks later', async () => {
  const { cache } = setUp();
  let land: (value: string) => void = () => undefined;
  const first = cache.getOrLoad('a', () => new Promise((resolve) => (land = resolve)));
  await Promise.resolve();
  await Promise.resolve();
  cache.drop('a');
  const second = cache.getOrLoad('a', async () => 'new');
  land('old');
  expect([await first, await second]).toEqual(['old', 'new']);
  expect(cache.get('a')).toBe('new');
});

it('remembers no failure, and covers one by a stale value where that was asked for', async () => {
  const { cache, clock } = setUp({ staleMs: () => 50 });
  const fail = async () => {
    throw new Error('down');
  };
  await expect(cache.getOrLoad('a', fail)).rejects.toThrow('down');
  expect(await cache.getOrLoad('a', async () => 'good')).toBe('good');
  clock.nowMs = 120;
  expect(await cache.getOrLoad('a', fail)).toBe('good');
  clock.nowMs = 151;
  await expect(cache.getOrLoad('a', fail)).rejects.toThrow('down');
});

it('tells listeners of invalidations of this process and never of those of others', () => {
  const caches = new Caches();
  const cache = caches.create<string>({ name: 'things', ttlMs: () => 100, max: () => 10 });
  const told: unknown[] = [];
  caches.onInvalidate((name, key) => told.push([name, key]));
  cache.set('a', 'a');
  caches.invalidate('things', 'a');
  expect(cache.get('a')).toBeUndefined();
  cache.set('b', 'b');
  caches.drop('things');
  expect(cache.get('b')).toBeUndefined();
  expect(told).toEqual([['things', 'a']]);
  expect(() => caches.create({ name: 'things', ttlMs: () => 1, max: () => 1 })).toThrow('already');
});

it('asks the shared level before it loads, and writes there what it loaded', async () => {
  const shared = new Map([['things a', '"from another"']]);
  const level: SecondLevel = {
    read: async (name, key) => ({ text: shared.get(`${name} ${key}`), generation: 'g' }),
    write: (name, key, text, ttlMs, generation) => void shared.set(`${name} ${key}`, `${text} ${ttlMs} ${generation}`),
  };
  const { cache } = setUp({ codec: { toText: JSON.stringify, fromText: JSON.parse } });
  cache.secondLevel = level;
  expect(await cache.getOrLoad('a', () => Promise.reject(new Error('not asked')))).toBe('from another');
  expect(await cache.getOrLoad('b', async () => 'loaded')).toBe('loaded');
  expect(shared.get('things b')).toBe('"loaded" 100 g');
});
