// What processes share through Redis: values of caches that have a codec, and word of what became wrong. A value is kept with
// the generation that its cache had before it was loaded, and counts only while that generation lasts: what was loaded before
// an invalidation and written after it is never served.
import { randomUUID } from 'node:crypto';
import type { SecondLevel } from './cache.ts';
import type { Caches } from './caches.ts';
import { parseInvalidations, toText } from './invalidations.ts';
import { REQUEST_DEADLINE_MS, type RedisClient } from './redis-client.ts';

const CHANNEL = 'invalidate';
/** Longer than any TTL: a generation that is forgotten makes misses, nothing worse. */
const GENERATION_MS = 7 * 86_400_000;
type Told = Map<string, Set<string | undefined>>;
const nothing = { text: undefined, generation: undefined };

/** Puts the level behind all caches and keeps them true to each other. */
export function shareByRedis(caches: Caches, client: RedisClient): void {
  const self = randomUUID();
  const { prefix, scope } = client;
  const generationKey = (name: string) => `${prefix}generation:${name}`;
  const valueKey = (name: string, key: string) => `${prefix}cache:${scope}:${name}:${key}`;
  /** Not yet told to Redis, by name, with the keys. */
  let untold: Told = new Map();
  /** On its way there. What becomes wrong meanwhile is untold again: what was loaded between the two must not be served. */
  let telling: Told = new Map();
  /** Nothing of these is read from Redis. */
  const isUntold = (name: string) => untold.has(name) || telling.has(name);

  const level: SecondLevel = {
    async read(name, key) {
      if (!client.isUp() || isUntold(name)) return nothing;
      try {
        const [kept, generation] = await client.call(
          (commands) => commands.mget(valueKey(name, key), generationKey(name)),
          { deadlineMs: REQUEST_DEADLINE_MS },
        );
        if (isUntold(name)) return nothing;
        if (generation === null || generation === undefined) {
          // Emptied, or new: from the next time on there is one.
          const fresh = randomUUID();
          client.call((commands) => commands.set(generationKey(name), fresh, 'PX', GENERATION_MS, 'NX')).catch(ignore);
          return nothing;
        }
        const isCurrent = kept?.startsWith(`${generation}\n`);
        return { text: isCurrent ? kept?.slice(generation.length + 1) : undefined, generation };
      } catch {
        return nothing; // said once by the client
      }
    },
    write(name, key, text, ttlMs, generation) {
      if (!client.isUp()) return;
      const value = `${generation}\n${text}`;
      client
        .call((commands) => commands.set(valueKey(name, key), value, 'PX', Math.max(1, Math.round(ttlMs))))
        .catch(ignore);
    },
  };

  async function tell(): Promise<void> {
    if (telling.size > 0 || untold.size === 0 || !client.isUp()) return;
    [telling, untold] = [untold, new Map()];
    try {
      await client.call(async (commands) => {
        const sets = [...telling.keys()].map((name) =>
          commands.set(generationKey(name), randomUUID(), 'PX', GENERATION_MS),
        );
        // Behind the new generations, on the same connection.
        const published = commands.publish(`${prefix}${CHANNEL}`, toText(self, telling));
        await Promise.all([...sets, published]);
      });
    } catch {
      // Told when Redis is back.
      for (const [name, keys] of telling) for (const key of keys) add(untold, name, key);
      telling = new Map();
      return;
    }
    telling = new Map();
    await tell();
  }

  caches.onInvalidate((name, key) => {
    add(untold, name, key);
    // One message for all that a write makes wrong.
    queueMicrotask(() => void tell());
  });
  client.subscribe(CHANNEL, (text) => {
    for (const [name, key] of parseInvalidations(text, self)) caches.drop(name, key);
  });
  client.onUp(() => {
    // What others said meanwhile was not heard.
    caches.dropAll();
    void tell();
  });
  caches.useSecondLevel(level);
}

function add(told: Told, name: string, key: string | undefined): void {
  const keys = told.get(name);
  if (keys === undefined) told.set(name, new Set([key]));
  else keys.add(key);
}

function ignore(): void {}
