// Connections to Redis: few, shared by all, and none of them ever holds a request up. ioredis sends many commands down one
// connection, so a pool is no queue of borrowers: one lane carries everything, further lanes open while it is crowded, and one
// connection listens to messages. Without Redis every call fails at once.
import type { Redis, RedisOptions } from 'ioredis';
import { toDatabaseScope } from '../config/database-scope.ts';
import { parseRedisUrl } from '../config/redis-url.ts';
import type { Config } from '../config.ts';

export type RedisConfig = Pick<
  Config,
  | 'DATABASE_URL'
  | 'REDIS_URL'
  | 'CACHE_PREFIX'
  | 'REDIS_MAX_CONNECTIONS'
  | 'REDIS_SOCKET_TIMEOUT'
  | 'REDIS_SOCKET_CONNECT_TIMEOUT'
  | 'REDIS_RETRY_ON_TIMEOUT'
  | 'REDIS_HEALTH_CHECK_INTERVAL'
  | 'REDIS_MAX_RETRIES'
  | 'REDIS_RETRY_INTERVAL_MS'
>;

interface Log {
  info(detail: object, message: string): void;
  warn(detail: object, message: string): void;
}

/** The part of a lane's commands that is used: all of them may be sent twice without harm. */
export type Commands = Pick<Redis, 'get' | 'set' | 'del' | 'mget' | 'scan' | 'pexpire' | 'publish' | 'eval' | 'ping'>;

export interface RedisState {
  isUp: boolean;
  connections: number;
}

export interface RedisClient extends AsyncDisposable {
  readonly prefix: string;
  /** Stands in the keys of what belongs to one database. */
  readonly scope: string;
  /** Nothing on the request path asks when this is false. */
  isUp(): boolean;
  /**
   * Sends commands down one lane, in order. With `deadlineMs` it gives up after that time, and nobody else waits until Redis
   * has answered again; without, REDIS_SOCKET_TIMEOUT and REDIS_RETRY_ON_TIMEOUT hold. @throws when there is no answer
   */
  call<T>(run: (commands: Commands) => Promise<T>, options?: { deadlineMs?: number }): Promise<T>;
  /** The channel's name goes without the prefix. */
  subscribe(channel: string, onMessage: (text: string) => void): void;
  /** Called when Redis is back: messages may have been missed, and what was written meanwhile is not there. */
  onUp(listener: () => void): void;
  state(): RedisState;
}

/** The longest that a request waits for Redis before it goes on without. */
export const REQUEST_DEADLINE_MS = 100;
/** Commands that wait on a lane before another one is opened. */
const LANE_DEPTH = 32;
/** For the first answer, so that a gateway with a working Redis starts with it. */
const START_MS = 500;

interface Lane {
  redis: Redis;
  waiting: number;
  isUsed: boolean;
}

