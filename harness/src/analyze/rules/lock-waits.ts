import { PgLocksArtifact } from '../../collect/pg-locks.ts';
import type { Rule } from '../rule.ts';
import { countOf, evidenceOf, withArtifact, worstByScenario } from './evidence.ts';

const LONG_MS = 50;

export const lockWaits: Rule = {
  id: 'lock-waits',
  title: 'Statements waited for locks',
  evaluate(result) {
    const sightings = withArtifact(result, 'pg-locks', PgLocksArtifact).flatMap(({ trial, data }) => {
      const [longest] = [...data.blocked].sort((a, b) => b.waitMs - a.waitMs);
      if (longest === undefined || longest.waitMs < LONG_MS) return [];
      const text = `${longest.waitMs.toFixed(0)} ms for ${longest.mode} on ${longest.table ?? 'a row'}: ${longest.statement.slice(0, 100)} waited for ${longest.blocker.slice(0, 100)}`;
      return [{ trial, value: longest.waitMs, text }];
    });
    const worst = worstByScenario(sightings);
    const [first] = worst;
    if (first === undefined) return [];
    return [
      {
        rule: 'lock-waits',
        priority: 'medium',
        title: `Statements waited up to ${first.value.toFixed(0)} ms for locks in ${countOf(worst.length, 'scenario')}`,
        evidence: evidenceOf(worst, 'pg_locks, sampled'),
        next: [
          "SELECT pid, pg_blocking_pids(pid), query FROM pg_stat_activity WHERE wait_event_type = 'Lock'",
          'shorten the transaction that is waited for',
        ],
        scenario: first.trial.scenario,
      },
    ];
  },
};
