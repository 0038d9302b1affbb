import { PgStatementsArtifact } from '../../collect/pg-statements.ts';
import type { Rule } from '../rule.ts';
import { countOf, evidenceOf, withArtifact, worstByScenario } from './evidence.ts';

/** A request that needs more than this asks for one thing at a time (N+1), or caches nothing. */
const MANY = 5;
const VERY_MANY = 20;

export const queriesPerRequest: Rule = {
  id: 'queries-per-request',
  title: 'Many statements per request',
  evaluate(result) {
    const sightings = withArtifact(result, 'pg-statements', PgStatementsArtifact).flatMap(({ trial, data }) => {
      const value = data.total.calls / Math.max(1, trial.load.sent);
      if (value <= MANY) return [];
      const most = data.statements.reduce<(typeof data.statements)[number] | undefined>(
        (top, statement) => (top === undefined || statement.calls > top.calls ? statement : top),
        undefined,
      );
      const named =
        most === undefined ? '' : `, ${(most.calls / trial.load.sent).toFixed(1)} of them: ${most.query.slice(0, 120)}`;
      return [{ trial, value, text: `${value.toFixed(1)} statements per request${named}` }];
    });
    const worst = worstByScenario(sightings);
    const [first] = worst;
    if (first === undefined) return [];
    return [
      {
        rule: 'queries-per-request',
        priority: first.value > VERY_MANY ? 'high' : 'medium',
        title: `Up to ${first.value.toFixed(1)} statements per request in ${countOf(worst.length, 'scenario')}`,
        evidence: evidenceOf(worst, 'pg_stat_statements, difference over the trial'),
        next: [
          'a statement that runs several times per request is an N+1: fetch its rows with one IN (…) or a JOIN',
          'keep what seldom changes in the gateway’s cache',
        ],
        scenario: first.trial.scenario,
      },
    ];
  },
};
