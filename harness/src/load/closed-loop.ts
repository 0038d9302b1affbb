// Closed loop: every connection sends its next request when it has its answer. Measures what the target can do.
import type { Answer, Lane } from './lane.ts';

/** What a loop needs of the worker around it. */
export interface LoopContext {
  lanes: Lane[];
  /** Requests as bytes; they are sent in this order, from the start again when all were sent. */
  wire: Buffer[];
  /**
   * @param sent requests sent so far, those of earlier turns included
   * @param stoppedMs performance.now() by which the loop decided to end: later than the last answer when connections break
   */
  onDone(sent: number, stoppedMs: number): void;
}

/** A loop at work: the worker hands it every answer, and it decides what the connection does next. */
export interface RunningLoop {
  answered(lane: Lane, answer: Answer): void;
}

/** A connection that could not be opened or broke waits so long before its next request, so that a dead target is not hammered. */
const BACKOFF_MS = 20;

export interface ClosedLimits {
  requestLimit: number;
  minimumSeconds: number;
  durationSeconds: number;
  /** Where in the list to go on: requests that an earlier turn has sent. They count towards `requestLimit`. */
  firstRequest: number;
}

/**
 * All connections draw from one list, so that they send different requests and none is sent twice before the list is at
 * its end. Ends after `requestLimit` requests, but not before `minimumSeconds`, or after `durationSeconds`, with the answers of
 * those in flight.
 */
export function startClosedLoop(context: LoopContext, limits: ClosedLimits): RunningLoop {
  const { lanes, wire } = context;
  const startMs = performance.now();
  const earliestMs = startMs + limits.minimumSeconds * 1000;
  const deadlineMs = startMs + limits.durationSeconds * 1000;
  let sent = limits.firstRequest;
  let active = lanes.length;

  const next = (lane: Lane): void => {
    const now = performance.now();
    if ((sent >= limits.requestLimit && now >= earliestMs) || now >= deadlineMs) {
      active -= 1;
      if (active === 0) context.onDone(sent, now);
      return;
    }
    const index = sent % wire.length;
    sent += 1;
    lane.send(wire[index] as Buffer, index, now);
  };

  setImmediate(() => {
    for (const lane of lanes) next(lane);
  });
  return {
    answered(lane, answer) {
      if (answer.lost?.kind === 'connection') setTimeout(next, BACKOFF_MS, lane);
      else next(lane);
    },
  };
}
