import type { Rule } from '../rule.ts';
import { countOf, currentTrials, evidenceOf, worstByScenario } from './evidence.ts';

const STEAL_PERCENT = 1;

export const machineNoise: Rule = {
  id: 'machine-noise',
  title: 'Noise of the machine',
  evaluate(result) {
    const steal = currentTrials(result).flatMap((trial) => {
      const value = trial.usage?.stealPercent ?? 0;
      return value < STEAL_PERCENT ? [] : [{ trial, value, text: `${value.toFixed(1)} % of the CPU time was stolen` }];
    });
    const restless = currentTrials(result).flatMap((trial) =>
      trial.warmup === null || trial.warmup.steady
        ? []
        : [
            {
              trial,
              value: trial.warmup.driftPercent,
              text: `latency still moved by ${trial.warmup.driftPercent.toFixed(1)} % at the end of the warm-up`,
            },
          ],
    );
    return [
      { sightings: worstByScenario(steal), what: 'Another guest took CPU time', source: '/proc/stat' },
      {
        sightings: worstByScenario(restless),
        what: 'Latency was not steady after the warm-up',
        source: 'warm-up windows',
      },
    ].flatMap(({ sightings, what, source }) => {
      const [first] = sightings;
      if (first === undefined) return [];
      return [
        {
          rule: 'machine-noise',
          priority: 'low' as const,
          title: `${what} in ${countOf(sightings.length, 'scenario')}`,
          evidence: evidenceOf(sightings, source),
          next: [
            'repeat with more rounds (--rounds 6): the comparison then knows the noise',
            'use a quieter machine for figures that are kept',
          ],
          scenario: null,
        },
      ];
    });
  },
};
