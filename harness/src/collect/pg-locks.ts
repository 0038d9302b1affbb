// pg_locks: who waits for whom, sampled.
import { type Static, Type } from 'typebox';
import type { SubjectName } from '../plan/plan.ts';
import { redactLog } from '../redact.ts';
import type { Collector, Column } from './collector.ts';
import { APPLICATION_NAME, type Database, MARK, openDatabases } from './database.ts';
import { createPeakSampler, Peaks } from './peaks.ts';
import { columnsFor } from './subjects.ts';

const strict = { additionalProperties: false } as const;

const columns: Column[] = [
  { name: 'granted', unit: 'count', title: 'Locks held' },
  { name: 'waiting', unit: 'count', title: 'Locks waited for' },
  { name: 'longest_wait_ms', unit: 'ms', title: 'Longest wait for a lock' },
];

export const Blocked = Type.Object(
  {
    mode: Type.String(),
    table: Type.Union([Type.String(), Type.Null()]),
    waitMs: Type.Number(),
    statement: Type.String({ description: 'that waits' }),
    blocker: Type.String({ description: 'statement, or last one, of the session that is waited for' }),
  },
  strict,
);
export type Blocked = Static<typeof Blocked>;

export const PgLocksArtifact = Type.Object(
  { peaks: Peaks, blocked: Type.Array(Blocked, { description: 'longest waits seen, at most 5' }) },
  strict,
);
export type PgLocksArtifact = Static<typeof PgLocksArtifact>;

const SAMPLE = `SELECT ${MARK}
  count(*) FILTER (WHERE l.granted)::int AS granted,
  count(*) FILTER (WHERE NOT l.granted)::int AS waiting,
  coalesce(extract(epoch FROM max(clock_timestamp() - l.waitstart)) * 1000, 0)::float AS longest_wait_ms
FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE a.datname = current_database() AND a.application_name <> $1`;

const BLOCKED = `SELECT ${MARK}
  l.mode, l.relation::regclass::text AS "table",
  coalesce(extract(epoch FROM clock_timestamp() - l.waitstart) * 1000, 0)::float AS "waitMs",
  left(w.query, 300) AS statement, left(coalesce(b.query, ''), 300) AS blocker
FROM pg_locks l
JOIN pg_stat_activity w USING (pid)
LEFT JOIN pg_stat_activity b ON b.pid = (pg_blocking_pids(l.pid))[1]
WHERE NOT l.granted AND w.datname = current_database()
ORDER BY l.waitstart LIMIT 5`;

const MOST_BLOCKED = 5;

/** A trial that is open, and the longest waits seen in it. */
interface Watched {
  subject: SubjectName;
  blocked: Blocked[];
}

export const pgLocks: Collector = {
  id: 'pg-locks',
  title: 'PostgreSQL locks',
  async start(context) {
    const databases = await openDatabases(context);
    const open = new Set<Watched>();
    const sampler = createPeakSampler(context, async (subject) => {
      const database = databases.of(subject);
      const [row] = await database.query<Record<string, number>>(SAMPLE, [APPLICATION_NAME]);
      const trials = [...open].filter((trial) => trial.subject === subject);
      if (trials.length > 0 && (row?.['waiting'] ?? 0) > 0) {
        const found = await readBlocked(database);
        for (const trial of trials) trial.blocked = toLongest([...trial.blocked, ...found]);
      }
      return row ?? {};
    });
    return {
      columns: columnsFor(context, columns),
      sample: sampler.sample,
      async watchTrial(planned) {
        const trial: Watched = { subject: planned.subject, blocked: [] };
        const end = sampler.watchTrial(planned);
        open.add(trial);
        return async (): Promise<PgLocksArtifact> => {
          try {
            return { peaks: await end(), blocked: trial.blocked };
          } finally {
            open.delete(trial);
          }
        };
      },
      [Symbol.asyncDispose]: () => databases[Symbol.asyncDispose](),
    };
  },
};

async function readBlocked(database: Database): Promise<Blocked[]> {
  const found = await database.query<Blocked>(BLOCKED);
  return found.map((each) => ({ ...each, statement: redactLog(each.statement), blocker: redactLog(each.blocker) }));
}

function toLongest(blocked: readonly Blocked[]): Blocked[] {
  return [...blocked].sort((one, other) => other.waitMs - one.waitMs).slice(0, MOST_BLOCKED);
}
