// This gateway among others: who it is, who else is there, and who leads.
import { createHash, randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { RedisClient } from '../cache/redis-client.ts';
import type { Config } from '../config.ts';
import { version } from '../version.ts';
import { type Leadership, startLeadership } from './leader.ts';
import { type Peer, type Peers, startPeers } from './peers.ts';

export interface Federation extends AsyncDisposable {
  /** Of all processes of this gateway. */
  readonly id: string;
  readonly leadership: Leadership;
  /** The others, as of the last heartbeat. */
  peers(): Peer[];
  /** From now on the others know of this one. @param url where it listens; GATEWAY_URL is stronger */
  announce(url: string): void;
  self(): Omit<Peer, 'lastSeen'>;
}

export interface FederationOptions {
  redis: RedisClient;
  config: Pick<
    Config,
    | 'HOST'
    | 'PORT'
    | 'GATEWAY_ID'
    | 'GATEWAY_NAME'
    | 'GATEWAY_URL'
    | 'REDIS_LEADER_TTL'
    | 'REDIS_LEADER_HEARTBEAT_INTERVAL'
  >;
  log: { info(detail: object, message: string): void };
}

export function createFederation({ redis, config, log }: FederationOptions): Federation {
  const id = toId(config);
  const self = {
    id,
    name: config.GATEWAY_NAME === '' ? hostname() : config.GATEWAY_NAME,
    url: config.GATEWAY_URL,
    version,
  };
  const leadership = startLeadership({ redis, config, log });
  let peers: Peers | undefined;
  return {
    id,
    leadership,
    peers: () => peers?.known() ?? [],
    self: () => self,
    announce(url) {
      if (self.url === '') self.url = url;
      peers = startPeers({ redis, self, config });
    },
    async [Symbol.asyncDispose]() {
      await peers?.[Symbol.asyncDispose]();
      await leadership[Symbol.asyncDispose]();
    },
  };
}

/** The same for all workers of one gateway, which listen at one address; another one for each that lets the system choose. */
function toId(config: Pick<Config, 'HOST' | 'PORT' | 'GATEWAY_ID'>): string {
  if (config.GATEWAY_ID !== '') return config.GATEWAY_ID;
  if (config.PORT === 0) return randomUUID();
  return createHash('sha256').update(`${hostname()} ${config.HOST} ${config.PORT}`).digest('hex').slice(0, 32);
}
