import { GatewayLogsArtifact } from '../../collect/gateway-logs.ts';
import type { RunResult } from '../../result/result.ts';
import type { Rule } from '../rule.ts';
import { currentTrials, withArtifact } from './evidence.ts';

/** What to look at first, by kind. */
const advice: Record<string, string> = {
  status: 'the answer’s status is not the expected one: gateway_logs.txt in the run folder has the reason',
  body: 'a 200 with a wrong body: send the request by hand with npm run hit -- -n 1 and read the answer',
  timeout: 'no answer in time: look for locks, a full connection pool, or a slow upstream server',
  connection: 'connections were refused or cut: look for a restart, file descriptor limits and the listen backlog',
  dropped: 'the generator could not send in time: it had no free virtual user, because answers came too slowly',
};

export const requestErrors: Rule = {
  id: 'request-errors',
  title: 'Failed requests by kind',
  evaluate(result) {
    const byKind = new Map<string, { count: number; lines: string[]; scenarios: Set<string> }>();
    let due = 0;
    for (const trial of currentTrials(result)) {
      due += trial.load.succeeded + trial.load.failed;
      for (const { kind, request, detail, count, example } of trial.load.errors) {
        const seen = byKind.get(kind) ?? { count: 0, lines: [], scenarios: new Set() };
        seen.count += count;
        seen.scenarios.add(trial.scenario);
        seen.lines.push(
          `${trial.id}: ${count} × ${request}: ${detail}${example === null ? '' : `, for example ${example}`}`,
        );
        byKind.set(kind, seen);
      }
    }
    return [...byKind]
      .sort(([, a], [, b]) => b.count - a.count)
      .map(([kind, { count, lines, scenarios }]) => ({
        rule: 'request-errors',
        priority: count / due > 0.01 ? 'high' : 'medium',
        title: `${count} of ${due} requests failed: ${kind}`,
        evidence: [
          ...lines.slice(0, 5),
          ...(lines.length > 5 ? [`and ${lines.length - 5} more kinds and trials`] : []),
          ...logLines(result),
        ],
        next: [advice[kind] ?? 'read the raw files of the trial in the run folder'],
        scenario: scenarios.size === 1 ? ([...scenarios][0] ?? null) : null,
      }));
  },
};

function logLines(result: RunResult): string[] {
  const types = new Map<string, number>();
  for (const { data } of withArtifact(result, 'gateway-logs', GatewayLogsArtifact)) {
    for (const { type, count } of data.byType) types.set(type, (types.get(type) ?? 0) + count);
  }
  return [...types]
    .sort(([, a], [, b]) => b - a)
    .slice(0, 3)
    .map(([type, count]) => `gateway log: ${count} × ${type}`);
}
