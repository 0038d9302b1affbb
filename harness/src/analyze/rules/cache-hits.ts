import { PgDatabaseArtifact } from '../../collect/pg-database.ts';
import type { Rule } from '../rule.ts';
import { countOf, evidenceOf, withArtifact, worstByScenario } from './evidence.ts';

/** The usual limit for a database that answers requests. */
const WANTED_PERCENT = 99;
/** Fewer blocks are the first touch of each, not a rate. */
const BLOCKS = 1000;

export const cacheHits: Rule = {
  id: 'cache-hits',
  title: 'PostgreSQL reads from outside its buffers',
  evaluate(result) {
    const sightings = withArtifact(result, 'pg-database', PgDatabaseArtifact).flatMap(({ trial, data }) => {
      const blocks = data.blocksHit + data.blocksRead;
      if (data.cacheHitPercent === null || blocks < BLOCKS || data.cacheHitPercent >= WANTED_PERCENT) return [];
      const text = `${data.cacheHitPercent.toFixed(2)} % of ${blocks} blocks found in shared buffers, ${data.readMs.toFixed(0)} ms spent reading`;
      return [{ trial, value: 100 - data.cacheHitPercent, text }];
    });
    const worst = worstByScenario(sightings);
    const [first] = worst;
    if (first === undefined) return [];
    return [
      {
        rule: 'cache-hits',
        priority: first.value > 10 ? 'high' : 'medium',
        title: `Only ${(100 - first.value).toFixed(1)} % of the blocks were in shared buffers in ${countOf(worst.length, 'scenario')}`,
        evidence: evidenceOf(worst, 'pg_stat_database'),
        next: [
          'SHOW shared_buffers; raise it to a quarter of the memory',
          'try a profile of infra-profiles/postgres/ and compare',
        ],
        scenario: first.trial.scenario,
      },
    ];
  },
};
