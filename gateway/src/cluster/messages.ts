// What the primary and its workers say to each other. Both are the same build: nothing is checked on arrival.
import type { ResolvedConfig } from '../config.ts';
import type { SessionHome } from '../http/session-home.ts';
import type { MetricsSnapshot } from '../metrics.ts';

/** To a worker. `connection` comes with a socket. */
export type Order =
  | { type: 'start'; settings: ResolvedConfig; url: string; home: SessionHome | undefined }
  | { type: 'connection' }
  /** So many answers close their connection: another worker has less to do. */
  | { type: 'shed'; count: number }
  | { type: 'drain' }
  | { type: 'config'; settings: ResolvedConfig; id: number }
  /** To `change`; the faults when it was refused. */
  | { type: 'changed'; id: number; refused?: Refused }
  /** What have you counted? */
  | { type: 'count'; id: number }
  /** To `gather`. */
  | ({ type: 'gathered'; id: number } & Gathered)
  /** Another worker has written. */
  | { type: 'drop'; gone: Gone[] };

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
  | { type: 'change'; id: number; changes: Record<string, unknown> }
  /** To `count`. */
  | { type: 'counted'; id: number; snapshot: MetricsSnapshot }
  /** It has ended, and counts nothing any more. */
  | { type: 'last'; snapshot: MetricsSnapshot }
  /** Somebody asked this worker what all have counted. */
  | { type: 'gather'; id: number }
  | { type: 'gone'; gone: Gone[] };

/** What all workers counted, those that are gone included. */
export interface Gathered {
  snapshots: MetricsSnapshot[];
  workers: number;
  /** Workers that did not answer in time: of their figures only the counts are in, as they were at the last answer. */
  missing: number;
}

/** A cache and a key of it; without one, all of it. */
export type Gone = [name: string, key?: string];

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
