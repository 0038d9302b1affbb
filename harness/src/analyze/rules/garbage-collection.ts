import { GatewayRuntimeArtifact } from '../../collect/gateway-runtime.ts';
import type { Rule } from '../rule.ts';
import { countOf, evidenceOf, withArtifact, worstByScenario } from './evidence.ts';

const LARGE_PERCENT = 10;
const VERY_LARGE_PERCENT = 25;
/** In less CPU time a single collection is most of it. */
const LEAST_CPU_SECONDS = 0.5;

export const garbageCollection: Rule = {
  id: 'garbage-collection',
  title: 'Time spent in garbage collection',
  evaluate(result) {
    const sightings = withArtifact(result, 'gateway-runtime', GatewayRuntimeArtifact).flatMap(({ trial, data }) => {
      if (data.gc === null || data.cpuSeconds === null || data.cpuSeconds < LEAST_CPU_SECONDS) return [];
      const value = (100 * data.gc.seconds) / data.cpuSeconds;
      if (value < LARGE_PERCENT) return [];
      const text = `${value.toFixed(1)} % of ${data.cpuSeconds.toFixed(1)} s of CPU in ${data.gc.count} collections (${data.gc.majorCount} major)`;
      return [{ trial, value, text }];
    });
    const worst = worstByScenario(sightings);
    const [first] = worst;
    if (first === undefined) return [];
    return [
      {
        rule: 'garbage-collection',
        priority: first.value >= VERY_LARGE_PERCENT ? 'high' : 'medium',
        title: `Up to ${first.value.toFixed(0)} % of the gateway’s CPU goes into garbage collection in ${countOf(worst.length, 'scenario')}`,
        evidence: evidenceOf(worst, 'perf_hooks in /metrics'),
        next: [
          'try NODE_OPTIONS=--max-semi-space-size=64 and compare: short-lived objects then die young',
          'NODE_OPTIONS=--heap-prof npm run gateway shows who allocates',
        ],
        scenario: first.trial.scenario,
      },
    ];
  },
};
