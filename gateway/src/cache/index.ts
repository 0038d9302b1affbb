// How the caches of this process learn of the changes of others, by CACHE_TYPE.
import type { Config } from '../config.ts';
import type { Caches } from './caches.ts';
import { createRedisClient, type RedisClient } from './redis-client.ts';
import { shareByRedis } from './redis-level.ts';
import { type CacheVersions, shareByVersions } from './versions.ts';

export interface Sharing extends AsyncDisposable {
  /** There is one while REDIS_URL is set. */
  redis: RedisClient | undefined;
}

export interface SharingOptions {
  caches: Caches;
  config: Config;
  versions: CacheVersions;
  log: { info(detail: object, message: string): void; warn(detail: object, message: string): void };
}

/** Then Redis tells all processes, the workers of one gateway too. */
export function isSharedByRedis({ CACHE_TYPE, REDIS_URL }: Pick<Config, 'CACHE_TYPE' | 'REDIS_URL'>): boolean {
  return CACHE_TYPE === 'redis' && REDIS_URL !== '';
}

/** Starts without Redis when it is not there: it is waited for half a second. */
export async function startSharing({ caches, config, versions, log }: SharingOptions): Promise<Sharing> {
  const redis = config.REDIS_URL === '' ? undefined : await createRedisClient(config, log);
  if (config.CACHE_TYPE === 'redis' && redis !== undefined) shareByRedis(caches, redis);
  const byVersions =
    config.CACHE_TYPE === 'database'
      ? shareByVersions({ caches, versions, everyMs: () => config.CACHE_SYNC_INTERVAL * 1000 })
      : undefined;
  return {
    redis,
    async [Symbol.asyncDispose]() {
      await byVersions?.[Symbol.asyncDispose]();
      await redis?.[Symbol.asyncDispose]();
    },
  };
}
