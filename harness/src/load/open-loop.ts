// Open loop: requests are sent when they are due, whatever the answers do. Measures what users see at this rate.
import type { LoopContext, RunningLoop } from './closed-loop.ts';
import type { Lane } from './lane.ts';
import { startPacer } from './pacer.ts';

/** Connections opened before the load get so long for it. */
const CONNECT_MS = 150;

/**
 * Request i is due at i / rate after the start. The connection used last is used first; when all wait for an answer,
 * another is opened (up to all lanes), and when there is none left the request waits: its latency counts from when it
 * was due, and the wait is schedule lag.
 * @param prepare is called with performance.now() of slot 0
 */
export function startOpenLoop(
  context: LoopContext,
  load: { ratePerSecond: number; slots: number; preopened: number },
  prepare: (startMs: number) => void,
  onError: (error: Error) => void,
): RunningLoop {
  const { lanes, wire } = context;
  const free: Lane[] = [...lanes].reverse();
  const periodMs = 1000 / load.ratePerSecond;
  let sent = 0;
  let due = 0;
  let answered = 0;

  for (const lane of lanes.slice(0, load.preopened)) lane.connect();
  const startMs = performance.now() + CONNECT_MS;
  const startNs = process.hrtime.bigint() + BigInt(Math.round((startMs - performance.now()) * 1e6));

  const release = (): void => {
    while (sent < due) {
      const lane = free.pop();
      if (lane === undefined) return;
      const index = sent % wire.length;
      const intendedMs = startMs + sent * periodMs;
      sent += 1;
      lane.send(wire[index] as Buffer, index, intendedMs);
    }
  };

  prepare(startMs);
  startPacer(
    { startNs, ratePerSecond: load.ratePerSecond, slots: load.slots },
    (count) => {
      due = count;
      release();
    },
    onError,
  );
  return {
    answered(lane) {
      free.push(lane);
      answered += 1;
      if (answered === load.slots) context.onDone(sent, performance.now());
      else release();
    },
  };
}
