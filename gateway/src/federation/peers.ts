// Gateways that share a Redis find each other there: each writes down who it is, again and again, and is forgotten when it stops.
import { Type } from 'typebox';
import type { RedisClient } from '../cache/redis-client.ts';
import type { Config } from '../config.ts';
import { parse } from '../parse.ts';

export const Peer = Type.Object({
  id: Type.String({ minLength: 1 }),
  name: Type.String(),
  url: Type.String({ description: 'where it is reached; `/mcp` below it is its Streamable HTTP endpoint' }),
  version: Type.String(),
  lastSeen: Type.String({ description: 'ISO time of its last heartbeat' }),
});
export type Peer = Type.Static<typeof Peer>;

export interface Peers extends AsyncDisposable {
  /** As of the last heartbeat, this one left out; by name. Synchronous. */
  known(): Peer[];
}

export interface PeersOptions {
  redis: RedisClient;
  self: Omit<Peer, 'lastSeen'>;
  config: Pick<Config, 'REDIS_LEADER_TTL' | 'REDIS_LEADER_HEARTBEAT_INTERVAL'>;
}

const SCAN_COUNT = 100;

export function startPeers({ redis, self, config }: PeersOptions): Peers {
  const keyOf = (id: string) => `${redis.prefix}peer:${id}`;
  let peers: Peer[] = [];
  let timer: NodeJS.Timeout | undefined;
  let turn: Promise<void> = Promise.resolve();
  let isClosed = false;

  async function read(): Promise<Peer[]> {
    const keys: string[] = [];
    let cursor = '0';
    do {
      const [next, found] = await redis.call((commands) =>
        commands.scan(cursor, 'MATCH', keyOf('*'), 'COUNT', SCAN_COUNT),
      );
      keys.push(...found);
      cursor = next;
    } while (cursor !== '0');
    const texts = keys.length === 0 ? [] : await redis.call((commands) => commands.mget(...keys));
    return texts.flatMap((text) => toPeer(text)).filter(({ id }) => id !== self.id);
  }

  async function announce(): Promise<void> {
    const text = JSON.stringify({ ...self, lastSeen: new Date().toISOString() } satisfies Peer);
    try {
      await redis.call((commands) =>
        commands.set(keyOf(self.id), text, 'PX', Math.round(config.REDIS_LEADER_TTL * 1000)),
      );
      peers = (await read()).sort((one, other) => (one.name < other.name ? -1 : 1));
    } catch {
      peers = []; // who cannot be asked for cannot be called to be there
    }
  }

  function beat(): void {
    if (isClosed) return;
    turn = announce().finally(() => {
      if (!isClosed) timer = setTimeout(beat, config.REDIS_LEADER_HEARTBEAT_INTERVAL * 1000).unref();
    });
  }

  beat();
  return {
    known: () => peers,
    async [Symbol.asyncDispose]() {
      isClosed = true;
      clearTimeout(timer);
      await turn;
      if (redis.isUp()) await redis.call((commands) => commands.del(keyOf(self.id))).catch(ignore);
    },
  };
}

/** What cannot be read is of another version of us, or of somebody else. */
function toPeer(text: string | null): Peer[] {
  try {
    return text === null ? [] : [parse(Peer, JSON.parse(text), 'peer')];
  } catch {
    return [];
  }
}

function ignore(): void {}
