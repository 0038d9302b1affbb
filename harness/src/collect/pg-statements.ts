// pg_stat_statements over the trial, as a difference: nobody's statistics are reset. Counted at once, without the delay
// of the other views. https://www.postgresql.org/docs/current/pgstatstatements.html
import { type Static, Type } from 'typebox';
import type { Collector } from './collector.ts';
import { APPLICATION_NAME, type Database, MARK, openDatabases } from './database.ts';

const strict = { additionalProperties: false } as const;

export const Statement = Type.Object(
  {
    id: Type.String({ description: 'queryid; with "+" when it ran inside a function' }),
    query: Type.String({ description: 'normalised text, at most 600 characters' }),
    calls: Type.Number(),
    totalMs: Type.Number(),
    meanMs: Type.Number(),
    stddevMs: Type.Number({ description: 'over the trial, from the sums of squares before and after' }),
    maxMs: Type.Union([Type.Number(), Type.Null()], { description: 'null: the longest call was before the trial' }),
    rows: Type.Number(),
    blocksHit: Type.Number(),
    blocksRead: Type.Number(),
    blocksDirtied: Type.Number(),
    tempBlocksWritten: Type.Number(),
    walBytes: Type.Number(),
    readMs: Type.Number({ description: 'reading blocks; 0 when track_io_timing is off' }),
  },
  strict,
);
export type Statement = Static<typeof Statement>;

export const PgStatementsArtifact = Type.Object(
  {
    statements: Type.Array(Statement, {
      description: 'by total time; the longest in total, on average and the most variable, the most called',
    }),
    mostVariable: Type.Array(Type.String(), { description: 'ids by stddev ÷ mean, of those with more than 100 calls' }),
    slowest: Type.Array(Type.String(), { description: 'ids by mean time' }),
    total: Type.Object(
      { statements: Type.Integer(), calls: Type.Number(), totalMs: Type.Number(), rows: Type.Number() },
      { ...strict, description: 'of all statements, also those not listed; calls ÷ requests = queries per request' },
    ),
    evicted: Type.Number({
      description: 'times entries were thrown out (pg_stat_statements.max): then calls are missing',
    }),
  },
  strict,
);
export type PgStatementsArtifact = Static<typeof PgStatementsArtifact>;

/** One row as the view has it, since the statement was first seen. */
export type StatementCount = Omit<Statement, 'meanMs' | 'maxMs'> & { maxMs: number; meanMs: number };

const LISTED = { total: 15, slowest: 5, variable: 5, called: 5 };
const MANY_CALLS = 100;

export const pgStatements: Collector = {
  id: 'pg-statements',
  title: 'PostgreSQL statements',
  async start(context) {
    const databases = await openDatabases(context);
    return {
      columns: [],
      async watchTrial(trial) {
        const database = databases.of(trial.subject);
        const before = await read(database);
        return async (): Promise<PgStatementsArtifact> => {
          const after = await read(database);
          return toArtifact(diffStatements(before.counts, after.counts), after.evictions - before.evictions);
        };
      },
      [Symbol.asyncDispose]: () => databases[Symbol.asyncDispose](),
    };
  },
};

async function read(database: Database): Promise<{ counts: StatementCount[]; evictions: number }> {
  // Only for a database of ours: the library is preloaded there, and its view may not have been made yet.
  const [known] = await database.query<{ view: string | null }>(
    `SELECT ${MARK} to_regclass('pg_stat_statements')::text AS view`,
  );
  if (known?.view === null) await database.query(`CREATE EXTENSION ${MARK} IF NOT EXISTS pg_stat_statements`);
  const counts = await database.query<StatementCount>(toQuery(database.versionNumber), [`%${APPLICATION_NAME}%`]);
  const [info] = await database.query<{ dealloc: number }>(
    `SELECT ${MARK} dealloc::float AS dealloc FROM pg_stat_statements_info`,
  );
  return { counts, evictions: info?.dealloc ?? 0 };
}

