// Told of every wait for a database connection and of every statement. All times are those of `performance.now()`.
import { currentTrace } from './request-trace.ts';

export interface DatabaseObserver {
  waited(startedAt: number, endedAt: number): void;
  /** @param text the statement, with its parameters as places: it holds no values */
  queried(startedAt: number, endedAt: number, text: string, hasFailed: boolean): void;
}

/** Books them on the request that waits, where one is known. */
export const traceDatabase: DatabaseObserver = {
  waited(startedAt, endedAt) {
    currentTrace.getStore()?.timings?.waited('pool_wait', startedAt, endedAt);
  },
  queried(startedAt, endedAt, text, hasFailed) {
    const trace = currentTrace.getStore();
    if (trace === undefined) return;
    trace.timings?.waited('query', startedAt, endedAt);
    const span = trace.span?.child('database', 'client', { 'db.query.text': text }, startedAt);
    if (hasFailed) span?.fail('the statement failed');
    span?.end(endedAt);
  },
};

/** All of them, one after the other; undefined when there is none: then nothing is timed. */
export function joinObservers(observers: (DatabaseObserver | undefined)[]): DatabaseObserver | undefined {
  const all = observers.filter((observer) => observer !== undefined);
  if (all.length < 2) return all[0];
  return {
    waited(startedAt, endedAt) {
      for (const observer of all) observer.waited(startedAt, endedAt);
    },
    queried(startedAt, endedAt, text, hasFailed) {
      for (const observer of all) observer.queried(startedAt, endedAt, text, hasFailed);
    },
  };
}
