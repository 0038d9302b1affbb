// Lets each answer of the calibration server leave at its time, to some 0.02 ms.
import { type DelayModel, delays } from './delay-model.ts';

interface Due {
  atMs: number;
  leave: () => void;
}

/** A timer of Node may be late by this much: the rest is waited for in a loop of setImmediate. */
const SPIN_MS = 2;

/** @returns takes an answer that was asked for now; it leaves after the request's delay, and not during the stall. */
export function createAnswerClock(model: DelayModel): (leave: () => void) => void {
  const nextDelay = delays(model);
  const queue: Due[] = [];
  let stallFromMs = Number.POSITIVE_INFINITY;
  let stallToMs = Number.POSITIVE_INFINITY;
  let first = true;
  let timer: NodeJS.Timeout | undefined;
  let immediate: NodeJS.Immediate | undefined;

  const wait = (now: number): void => {
    clearTimeout(timer);
    clearImmediate(immediate);
    const next = queue[0];
    if (next === undefined) return;
    if (next.atMs - now > SPIN_MS) timer = setTimeout(step, Math.floor(next.atMs - now - SPIN_MS));
    else immediate = setImmediate(step);
  };
  const step = (): void => {
    const now = performance.now();
    while (queue[0] !== undefined && queue[0].atMs <= now) queue.shift()?.leave();
    wait(now);
  };

  return (leave) => {
    const now = performance.now();
    if (first && model.stall !== null) {
      stallFromMs = now + model.stall.afterMs;
      stallToMs = stallFromMs + model.stall.durationMs;
    }
    first = false;
    const dueMs = now + nextDelay();
    const atMs = dueMs >= stallFromMs && dueMs < stallToMs ? stallToMs : dueMs;
    let place = queue.length;
    while (place > 0 && (queue[place - 1] as Due).atMs > atMs) place -= 1;
    queue.splice(place, 0, { atMs, leave });
    // It is the next to leave: wait for it instead of the one that was.
    if (place === 0) wait(now);
  };
}
