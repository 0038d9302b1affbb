// pg_stat_activity: what the gateway's connections do, sampled.
import { type Static, Type } from 'typebox';
import type { Collector, Column } from './collector.ts';
import { APPLICATION_NAME, MARK, openDatabases } from './database.ts';
import { createPeakSampler, Peaks } from './peaks.ts';
import { columnsFor } from './subjects.ts';

const columns: Column[] = [
  { name: 'total', unit: 'count', title: 'Connections' },
  { name: 'active', unit: 'count', title: 'Connections running a statement' },
  { name: 'idle', unit: 'count', title: 'Connections idle' },
  { name: 'idle_in_transaction', unit: 'count', title: 'Connections idle in a transaction' },
  { name: 'idle_in_transaction_aborted', unit: 'count', title: 'Connections idle in a failed transaction' },
  { name: 'waiting', unit: 'count', title: 'Statements waiting (lock, disk, another process)' },
  { name: 'waiting_for_lock', unit: 'count', title: 'Statements waiting for a lock' },
  { name: 'oldest_transaction_seconds', unit: 's', title: 'Age of the oldest transaction' },
  { name: 'longest_idle_in_transaction_seconds', unit: 's', title: 'Longest time idle in a transaction' },
];

export const PgActivityArtifact = Type.Object(
  {
    maxConnections: Type.Integer({ description: 'max_connections of the server' }),
    peaks: Peaks,
  },
  {
    additionalProperties: false,
    description: 'samples of the trial, one more at its end; the collector’s own left out',
  },
);
export type PgActivityArtifact = Static<typeof PgActivityArtifact>;

const SAMPLE = `SELECT ${MARK}
  count(*)::int AS total,
  count(*) FILTER (WHERE state = 'active')::int AS active,
  count(*) FILTER (WHERE state = 'idle')::int AS idle,
  count(*) FILTER (WHERE state = 'idle in transaction')::int AS idle_in_transaction,
  count(*) FILTER (WHERE state = 'idle in transaction (aborted)')::int AS idle_in_transaction_aborted,
  count(*) FILTER (WHERE state = 'active' AND wait_event_type IS NOT NULL)::int AS waiting,
  count(*) FILTER (WHERE state = 'active' AND wait_event_type = 'Lock')::int AS waiting_for_lock,
  coalesce(extract(epoch FROM max(clock_timestamp() - xact_start)), 0)::float AS oldest_transaction_seconds,
  coalesce(extract(epoch FROM max(clock_timestamp() - state_change)
    FILTER (WHERE state LIKE 'idle in transaction%')), 0)::float AS longest_idle_in_transaction_seconds
FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND application_name <> $1`;

export const pgActivity: Collector = {
  id: 'pg-activity',
  title: 'PostgreSQL connections',
  async start(context) {
    const databases = await openDatabases(context);
    const sampler = createPeakSampler(context, async (subject) => {
      const [row] = await databases.of(subject).query<Record<string, number>>(SAMPLE, [APPLICATION_NAME]);
      return row ?? {};
    });
    return {
      columns: columnsFor(context, columns),
      sample: sampler.sample,
      async watchTrial(trial) {
        const end = sampler.watchTrial(trial);
        return async (): Promise<PgActivityArtifact> => {
          const peaks = await end();
          const [row] = await databases
            .of(trial.subject)
            .query<{ limit: number }>(`SELECT ${MARK} current_setting('max_connections')::int AS "limit"`);
          return { maxConnections: row?.limit ?? 0, peaks };
        };
      },
      [Symbol.asyncDispose]: () => databases[Symbol.asyncDispose](),
    };
  },
};
