// Waiting with a deadline and an abort signal: every wait of the infrastructure goes through here.
import { setTimeout as sleep } from 'node:timers/promises';
import { HarnessError } from '../errors.ts';

/** The error of everything that an abort signal stopped. */
export function interrupted(what: string): HarnessError {
  return new HarnessError('INTERRUPTED', { detail: `stopped while ${what}` });
}

/** @throws HarnessError INTERRUPTED when the signal is aborted */
export function throwIfAborted(signal: AbortSignal, what: string): void {
  if (signal.aborted) throw interrupted(what);
}

/**
 * Asks `probe` again and again until it answers something other than undefined.
 * @param what completes "stopped while …"
 * @returns the answer, or undefined when the deadline has passed
 * @throws HarnessError INTERRUPTED on abort, and whatever `probe` throws
 */
export async function waitFor<T>(
  what: string,
  probe: () => T | undefined | Promise<T | undefined>,
  options: { deadlineMs: number; intervalMs: number; signal?: AbortSignal },
): Promise<T | undefined> {
  const endsAt = performance.now() + options.deadlineMs;
  for (;;) {
    if (options.signal !== undefined) throwIfAborted(options.signal, what);
    const answer = await probe();
    if (answer !== undefined) return answer;
    if (performance.now() >= endsAt) return undefined;
    await sleep(options.intervalMs);
  }
}
