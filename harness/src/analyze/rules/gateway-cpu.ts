// Source, 7.2: high CPU points to a code path, low CPU with high latency to a wait (connection pool, upstream, locks).
import type { RunResult } from '../../result/result.ts';
import { readMetricOf } from '../read-metric.ts';
import type { Finding, Rule } from '../rule.ts';
import { countOf, currentTrials, evidenceOf, type Sighting, worstByScenario } from './evidence.ts';

/** Of one core: Node runs JavaScript on one. */
const BUSY_PERCENT = 90;
/** Source, 7.2: "High latency, low throughput, CPU below 50 %". */
const IDLE_PERCENT = 50;
/** Below this nobody calls a closed loop slow. */
const SLOW_MS = 20;
/** Fewer requests are over before a wait can be told from a hiccup. */
const REQUESTS = 200;

export const gatewayCpu: Rule = {
  id: 'gateway-cpu',
  title: 'The gateway’s CPU: the limit, or idle while requests wait',
  evaluate(result) {
    const gateway = currentTrials(result).flatMap((trial) => {
      const { usage, load } = trial;
      // Over the time that it was loaded: while another build has its turn, a gateway idles.
      return usage === null ? [] : [{ trial, percent: (100 * usage.cpuSeconds) / load.durationSeconds }];
    });
    const busy = gateway
      .filter(({ percent }) => percent >= BUSY_PERCENT)
      .map(({ trial, percent }) => ({
        trial,
        value: percent,
        text: `gateway CPU ${percent.toFixed(0)} % (100 = one core)`,
      }));
    const idle = gateway.flatMap(({ trial, percent }): Sighting[] => {
      const p95 = readMetricOf('service.p95', [trial]);
      if (
        trial.loop !== 'closed' ||
        trial.load.sent < REQUESTS ||
        percent >= IDLE_PERCENT ||
        typeof p95 !== 'number' ||
        p95 < SLOW_MS
      )
        return [];
      const text = `gateway CPU ${percent.toFixed(0)} % while service time p95 is ${p95.toFixed(1)} ms at ${trial.load.achievedRate.toFixed(0)}/s`;
      return [{ trial, value: p95, text }];
    });
    return [
      ...busyFindings(
        result,
        busy.filter(({ trial }) => trial.loop === 'open'),
        'open',
      ),
      ...busyFindings(
        result,
        busy.filter(({ trial }) => trial.loop === 'closed'),
        'closed',
      ),
      ...idleFindings(worstByScenario(idle)),
    ];
  },
};

/** Under the open load a full core is a queue that grows; under the closed one it is what the load is for. */
function busyFindings(result: RunResult, sightings: Sighting[], loop: 'open' | 'closed'): Finding[] {
  const worst = worstByScenario(sightings);
  const [first] = worst;
  if (first === undefined) return [];
  return [
    {
      rule: 'gateway-cpu',
      priority: loop === 'open' ? 'high' : 'low',
      title:
        loop === 'open'
          ? `The gateway’s core is full at the offered rate in ${countOf(worst.length, 'scenario')}`
          : `CPU limits the gateway’s throughput in ${countOf(worst.length, 'scenario')}`,
      evidence: evidenceOf(worst, 'CPU time ÷ time under load'),
      next: [
        'profile it: NODE_OPTIONS=--cpu-prof npm run gateway, then load the scenario with npm run hit',
        result.environment.machine.cores > 2
          ? 'run more workers (a server profile in infra-profiles/server/)'
          : 'this machine has no core to spare for a second worker',
      ],
      scenario: first.trial.scenario,
    },
  ];
}

function idleFindings(worst: Sighting[]): Finding[] {
  const [first] = worst;
  if (first === undefined) return [];
  return [
    {
      rule: 'gateway-cpu',
      priority: 'high',
      title: `Requests wait while the gateway’s CPU idles in ${countOf(worst.length, 'scenario')}`,
      evidence: evidenceOf(worst, 'CPU time ÷ time under load; the closed loop’s histogram'),
      next: [
        'look at the connection pool (DB_POOL_SIZE), at connections to upstream servers and at locks: pg_stat_activity, pg_locks',
        'compare with the same requests directly on the MCP server (scenarios direct_…): is it the upstream?',
      ],
      scenario: first.trial.scenario,
    },
  ];
}