/** PostgreSQL 17 split the block times into shared and local. */
function toQuery(versionNumber: number): string {
  const readMs = versionNumber >= 170_000 ? 'shared_blk_read_time' : 'blk_read_time';
  return `SELECT ${MARK}
  queryid::text || CASE WHEN toplevel THEN '' ELSE '+' END AS "id",
  left(regexp_replace(min(query), '\\s+', ' ', 'g'), 600) AS "query",
  sum(calls)::float AS "calls", sum(total_exec_time)::float AS "totalMs",
  (sum(total_exec_time) / greatest(sum(calls), 1))::float AS "meanMs",
  max(stddev_exec_time)::float AS "stddevMs", max(max_exec_time)::float AS "maxMs", sum(rows)::float AS "rows",
  sum(shared_blks_hit)::float AS "blocksHit", sum(shared_blks_read)::float AS "blocksRead",
  sum(shared_blks_dirtied)::float AS "blocksDirtied", sum(temp_blks_written)::float AS "tempBlocksWritten",
  sum(wal_bytes)::float AS "walBytes", sum(${readMs})::float AS "readMs"
FROM pg_stat_statements
WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND query IS NOT NULL AND query NOT LIKE $1
GROUP BY queryid, toplevel`;
}

/** What ran in between, most total time first. A statement whose count fell was reset: its later count is all there is. */
export function diffStatements(before: readonly StatementCount[], after: readonly StatementCount[]): Statement[] {
  const earlier = new Map(before.map((count) => [count.id, count]));
  const statements: Statement[] = [];
  for (const now of after) {
    const known = earlier.get(now.id);
    const then = known !== undefined && known.calls <= now.calls ? known : undefined;
    const calls = now.calls - (then?.calls ?? 0);
    if (calls === 0) continue;
    const difference = (name: 'totalMs' | 'rows' | 'blocksHit' | 'blocksRead' | 'blocksDirtied' | 'walBytes') =>
      Math.max(0, now[name] - (then?.[name] ?? 0));
    const totalMs = difference('totalMs');
    statements.push({
      id: now.id,
      query: now.query,
      calls,
      totalMs,
      meanMs: totalMs / calls,
      stddevMs: toDeviation(then, now, calls, totalMs / calls),
      maxMs: then !== undefined && now.maxMs <= then.maxMs ? null : now.maxMs,
      rows: difference('rows'),
      blocksHit: difference('blocksHit'),
      blocksRead: difference('blocksRead'),
      blocksDirtied: difference('blocksDirtied'),
      tempBlocksWritten: now.tempBlocksWritten - (then?.tempBlocksWritten ?? 0),
      walBytes: difference('walBytes'),
      readMs: now.readMs - (then?.readMs ?? 0),
    });
  }
  return statements.sort((one, other) => other.totalMs - one.totalMs);
}

/**
 * Standard deviation of the calls in between. Squared deviations of two parts add up to those of the whole, less the
 * distance of their means: M = M₁ + M₂ + (m₂ − m₁)² · n₁n₂/n (Chan, Golub, LeVeque 1979); here M and M₁ are known.
 */
function toDeviation(then: StatementCount | undefined, now: StatementCount, calls: number, meanMs: number): number {
  if (then === undefined) return now.stddevMs;
  const squares = now.stddevMs ** 2 * now.calls - then.stddevMs ** 2 * then.calls;
  const apart = ((meanMs - then.meanMs) ** 2 * then.calls * calls) / now.calls;
  return Math.sqrt(Math.max(0, squares - apart) / calls);
}

export function toArtifact(statements: readonly Statement[], evicted: number): PgStatementsArtifact {
  const by = (value: (statement: Statement) => number, count: number, of = statements) =>
    [...of].sort((one, other) => value(other) - value(one)).slice(0, count);
  const longest = by(({ totalMs }) => totalMs, LISTED.total);
  const slowest = by(({ meanMs }) => meanMs, LISTED.slowest);
  const called = by(({ calls }) => calls, LISTED.called);
  const often = statements.filter(({ calls, meanMs }) => calls > MANY_CALLS && meanMs > 0);
  const variable = by(({ stddevMs, meanMs }) => stddevMs / meanMs, LISTED.variable, often);
  const listed = new Set([...longest, ...slowest, ...called, ...variable]);
  const sum = (value: (statement: Statement) => number) =>
    statements.reduce((total, statement) => total + value(statement), 0);
  return {
    statements: by(({ totalMs }) => totalMs, listed.size, [...listed]),
    mostVariable: variable.map(({ id }) => id),
    slowest: slowest.map(({ id }) => id),
    total: {
      statements: statements.length,
      calls: sum(({ calls }) => calls),
      totalMs: sum(({ totalMs }) => totalMs),
      rows: sum(({ rows }) => rows),
    },
    evicted,
  };
}
