import { PrometheusArtifact } from '../../collect/prometheus.ts';
import { toSessionUse } from '../gateway-insight.ts';
import type { Rule } from '../rule.ts';
import { countOf, evidenceOf, withArtifact, worstByScenario } from './evidence.ts';

export const circuitBreakers: Rule = {
  id: 'circuit-breakers',
  title: 'Circuit breakers that are not closed',
  evaluate(result) {
    const sightings = withArtifact(result, 'prometheus', PrometheusArtifact).flatMap(({ trial, data }) => {
      const use = toSessionUse([data]);
      if (use === undefined || use.circuits.length + use.trips === 0) return [];
      const states = use.circuits.map(({ url, state }) => `${url} ${state}`);
      const text = [`${countOf(use.trips, 'trip')} during the trial`, ...states].join(', ');
      return [{ trial, value: 1000 * use.circuits.length + use.trips, text }];
    });
    const worst = worstByScenario(sightings);
    const [first] = worst;
    if (first === undefined) return [];
    return [
      {
        rule: 'circuit-breakers',
        priority: 'high',
        title: `The circuit breaker of an upstream was not closed in ${countOf(worst.length, 'scenario')}: ${first.text}`,
        evidence: evidenceOf(worst, '/metrics, mcp_pool_circuit_breaker_state and _trips_total'),
        next: [
          'look for what the upstream answers to a new session: gateway_logs.txt and upstream.log in the run folder',
          'figures of these scenarios hold refusals of the gateway’s own: repeat the run before you compare them',
        ],
        scenario: first.trial.scenario,
      },
    ];
  },
};
