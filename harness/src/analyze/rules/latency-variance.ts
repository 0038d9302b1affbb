// Source, 7.2: "erratic latency, high variance" points to lock contention and cache misses.
import { PgLocksArtifact } from '../../collect/pg-locks.ts';
import { metrics } from '../../metrics.ts';
import { readMetricOf } from '../read-metric.ts';
import type { Rule } from '../rule.ts';
import { artifactOf, countOf, currentTrials, evidenceOf, worstByScenario } from './evidence.ts';

const RATIO = 10;
/** Users do not feel a tail below this. */
const TAIL_MS = 20;

export const latencyVariance: Rule = {
  id: 'latency-variance',
  title: 'Erratic latency',
  evaluate(result) {
    const sightings = currentTrials(result, 'open').flatMap((trial) => {
      if (trial.load.latency.count < metrics['latency.p99'].minimumSamples) return [];
      const p50 = readMetricOf('latency.p50', [trial]);
      const p99 = readMetricOf('latency.p99', [trial]);
      if (typeof p50 !== 'number' || typeof p99 !== 'number' || p99 < TAIL_MS || p99 < RATIO * p50) return [];
      const locks = artifactOf(trial, 'pg-locks', PgLocksArtifact);
      const wait = locks?.peaks['longest_wait_ms']?.max ?? 0;
      const text = `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms${wait > 0 ? `, longest lock wait ${wait.toFixed(0)} ms` : ''}`;
      return [{ trial, value: p99 / p50, text }];
    });
    const worst = worstByScenario(sightings);
    const [first] = worst;
    if (first === undefined) return [];
    return [
      {
        rule: 'latency-variance',
        priority: 'medium',
        title: `Latency is erratic: p99 is ${first.value.toFixed(0)} times p50 in ${countOf(worst.length, 'scenario')}`,
        evidence: evidenceOf(worst, 'open loop, from the intended start'),
        next: [
          'look at locks (pg_locks in the report), at cache misses, and at the event loop and garbage collection at the same seconds',
        ],
        scenario: first.trial.scenario,
      },
    ];
  },
};
