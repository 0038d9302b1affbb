// Attempts to reach a database that is not there (yet). Only for opening a connection: a statement that may have been carried
// out is never sent again.
import { setTimeout as sleep } from 'node:timers/promises';

export interface RetryPlan {
  /** Attempts after the first. */
  retries: number;
  /** Pause before the first of them; each further pause is twice as long, at most `pauseMaxMs`. */
  intervalMs: number;
  pauseMaxMs: number;
  /** No pause begins that would end later than this, counted from the first attempt. */
  budgetMs: number;
  isWorthIt: (error: unknown) => boolean;
  /** Told before each pause. */
  failed?: (error: unknown, pauseMs: number) => void;
  random?: () => number;
}

/** Milliseconds before the attempt `number` (from 1): doubling, and shortened by up to half, so that many do not come back at once. */
export function pauseBefore(number: number, { intervalMs, pauseMaxMs, random = Math.random }: RetryPlan): number {
  return Math.min(intervalMs * 2 ** (number - 1), pauseMaxMs) * (1 - random() / 2);
}

/** @throws the last failure */
export async function withRetries<T>(attempt: () => Promise<T>, plan: RetryPlan): Promise<T> {
  const startMs = performance.now();
  for (let number = 1; ; number += 1) {
    try {
      return await attempt();
    } catch (error) {
      const pauseMs = pauseBefore(number, plan);
      const isLate = performance.now() - startMs + pauseMs > plan.budgetMs;
      if (number > plan.retries || isLate || !plan.isWorthIt(error)) throw error;
      plan.failed?.(error, pauseMs);
      await sleep(pauseMs);
    }
  }
}
