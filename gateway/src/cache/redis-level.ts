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
const nothing = { text: undefined, generation: undefined };

/** Puts the level behind all caches and keeps them true to each other. */
export function shareByRedis(caches: Caches, client: RedisClient): void {
  const self = randomUUID();
  const { prefix, scope } = client;
  const generationKey = (name: string) => `${prefix}generation:${name}`;
  const valueKey = (name: string, key: string) => `${prefix}cache:${scope}:${name}:${key}`;
  /** Not yet told to Redis: nothing of these is read from there. By name, with the keys. */
  const untold = new Map<string, Set<string | undefined>>();
  let isTelling = false;

  const level: SecondLevel = {
    async read(name, key) {
      if (!client.isUp() || untold.has(name)) return nothing;
      try {
        const [kept, generation] = await client.call(
          (commands) => commands.mget(valueKey(name, key), generationKey(name)),
          { deadlineMs: REQUEST_DEADLINE_MS },
        );
        if (untold.has(name)) return nothing;
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
    if (isTelling || untold.size === 0 || !client.isUp()) return;
    isTelling = true;
    const told = [...untold].map(([name, keys]) => [name, new Set(keys)] as const);
    try {
      await client.call(async (commands) => {
        const sets = told.map(([name]) => commands.set(generationKey(name), randomUUID(), 'PX', GENERATION_MS));
        // Behind the new generations, on the same connection.
        const published = commands.publish(`${prefix}${CHANNEL}`, toText(self, told));
        await Promise.all([...sets, published]);
      });
      for (const [name, keys] of told) {
        const left = untold.get(name);
        for (const key of keys) left?.delete(key);
        if (left?.size === 0) untold.delete(name);
      }
      isTelling = false;
      await tell();
    } catch {
      isTelling = false; // told when Redis is back
    }
  }

  caches.onInvalidate((name, key) => {
    const keys = untold.get(name);
    if (keys === undefined) untold.set(name, new Set([key]));
    else keys.add(key);
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

function ignore(): void {}
