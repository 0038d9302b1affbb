// Says when the slots of an open loop are due: slot i at start + i / rate, whatever the answers do.
import { Worker } from 'node:worker_threads';
import { builtFile } from '../paths.ts';

export interface PacerData {
  /** process.hrtime.bigint() of slot 0: the same clock in every thread. */
  startNs: bigint;
  ratePerSecond: number;
  slots: number;
}

/** `onDue(n)`: slots 0 … n − 1 are due by now. Runs until the last slot. */
export function startPacer(data: PacerData, onDue: (due: number) => void, onError: (error: Error) => void): void {
  const thread = new Worker(builtFile('load/pacer-thread.js'), { workerData: data });
  thread.on('message', onDue);
  thread.on('error', onError);
}
