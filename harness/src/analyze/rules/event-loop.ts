import { GatewayRuntimeArtifact } from '../../collect/gateway-runtime.ts';
import type { Rule } from '../rule.ts';
import { countOf, evidenceOf, withArtifact, worstByScenario } from './evidence.ts';

/** Every request waits for the loop: at this delay it alone breaks the smallest SLOs (5–30 ms). Open load only: a closed one saturates on purpose. */
const SLOW_MS = 20;
const VERY_SLOW_MS = 100;

export const eventLoop: Rule = {
  id: 'event-loop',
  title: 'Event loop blocked',
  evaluate(result) {
    const sightings = withArtifact(result, 'gateway-runtime', GatewayRuntimeArtifact, 'open').flatMap(
      ({ trial, data }) => {
        const peak = data.peaks['event_loop_delay_p99_ms'];
        if (peak === undefined || peak.max < SLOW_MS) return [];
        return [
          {
            trial,
            value: peak.max,
            text: `event-loop delay p99 up to ${peak.max.toFixed(1)} ms in ${peak.samples} samples`,
          },
        ];
      },
    );
    const worst = worstByScenario(sightings);
    const [first] = worst;
    if (first === undefined) return [];
    return [
      {
        rule: 'event-loop',
        priority: first.value >= VERY_SLOW_MS ? 'high' : 'medium',
        title: `The gateway’s event loop was blocked for ${first.value.toFixed(0)} ms (p99) in ${countOf(worst.length, 'scenario')}`,
        evidence: evidenceOf(worst, 'perf_hooks in /metrics'),
        next: [
          'npm run gateway -- with NODE_OPTIONS=--cpu-prof, load it, open the .cpuprofile in the browser’s developer tools',
          'look for JSON of large bodies, synchronous crypto and loops over whole lists',
        ],
        scenario: first.trial.scenario,
      },
    ];
  },
};
