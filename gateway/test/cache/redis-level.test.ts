import { describe, expect, it } from 'vitest';
import { Caches } from '../../src/cache/caches.ts';
import type { Commands, RedisClient } from '../../src/cache/redis-client.ts';
import { shareByRedis } from '../../src/cache/redis-level.ts';

/** A Redis whose answers come when the test says so. */
function createSlowRedis() {
  const published: string[][] = [];
  const waiting: { resolve: () => void; reject: (error: Error) => void }[] = [];
  let tellUp: () => void = () => undefined;
  const commands = {
    set: async () => 'OK',
    mget: async () => [null, null],
    async publish(_channel: string, text: string) {
      published.push(JSON.parse(text).gone.map(([name, key]: [string, string | null]) => `${name} ${key}`));
      await new Promise<void>((resolve, reject) => waiting.push({ resolve, reject }));
      return 1;
    },
  } as unknown as Commands;
  const client: Partial<RedisClient> = {
    prefix: 'test:',
    scope: '1',
    isUp: () => true,
    call: (run) => run(commands),
    subscribe: () => undefined,
    onUp: (told) => {
      tellUp = told;
    },
  };
  const caches = new Caches();
  shareByRedis(caches, client as RedisClient);
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  return {
    caches,
    published,
    turn,
    tellUp: () => tellUp(),
    async answer(error?: Error) {
      const one = waiting.shift();
      if (error === undefined) one?.resolve();
      else one?.reject(error);
      await turn();
    },
  };
}

describe('invalidations on their way to Redis', () => {
  it('tells of one again that came while the same was being told', async () => {
    const { caches, published, answer, turn } = createSlowRedis();
    caches.invalidate('list_tools');
    await turn();
    // What another process loaded since the first one is wrong now.
    caches.invalidate('list_tools');
    await turn();
    expect(published).toEqual([['list_tools null']]);
    await answer();
    expect(published).toEqual([['list_tools null'], ['list_tools null']]);
    await answer();
    expect(published).toHaveLength(2);
  });

  it('tells all of them when Redis is back, those that came meanwhile too', async () => {
    const { caches, published, answer, turn, tellUp } = createSlowRedis();
    caches.invalidate('list_tools');
    await turn();
    caches.invalidate('list_tools', 'one');
    caches.invalidate('lookup', 'two');
    await answer(new Error('Command timed out'));
    expect(published).toHaveLength(1);
    tellUp();
    await turn();
    expect(published[1]?.toSorted()).toEqual(['list_tools null', 'list_tools one', 'lookup two']);
  });
});
