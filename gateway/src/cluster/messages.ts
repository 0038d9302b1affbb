// What the primary and its workers say to each other. Both are the same build: nothing is checked on arrival.
import type { Config, ResolvedConfig } from '../config.ts';

/** To a worker. `connection` comes with a socket. */
export type Order =
  | { type: 'start'; settings: ResolvedConfig; url: string }
  | { type: 'connection' }
  /** So many answers close their connection: another worker has less to do. */
  | { type: 'shed'; count: number }
  | { type: 'drain' }
  | { type: 'config'; config: Config }
  | { type: 'ask'; id: number; topic: string; value: unknown }
  | { type: 'reply'; id: number; value: unknown; error?: string };

/** From a worker. */
export type Report =
  /** It listens to orders: what is sent before would be lost. */
  | { type: 'hello' }
  | { type: 'ready' }
  | ({ type: 'beat' } & Beat)
  /** It has served as many requests as it should: a new one, please. */
  | { type: 'recycle'; reason: string }
  | { type: 'answer'; id: number; value: unknown }
  | { type: 'request'; id: number; topic: string; value: unknown };

export interface Beat {
  /** Requests since its start. */
  served: number;
  running: number;
  connections: number;
}

export const BEAT_MS = 250;
