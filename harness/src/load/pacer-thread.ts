// A thread that only keeps time: sleeps to the next slot and says how many are due by now.
// A timer of Node's event loop is exact to 1 ms; Atomics.wait sleeps on a futex, exact to some 0.06 ms, and costs no CPU while it does.
import { parentPort, workerData } from 'node:worker_threads';
import type { PacerData } from './pacer.ts';

const { startNs, ratePerSecond, slots } = workerData as PacerData;
const never = new Int32Array(new SharedArrayBuffer(4));
const periodMs = 1000 / ratePerSecond;

function elapsedMs(): number {
  return Number(process.hrtime.bigint() - startNs) / 1e6;
}

let due = 0;
while (due < slots) {
  const waitMs = due * periodMs - elapsedMs();
  if (waitMs > 0) Atomics.wait(never, 0, 0, waitMs);
  const now = Math.min(slots, Math.floor(elapsedMs() / periodMs) + 1);
  if (now > due && elapsedMs() >= 0) {
    due = now;
    parentPort?.postMessage(due);
  }
}
