// The port to a load generator. Each trial is one process of its own, pinned, in a process group of its own.
import { type Static, Type } from 'typebox';
import type { Loop } from '../plan/plan.ts';
import { Check, Expect } from '../plan/scenario.ts';
import type { LoadResult } from '../result/result.ts';

/** A condition with its templates filled in for one request; `template` is there when that changed it. */
export const PreparedCheck = Type.Object({
  ...Check.properties,
  template: Type.Optional(
    Type.Object(Check.properties, { description: 'as the scenario has it: errors are counted by it' }),
  ),
});
export type PreparedCheck = Static<typeof PreparedCheck>;

/** One request, ready to send: made from a RequestTemplate by the seeded generator before the load. */
export const PreparedRequest = Type.Object({
  name: Type.String(),
  method: Type.String(),
  path: Type.String(),
  headers: Type.Record(Type.String(), Type.String(), {
    description: 'authorization is not among them: auth says whether the driver adds it',
  }),
  auth: Type.Boolean(),
  body: Type.Union([Type.String(), Type.Null()]),
  /** JSON-RPC id in the body, to be found in the answer; null when there is none. */
  rpcId: Type.Union([Type.Integer(), Type.Null()]),
  expect: Type.Object({ ...Expect.properties, body: Type.Array(PreparedCheck) }),
});
export type PreparedRequest = Static<typeof PreparedRequest>;

export interface LoadJob {
  /** Prefix of the raw files. */
  id: string;
  loop: Loop;
  baseUrl: string;
  token: string;
  /** JSON file: PreparedRequest[]. Sent in this order, from the start again when it is at its end. */
  requestsFile: string;
  /** Open loop: request i is due at i / rate. Closed loop: null. */
  ratePerSecond: number | null;
  /** Closed loop: ends after so long. An open loop lasts requests / rate, and this is not read. */
  durationSeconds: number;
  /** Open loop: exactly so many are due. Closed loop: at most so many requests. */
  requests: number;
  /** Closed loop: goes on past `requests` until so long. */
  minimumSeconds: number;
  /** Closed: connections. Open: what is preallocated is decided by the driver (rate × the longest stall). */
  concurrency: number;
  timeoutMs: number;
  /** Closed loop: pauses after so long until it may go on; null for one turn without a pause. */
  turnSeconds: number | null;
  /** Cores to pin to; empty for none. */
  cpus: number[];
  /** Folder for raw files. */
  folder: string;
  /**
   * Closed loop: sent first, discarded, by the same process on the same connections, so that neither the generator's nor
   * the target's compiler is still at work when it counts. At most so many requests, for at most so many seconds.
   */
  warmup: { requestsFile: string; requests: number; seconds: number } | null;
}

/** Moments of a trial that others need to know. */
export interface LoadHooks {
  /** The process of the generator runs: collectors can watch it. */
  onProcess?: (pid: number) => void;
  /** The generator is warm and waits, at first and after each of its turns: the load goes on when this resolves. */
  onReady?: () => Promise<void>;
}

export interface Driver {
  id: 'k6' | 'autocannon';
  /** Finds or fetches what it needs; idempotent. @throws K6_MISSING */
  prepare(report: (line: string) => void, signal: AbortSignal): Promise<{ version: string }>;
  /** @throws LOAD_FAILED when the generator itself broke, INTERRUPTED when aborted (its process is gone then). */
  run(job: LoadJob, signal: AbortSignal, hooks?: LoadHooks): Promise<LoadResult>;
}
