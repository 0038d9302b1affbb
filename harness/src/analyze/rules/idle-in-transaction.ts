import { GatewayLogsArtifact } from '../../collect/gateway-logs.ts';
import { PgActivityArtifact } from '../../collect/pg-activity.ts';
import type { Rule } from '../rule.ts';
import { evidenceOf, withArtifact, worstByScenario } from './evidence.ts';

/** A transaction that waits this long for its client holds its locks and its connection for nothing. */
const LONG_SECONDS = 1;

export const idleInTransaction: Rule = {
  id: 'idle-in-transaction',
  title: 'Transactions left open',
  evaluate(result) {
    const ended = withArtifact(result, 'gateway-logs', GatewayLogsArtifact)
      .filter(({ data }) => data.idleInTransactionTimeouts > 0)
      .map(({ trial, data }) => ({
        trial,
        value: 1000 + data.idleInTransactionTimeouts,
        text: `PostgreSQL ended ${data.idleInTransactionTimeouts} sessions that idled in a transaction`,
      }));
    const waiting = withArtifact(result, 'pg-activity', PgActivityArtifact).flatMap(({ trial, data }) => {
      const longest = data.peaks['longest_idle_in_transaction_seconds']?.max ?? 0;
      const count = data.peaks['idle_in_transaction']?.max ?? 0;
      return longest < LONG_SECONDS
        ? []
        : [
            {
              trial,
              value: longest,
              text: `up to ${count} connections idle in a transaction, for ${longest.toFixed(1)} s`,
            },
          ];
    });
    const worst = worstByScenario([...ended, ...waiting]);
    const [first] = worst;
    if (first === undefined) return [];
    return [
      {
        rule: 'idle-in-transaction',
        priority: ended.length > 0 ? 'high' : 'medium',
        title: `In ${first.trial.scenario} ${first.text}`,
        evidence: evidenceOf(worst, ended.length > 0 ? 'gateway log and pg_stat_activity' : 'pg_stat_activity'),
        next: [
          'commit before calling an upstream server: a transaction must not wait for the network',
          "SELECT pid, state_change, query FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'",
        ],
        scenario: first.trial.scenario,
      },
    ];
  },
};
