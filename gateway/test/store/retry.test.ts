import { expect, it } from 'vitest';
import { pauseBefore, type RetryPlan, withRetries } from '../../src/store/retry.ts';

const plan = (more: Partial<RetryPlan> = {}): RetryPlan => ({
  retries: 3,
  intervalMs: 1,
  pauseMaxMs: 4,
  budgetMs: 1000,
  isWorthIt: () => true,
  ...more,
});

function createFailing(times: number) {
  const state = { attempts: 0 };
  return {
    state,
    attempt: async () => {
      state.attempts += 1;
      if (state.attempts <= times) throw new Error(`failure ${state.attempts}`);
      return state.attempts;
    },
  };
}

it('pauses twice as long each time up to a bound, shortened by a random part of up to half', () => {
  const longest = [1, 2, 3, 4, 5].map((number) =>
    pauseBefore(number, plan({ intervalMs: 10, pauseMaxMs: 50, random: () => 0 })),
  );
  expect(longest).toEqual([10, 20, 40, 50, 50]);
  expect(pauseBefore(2, plan({ intervalMs: 10, pauseMaxMs: 50, random: () => 1 }))).toBe(10);
});

it('tries as often as it may and then gives the last failure', async () => {
  expect(await withRetries(createFailing(3).attempt, plan())).toBe(4);
  const failing = createFailing(9);
  await expect(withRetries(failing.attempt, plan())).rejects.toThrow('failure 4');
  expect(failing.state.attempts).toBe(4);
});

it('stops at once when another attempt is of no use, and when it would be too late', async () => {
  const useless = createFailing(9);
  await expect(withRetries(useless.attempt, plan({ isWorthIt: () => false }))).rejects.toThrow('failure 1');
  const late = createFailing(9);
  await expect(withRetries(late.attempt, plan({ intervalMs: 500, pauseMaxMs: 500, budgetMs: 100 }))).rejects.toThrow(
    'failure 1',
  );
});
