// Several statements in one transaction and, on PostgreSQL, in one round trip: all are sent before the first is answered.
import type { Compilable, CompiledQuery, Kysely } from 'kysely';
import type { Database } from './tables.ts';

/** The rows of each statement, in order. */
export type BatchRows<Q extends readonly Compilable<unknown>[]> = {
  [K in keyof Q]: Q[K] extends Compilable<infer R> ? R[] : never;
};

export type RunBatch = (queries: readonly CompiledQuery[]) => Promise<unknown[][]>;

export async function runBatch<const Q extends readonly Compilable<unknown>[]>(
  db: Kysely<Database>,
  run: RunBatch | undefined,
  build: (db: Kysely<Database>) => Q,
): Promise<BatchRows<Q>> {
  const queries = build(db).map((query) => query.compile());
  const rows = run === undefined ? await oneByOne(db, queries) : await run(queries);
  return rows as BatchRows<Q>; // each query's own rows: Kysely's types say what it selects
}

/** For a database without a wire, and behind a pooler. */
export async function oneByOne(db: Kysely<Database>, queries: readonly CompiledQuery[]): Promise<unknown[][]> {
  return await db.transaction().execute(async (transaction) => {
    const answers: unknown[][] = [];
    for (const query of queries) answers.push((await transaction.executeQuery(query)).rows);
    return answers;
  });
}

/**
 * `begin`, the queries and `commit` go out together. When one fails, PostgreSQL refuses the others and the `commit` is a
 * rollback: the first failure is the one that says why.
 */
export async function pipelined(
  send: (text: string, values: readonly unknown[]) => Promise<{ rows: unknown[] }>,
  queries: readonly CompiledQuery[],
): Promise<unknown[][]> {
  const sent = [send('begin', []), ...queries.map(({ sql, parameters }) => send(sql, parameters)), send('commit', [])];
  const answers = await Promise.allSettled(sent);
  const failed = answers.find((answer) => answer.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return answers.slice(1, -1).map((answer) => (answer.status === 'fulfilled' ? answer.value.rows : []));
}
