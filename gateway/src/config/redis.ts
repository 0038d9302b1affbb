// What processes share, and Redis. Nothing of Redis is touched while CACHE_TYPE is not `redis` and REDIS_URL is empty.
import { Type } from 'typebox';
import type { Fault } from '../parse.ts';
import { parseRedisUrl } from './redis-url.ts';
import { count, flag, seconds } from './setting.ts';

export const redisSettings = {
  CACHE_TYPE: Type.Enum(['database', 'memory', 'redis'], {
    default: 'database',
    description:
      'who learns of a change: `memory` this process alone, `database` the other instances within CACHE_SYNC_INTERVAL, ' +
      '`redis` they all at once, and lists and sessions are shared',
  }),
  CACHE_SYNC_INTERVAL: seconds('time between two looks for the changes of other instances (CACHE_TYPE=database)', {
    default: 1,
    minimum: 0.05,
    maximum: 3600,
    live: true,
  }),
  REDIS_URL: Type.String({
    default: '',
    pattern: '^$|^rediss?(\\+sentinel)?://.+',
    description:
      '`redis://`, `rediss://` (TLS) or `redis+sentinel://host:port,host:port/master/db`; set without CACHE_TYPE=redis, ' +
      'it serves the federation of gateways alone',
    secret: true,
  }),
  CACHE_PREFIX: Type.String({ default: 'mcpgw:', maxLength: 64, description: 'stands before every key in Redis' }),
  REDIS_MAX_CONNECTIONS: count(
    'connections of one worker: one listens, one carries all commands, the others are opened while those before them have 32 commands waiting',
    { default: 50, minimum: 2, maximum: 1000, live: true },
  ),
  REDIS_SOCKET_TIMEOUT: seconds('longest wait for an answer of Redis; no request waits longer than 0.1', {
    default: 2,
    minimum: 0.05,
    maximum: 60,
  }),
  REDIS_SOCKET_CONNECT_TIMEOUT: seconds('longest wait for Redis to accept a connection', {
    default: 2,
    minimum: 0.05,
    maximum: 60,
  }),
  REDIS_RETRY_ON_TIMEOUT: flag('send a command once more, on a new connection, when it was not answered in time', true),
  REDIS_HEALTH_CHECK_INTERVAL: seconds('time between two pings of each connection', {
    default: 30,
    minimum: 0.05,
    maximum: 3600,
  }),
  REDIS_MAX_RETRIES: count(
    'attempts to connect that follow each other by REDIS_RETRY_INTERVAL_MS; later ones by REDIS_HEALTH_CHECK_INTERVAL',
    { default: 3, minimum: 0, maximum: 1000 },
  ),
  REDIS_RETRY_INTERVAL_MS: count('time between two attempts to connect (milliseconds)', {
    default: 2000,
    minimum: 1,
    maximum: 600_000,
  }),
};

/** What the pattern cannot tell. */
export function redisFaults(config: {
  CACHE_TYPE: string;
  REDIS_URL: string;
  REDIS_LEADER_TTL: number;
  REDIS_LEADER_HEARTBEAT_INTERVAL: number;
}): Fault[] {
  const { CACHE_TYPE, REDIS_URL, REDIS_LEADER_TTL, REDIS_LEADER_HEARTBEAT_INTERVAL: heartbeat } = config;
  if (heartbeat > REDIS_LEADER_TTL / 2) {
    // One lost heartbeat must not lose the lead.
    const message = `must be at most half of REDIS_LEADER_TTL (${REDIS_LEADER_TTL})`;
    return [{ path: '/REDIS_LEADER_HEARTBEAT_INTERVAL', message, seen: heartbeat }];
  }
  const fault = (message: string) => [{ path: '/REDIS_URL', message, seen: REDIS_URL }];
  if (REDIS_URL === '') return CACHE_TYPE === 'redis' ? fault('must say where Redis is while CACHE_TYPE is redis') : [];
  try {
    parseRedisUrl(REDIS_URL);
    return [];
  } catch (error) {
    return fault(error instanceof Error ? error.message : String(error));
  }
}
