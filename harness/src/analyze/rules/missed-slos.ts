import { formatFigure, metricOf } from '../../metrics.ts';
import type { SloResult } from '../analysis.ts';
import type { Rule } from '../rule.ts';
import { currentTrials } from './evidence.ts';

export const missedSlos: Rule = {
  id: 'missed-slos',
  title: 'SLOs missed',
  evaluate(result, slos) {
    const missed = slos.filter((slo) => slo.status === 'missed');
    return [...new Set(missed.map((slo) => slo.scenario))].map((scenario) => {
      const ofScenario = missed.filter((slo) => slo.scenario === scenario);
      const requests = currentTrials(result)
        .filter((trial) => trial.scenario === scenario)
        .reduce((sum, trial) => sum + trial.load.sent, 0);
      return {
        rule: 'missed-slos',
        priority: 'high',
        title: `${scenario} misses ${ofScenario.map(describe).join('; ')}`,
        evidence: ofScenario.map(
          (slo) => `${slo.metric}: ${slo.reason} (${requests} requests; ${metricOf(slo.metric, scenario).source})`,
        ),
        next: [
          ...new Set(ofScenario.map(adviceFor)),
          `npm run perf -- -p medium --scenario ${scenario} repeats it alone`,
        ],
        scenario,
      };
    });
  },
};

function describe({ metric, actual, target }: SloResult): string {
  const seen = actual === null ? 'among the lost samples' : formatFigure(metric, actual);
  return `${metric} (${seen}, target ${formatFigure(metric, target)})`;
}

function adviceFor({ metric }: SloResult): string {
  switch (metricOf(metric, 'slos').kind) {
    case 'error':
      return 'read the failed requests by kind below, then gateway_logs.txt in the run folder';
    case 'throughput':
      return 'is the gateway’s core full? Then profile it; if not, look for what it waits for (pool, upstream, locks)';
    case 'memory':
      return 'take heap snapshots before and after the load and compare them';
    default:
      return 'compare with overhead: is the time spent in the gateway or in the MCP server behind it?';
  }
}