export async function createRedisClient(config: RedisConfig, log: Log): Promise<RedisClient> {
  // Loaded only by who uses it: 40 ms and 8 MB.
  const { Redis } = await import('ioredis');
  const address = parseRedisUrl(config.REDIS_URL);
  const prefix = config.CACHE_PREFIX;
  const listeners: (() => void)[] = [];
  const subscriptions = new Map<string, (text: string) => void>();
  let lanes: Lane[] = [];
  let isClosing = false;
  /** Not answered in time: whoever comes meanwhile does not ask. */
  let isSilent = false;
  let wasUp: boolean | undefined;
  let lastError = '';

  const options = {
    ...address,
    lazyConnect: true,
    protocol: 2 as const,
    connectionName: 'gatebench-gateway',
    enableOfflineQueue: false,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    // Whoever hangs does not say goodbye.
    disconnectTimeout: 10,
    connectTimeout: config.REDIS_SOCKET_CONNECT_TIMEOUT * 1000,
    commandTimeout: config.REDIS_SOCKET_TIMEOUT * 1000,
    sentinelCommandTimeout: config.REDIS_SOCKET_TIMEOUT * 1000,
    retryStrategy: toRetryMs,
    sentinelRetryStrategy: toRetryMs,
    // After a failover the old master may come back as a replica: leave it.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
  } satisfies RedisOptions;

  function toRetryMs(attempt: number): number | null {
    if (isClosing) return null;
    if (attempt <= config.REDIS_MAX_RETRIES) return config.REDIS_RETRY_INTERVAL_MS;
    return Math.max(config.REDIS_RETRY_INTERVAL_MS, config.REDIS_HEALTH_CHECK_INTERVAL * 1000);
  }

  function connect(): Redis {
    const redis = new Redis(options);
    redis.on('error', (error: Error) => {
      lastError = error.message;
    });
    return redis;
  }

  const open = (redis: Redis) => redis.connect().catch(ignore);

  const main = connect();
  const listener = connect();
  main.on('ready', () => tellState(true));
  main.on('close', () => tellState(false));
  listener.on('ready', () => {
    // First listening again, then telling: what is loaded after that is not overtaken by a message that nobody heard.
    const channels = [...subscriptions.keys()];
    if (channels.length > 0) listener.subscribe(...channels).then(tellListeners, ignore);
  });
  listener.on('message', (channel: string, text: string) => subscriptions.get(channel)?.(text));
  lanes.push({ redis: main, waiting: 0, isUsed: true });

  const isUp = () => !isSilent && main.status === 'ready';

  /** One line when it goes and one when it returns, however many requests notice. */
  function tellState(isReady: boolean): void {
    if (isReady) isSilent = false;
    const isNowUp = isReady && !isClosing;
    if (isClosing || wasUp === isNowUp) return;
    if (!isNowUp) log.warn({ error: lastError }, 'going on without Redis');
    else if (wasUp === false) log.info({}, 'Redis is back');
    wasUp = isNowUp;
    if (isNowUp) tellListeners();
  }

  function tellSilent(): void {
    if (isSilent || isClosing) return;
    isSilent = true;
    lastError = `no answer within ${REQUEST_DEADLINE_MS} ms`;
    if (wasUp === true) log.warn({ error: lastError }, 'going on without Redis');
    wasUp = false;
  }

  function tellListeners(): void {
    for (const told of listeners) told();
  }

  function pick(): Lane {
    const ready = lanes.filter(({ redis }) => redis.status === 'ready');
    const [first] = lanes;
    if (first === undefined) throw new Error('Redis was closed');
    const best = ready.reduce((least, lane) => (lane.waiting < least.waiting ? lane : least), ready[0] ?? first);
    const isOpening = ready.length < lanes.length;
    if (best.waiting >= LANE_DEPTH && !isOpening && lanes.length + 1 < config.REDIS_MAX_CONNECTIONS) {
      const lane = { redis: connect(), waiting: 0, isUsed: true };
      lanes.push(lane);
      void open(lane.redis);
    }
    return best;
  }

  async function send<T>(lane: Lane, run: (commands: Commands) => Promise<T>): Promise<T> {
    lane.waiting++;
    lane.isUsed = true;
    try {
      const answer = await run(lane.redis);
      // An answer, however late: it is there again.
      if (isSilent) tellState(true);
      return answer;
    } catch (error) {
      // Its other answers cannot be told from the late one's: a new connection.
      if (isTimeout(error)) {
        lane.redis.disconnect(true);
        if (lane.redis !== main) ping(main);
      }
      throw error;
    } finally {
      lane.waiting--;
    }
  }

  async function sendPatiently<T>(run: (commands: Commands) => Promise<T>): Promise<T> {
    const lane = pick();
    try {
      return await send(lane, run);
    } catch (error) {
      if (!isTimeout(error) || !config.REDIS_RETRY_ON_TIMEOUT || isClosing) throw error;
      await isReadyAgain(lane.redis, config.REDIS_SOCKET_CONNECT_TIMEOUT * 1000 + config.REDIS_RETRY_INTERVAL_MS);
      return await send(lane, run);
    }
  }

  /** Connections that say nothing are found here; lanes that nobody needed since the last check are closed. */
  function checkHealth(): void {
    for (const lane of lanes) {
      const { redis } = lane;
      if (redis !== main && redis.status === 'ready' && !lane.isUsed && lane.waiting === 0) {
        lanes = lanes.filter((one) => one !== lane);
        redis.disconnect();
        continue;
      }
      lane.isUsed = false;
      if (redis.status === 'ready') ping(redis);
    }
    if (listener.status === 'ready') ping(listener);
  }

  function ping(redis: Redis): void {
    redis.ping().then(
      () => {
        if (isSilent && redis === main) tellState(true);
      },
      (error: unknown) => {
        if (isTimeout(error)) redis.disconnect(true);
      },
    );
  }

  const health = setInterval(checkHealth, config.REDIS_HEALTH_CHECK_INTERVAL * 1000).unref();
  const opened = Promise.all([open(main), open(listener)]);
  await Promise.race([opened, sleep(START_MS)]);
  if (main.status !== 'ready') tellState(false);

  return {
    prefix,
    scope: toDatabaseScope(config.DATABASE_URL),
    isUp,
    async call(run, { deadlineMs } = {}) {
      if (deadlineMs === undefined) return await sendPatiently(run);
      if (!isUp()) throw new Error('Redis is not there');
      const answer = send(pick(), run);
      let timer: NodeJS.Timeout | undefined;
      const isLate = new Promise<never>((_, reject) => {
        timer = setTimeout(() => {
          tellSilent();
          reject(new Error(`Redis did not answer within ${deadlineMs} ms`));
        }, deadlineMs);
      });
      answer.catch(ignore);
      return await Promise.race([answer, isLate]).finally(() => clearTimeout(timer));
    },
    subscribe(channel, onMessage) {
      const name = `${prefix}${channel}`;
      subscriptions.set(name, onMessage);
      if (listener.status === 'ready') listener.subscribe(name).catch(ignore);
    },
    onUp: (told) => void listeners.push(told),
    state: () => ({
      isUp: isUp(),
      connections: [...lanes.map(({ redis }) => redis), listener].filter(({ status }) => status === 'ready').length,
    }),
    async [Symbol.asyncDispose]() {
      isClosing = true;
      clearInterval(health);
      const goodbyes = [...lanes.map(({ redis }) => redis), listener].map(async (redis) => {
        if (redis.status === 'ready') await Promise.race([redis.quit().catch(ignore), sleep(REQUEST_DEADLINE_MS)]);
        redis.disconnect();
      });
      await Promise.all(goodbyes);
    },
  };
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.message === 'Command timed out';
}

/** Its status is still `ready` just after it was told to disconnect: the event counts. */
function isReadyAgain(redis: Redis, deadlineMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const onReady = () => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(() => {
      redis.off('ready', onReady);
      reject(new Error('Redis is not there'));
    }, deadlineMs);
    redis.once('ready', onReady);
  });
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}

/** The connection's `error` and `close` events tell it. */
function ignore(): void {}
