// DB_QUERY_LOG_ENABLED: every statement with its duration, and a warning when one request sends the same statement again and
// again (N+1: one query per row of another). Values are never logged.
import { AsyncLocalStorage } from 'node:async_hooks';
import type { DatabaseObserver } from '../telemetry/database-observer.ts';
import type { Log } from './connection.ts';

/** What one request has asked so far. */
export interface QueryScope {
  name: string;
  countOf: Map<string, number>;
}

export class QueryLog implements DatabaseObserver {
  readonly #scopes = new AsyncLocalStorage<QueryScope>();
  readonly #log: Log;
  readonly #threshold: () => number;

  /** @param threshold equal statements within one request from which on it is N+1; read at each use */
  constructor(log: Log, threshold: () => number) {
    this.#log = log;
    this.#threshold = threshold;
  }

  createScope(name: string): QueryScope {
    return { name, countOf: new Map() };
  }

  /** What `run` starts, also later, counts for this scope. */
  within<T>(scope: QueryScope, run: () => T): T {
    return this.#scopes.run(scope, run);
  }

  waited(): void {}

  queried(startedAt: number, endedAt: number, text: string, hasFailed: boolean): void {
    const durationMs = Math.round((endedAt - startedAt) * 1000) / 1000;
    const scope = this.#scopes.getStore();
    const request = scope?.name;
    this.#log.info({ sql: text, durationMs, failed: hasFailed, request }, 'database statement');
    if (scope === undefined || framing.has(text)) return;
    const count = (scope.countOf.get(text) ?? 0) + 1;
    scope.countOf.set(text, count);
    if (count === this.#threshold()) {
      this.#log.warn({ sql: text, count, request }, 'the same statement again within one request (N+1)');
    }
  }
}

/** They come with each transaction and say nothing. */
const framing = new Set(['begin', 'begin immediate', 'commit', 'rollback']);
