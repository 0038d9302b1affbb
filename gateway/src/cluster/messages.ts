// What the primary and its workers say to each other. Both are the same build: nothing is checked on arrival.
import type { ResolvedConfig } from '../config.ts';

/** To a worker. `connection` comes with a socket. */
export type Order =
  | { type: 'start'; settings: ResolvedConfig; url: string }
  | { type: 'connection' }
  /** So many answers close their connection: another worker has less to do. */
  | { type: 'shed'; count: number }
  | { type: 'drain' }
  | { type: 'config'; settings: ResolvedConfig; id: number }
  /** To `change`; the faults when it was refused. */
  | { type: 'changed'; id: number; refused?: Refused };

/** From a worker. */
export type Report =
  /** It listens to orders: what is sent before would be lost. */
  | { type: 'hello' }
  | { type: 'ready' }
  | ({ type: 'beat' } & Beat)
  /** It has served as many requests as it should: a new one, please. */
  | { type: 'recycle'; reason: string }
  /** To `config`: it is in force here. */
  | { type: 'applied'; id: number }
  /** An administrator asked this worker for it; it is for all of them. */
  | { type: 'change'; id: number; changes: Record<string, unknown> };

export interface Refused {
  detail: string;
  faults: { path: string; message: string }[];
}

export interface Beat {
  /** Requests since its start. */
  served: number;
  running: number;
  connections: number;
}

export const BEAT_MS = 250;
