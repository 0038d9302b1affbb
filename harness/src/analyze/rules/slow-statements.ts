import { PgStatementsArtifact } from '../../collect/pg-statements.ts';
import type { Rule } from '../rule.ts';
import { withArtifact } from './evidence.ts';

/** A statement on the request path that takes longer than this by itself uses up much of a 30 ms SLO. */
const SLOW_MS = 10;
const VERY_SLOW_MS = 50;
/** Fewer calls tell of a cold cache, not of the statement. */
const CALLS = 10;
/** Source, 5.2: "queries with high variability". */
const VARIABLE_RATIO = 3;

export const slowStatements: Rule = {
  id: 'slow-statements',
  title: 'Slow or erratic statements',
  evaluate(result) {
    const worst = new Map<string, { meanMs: number; stddevMs: number; calls: number; query: string; trial: string }>();
    for (const { trial, data } of withArtifact(result, 'pg-statements', PgStatementsArtifact)) {
      for (const { query, meanMs, stddevMs, calls } of data.statements) {
        const erratic = calls > 100 && meanMs > 1 && stddevMs > VARIABLE_RATIO * meanMs;
        if (calls < CALLS || (meanMs < SLOW_MS && !erratic)) continue;
        if ((worst.get(query)?.meanMs ?? 0) < meanMs)
          worst.set(query, { meanMs, stddevMs, calls, query, trial: trial.id });
      }
    }
    return [...worst.values()]
      .sort((a, b) => b.meanMs - a.meanMs)
      .slice(0, 5)
      .map(({ meanMs, stddevMs, calls, query, trial }) => ({
        rule: 'slow-statements',
        priority: meanMs >= VERY_SLOW_MS ? 'high' : meanMs >= SLOW_MS ? 'medium' : 'low',
        title:
          meanMs >= SLOW_MS
            ? `A statement takes ${meanMs.toFixed(1)} ms on average`
            : `A statement varies by ${stddevMs.toFixed(1)} ms around a mean of ${meanMs.toFixed(1)} ms`,
        evidence: [
          query,
          `${trial}: mean ${meanMs.toFixed(2)} ms, standard deviation ${stddevMs.toFixed(2)} ms over ${calls} calls (pg_stat_statements)`,
        ],
        next: [
          `EXPLAIN (ANALYZE, BUFFERS) ${query.split('\n')[0]}`,
          'look for a sequential scan or a sort on disk; an index on the column of its WHERE clause is the usual cure',
        ],
        scenario: trial.split('.')[0] ?? null,
      }));
  },
};
