import type { Rule } from '../rule.ts';
import { currentTrials } from './evidence.ts';

/** Less is a heap that settles. */
const GROWTH_BYTES = 50e6;
const GROWTH_SHARE = 0.25;
/** With fewer trials a trend is a guess. */
const TRIALS = 6;

export const memoryGrowth: Rule = {
  id: 'memory-growth',
  title: 'Memory grows over the run',
  evaluate(result) {
    // The gateway is restarted between rounds: each round is a run of its own.
    return [...new Set(result.trials.map((trial) => trial.round))].flatMap((round) => {
      const seen = currentTrials(result)
        .filter((trial) => trial.round === round && trial.usage !== null)
        .sort((a, b) => (a.startedAtMs ?? 0) - (b.startedAtMs ?? 0))
        .map((trial) => ({ id: trial.id, rss: trial.usage?.rssBytes ?? 0, requests: trial.load.sent }));
      if (seen.length < TRIALS) return [];
      // The lowest of each third: a heap that is collected comes back down, a leak does not.
      const third = Math.floor(seen.length / 3);
      const floors = [seen.slice(0, third), seen.slice(third, 2 * third), seen.slice(2 * third)].map((part) =>
        Math.min(...part.map(({ rss }) => rss)),
      );
      const [start = 0, middle = 0, end = 0] = floors;
      const growth = end - start;
      if (growth < GROWTH_BYTES || growth < GROWTH_SHARE * start || middle < start || end < middle) return [];
      const requests = seen.reduce((sum, trial) => sum + trial.requests, 0);
      return [
        {
          rule: 'memory-growth',
          priority: growth > start ? ('high' as const) : ('medium' as const),
          title: `The gateway’s memory grew by ${(growth / 1e6).toFixed(0)} MB in round ${round}`,
          evidence: [
            `lowest RSS of each third of the round: ${floors.map((floor) => `${(floor / 1e6).toFixed(0)} MB`).join(', ')} over ${seen.length} trials and ${requests} requests (RSS at the end of each trial)`,
          ],
          next: [
            'repeat with one scenario and more requests (-p heavy --scenario ID): does it go on growing?',
            'NODE_OPTIONS=--heapsnapshot-signal=SIGUSR2 npm run gateway; take two snapshots and compare them',
          ],
          scenario: null,
        },
      ];
    });
  },
};
