import { PgActivityArtifact } from '../../collect/pg-activity.ts';
import type { Rule } from '../rule.ts';
import { countOf, evidenceOf, settingOf, withArtifact, worstByScenario } from './evidence.ts';

/** Share of PostgreSQL's own limit above which the next gateway instance gets no connection. */
const SERVER_SHARE = 0.9;

export const connectionPool: Rule = {
  id: 'connection-pool',
  title: 'Database connections used up',
  evaluate(result) {
    const size = settingOf(result, 'DB_POOL_SIZE');
    const pool = size === undefined ? undefined : size + (settingOf(result, 'DB_MAX_OVERFLOW') ?? 0);
    const sightings = withArtifact(result, 'pg-activity', PgActivityArtifact).flatMap(({ trial, data }) => {
      const active = (data.peaks['active']?.max ?? 0) + (data.peaks['idle_in_transaction']?.max ?? 0);
      const total = data.peaks['total']?.max ?? 0;
      if (pool !== undefined && active >= pool) {
        return [{ trial, value: active / pool, text: `${active} of the pool’s ${pool} connections at work at once` }];
      }
      if (total < SERVER_SHARE * data.maxConnections) return [];
      return [
        { trial, value: total / data.maxConnections, text: `${total} of max_connections ${data.maxConnections} open` },
      ];
    });
    const worst = worstByScenario(sightings);
    const [first] = worst;
    if (first === undefined) return [];
    return [
      {
        rule: 'connection-pool',
        priority: 'high',
        title: `Database connections are used up in ${countOf(worst.length, 'scenario')}: ${first.text}`,
        evidence: evidenceOf(worst, 'pg_stat_activity, peak of the trial'),
        next: [
          'shorten what holds a connection first: slow statements, open transactions',
          'raise DB_POOL_SIZE in a server profile (infra-profiles/server/) and compare; keep the sum below max_connections',
        ],
        scenario: first.trial.scenario,
      },
    ];
  },
};
