// Tells an observer of every statement, on either database.
import type { Logger } from 'kysely';
import type { DatabaseObserver } from '../telemetry/database-observer.ts';

/** Kysely's `log` option; undefined: nothing is timed. */
export function toKyselyLog(observer: DatabaseObserver | undefined): Logger | undefined {
  if (observer === undefined) return undefined;
  return ({ level, query, queryDurationMillis }) => {
    const endedAt = performance.now();
    observer.queried(endedAt - queryDurationMillis, endedAt, query.sql, level === 'error');
  };
}
