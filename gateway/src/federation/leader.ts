// One of all processes that share a Redis and a database leads: it does what is to be done once (health checks of upstreams, reading their
// catalogues anew). The lead is a key that expires; whoever sets it leads until it does, and renews it while it is alive.
import { randomUUID } from 'node:crypto';
import type { RedisClient } from '../cache/redis-client.ts';
import type { Config } from '../config.ts';

export interface Leadership extends AsyncDisposable {
  /** Ask before each act, not once: the lead is lost without notice. */
  isLeader(): boolean;
  /** Leads on each change of it in this process. */
  onChange(listener: (isLeader: boolean) => void): void;
}

export interface LeadershipOptions {
  redis: RedisClient;
  config: Pick<Config, 'REDIS_LEADER_TTL' | 'REDIS_LEADER_HEARTBEAT_INTERVAL'>;
  log: { info(detail: object, message: string): void };
  /** Monotonic milliseconds. */
  now?: () => number;
}

/** Only whoever set the key renews or removes it. */
const renewScript =
  "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) end return 0";
const resignScript = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0";
/** Clocks of two machines run at slightly different speed: the lead ends here before it ends in Redis. */
const SAFETY = 0.95;

/** Where there is no Redis, there is nobody else. */
export const alone: Leadership = {
  isLeader: () => true,
  onChange: () => undefined,
  async [Symbol.asyncDispose]() {},
};

export function startLeadership({ redis, config, log, now = () => performance.now() }: LeadershipOptions): Leadership {
  const key = `${redis.prefix}leader:${redis.scope}`;
  const token = randomUUID();
  const listeners: ((isLeader: boolean) => void)[] = [];
  let leadsUntilMs = 0;
  let wasLeader = false;
  let timer: NodeJS.Timeout | undefined;
  let turn: Promise<void> = Promise.resolve();
  let isClosed = false;

  const isLeader = () => now() < leadsUntilMs;

  function tell(): void {
    if (isLeader() === wasLeader) return;
    wasLeader = !wasLeader;
    log.info({ isLeader: wasLeader }, wasLeader ? 'leading' : 'not leading any more');
    for (const listener of listeners) listener(wasLeader);
  }

  /** The lead counts from before it was asked for: however long the answer took, it ends here first. */
  async function renew(): Promise<void> {
    const askedAtMs = now();
    const ttlMs = Math.round(config.REDIS_LEADER_TTL * 1000);
    try {
      const isRenewed = await redis.call(
        async (commands) =>
          (await commands.eval(renewScript, 1, key, token, ttlMs)) === 1 ||
          (await commands.set(key, token, 'PX', ttlMs, 'NX')) === 'OK',
      );
      leadsUntilMs = isRenewed && !isClosed ? askedAtMs + ttlMs * SAFETY : 0;
    } catch {
      // Redis is not there: the lead that was given lasts until it ends.
    }
    tell();
  }

  function beat(): void {
    if (isClosed) return;
    turn = renew().finally(() => {
      if (!isClosed) timer = setTimeout(beat, config.REDIS_LEADER_HEARTBEAT_INTERVAL * 1000).unref();
    });
  }

  beat();
  return {
    isLeader,
    onChange: (listener) => void listeners.push(listener),
    async [Symbol.asyncDispose]() {
      isClosed = true;
      clearTimeout(timer);
      leadsUntilMs = 0;
      tell();
      await turn;
      // The next one need not wait for the key to expire.
      if (redis.isUp()) await redis.call((commands) => commands.eval(resignScript, 1, key, token)).catch(ignore);
    },
  };
}

function ignore(): void {}
