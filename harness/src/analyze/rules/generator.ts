import type { Rule } from '../rule.ts';
import { limits } from '../validity.ts';
import { countOf, currentTrials, evidenceOf, worstByScenario } from './evidence.ts';

/** Valid, but the generator is within sight: the gateway may be faster than what was measured. */
const NEAR_RATIO = 2;

export const generator: Rule = {
  id: 'generator',
  title: 'The load generator near its own limit',
  evaluate(result) {
    const sightings = currentTrials(result, 'closed').flatMap((trial) => {
      const rate = (trial.load.succeeded + trial.load.failed) / trial.load.durationSeconds;
      if (trial.ceiling === null || rate === 0) return [];
      const ratio = trial.ceiling.requestsPerSecond / rate;
      if (ratio >= NEAR_RATIO) return [];
      const text = `the generator alone reaches ${trial.ceiling.requestsPerSecond.toFixed(0)}/s, ${ratio.toFixed(2)} × the result`;
      return [{ trial, value: 1 / ratio, text }];
    });
    const worst = worstByScenario(sightings);
    const [first] = worst;
    if (first === undefined) return [];
    return [
      {
        rule: 'generator',
        priority: 1 / first.value < limits.ceilingRatio ? 'medium' : 'low',
        title: `The load generator is near its own ceiling in ${countOf(worst.length, 'scenario')}`,
        evidence: evidenceOf(worst, 'ceiling against a trivial server, same run'),
        next: ['read throughput there as "at least"; run the generator on a machine with more or faster cores'],
        scenario: first.trial.scenario,
      },
    ];
  },
};
