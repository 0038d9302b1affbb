// pg_stat_database: transactions, rows, cache hits and size of the gateway's database.
// PostgreSQL's backends hand in these counts at most once a second, and after their last transaction up to ten seconds
// later: figures of a trial of a few seconds may lack its end. pg-statements has no such delay.
import { type Static, Type } from 'typebox';
import type { SubjectName } from '../plan/plan.ts';
import type { Collector, Column } from './collector.ts';
import { type Database, MARK, openDatabases } from './database.ts';
import { columnsFor, sampleSubjects } from './subjects.ts';

const columns: Column[] = [
  { name: 'commits_per_second', unit: '1/s', title: 'Commits' },
  { name: 'rollbacks_per_second', unit: '1/s', title: 'Rollbacks' },
  { name: 'cache_hit_percent', unit: '%', title: 'Blocks found in shared buffers' },
  { name: 'blocks_read_per_second', unit: '1/s', title: 'Blocks read from outside shared buffers' },
  { name: 'rows_returned_per_second', unit: '1/s', title: 'Rows read by scans' },
  { name: 'rows_fetched_per_second', unit: '1/s', title: 'Rows fetched by index scans' },
  { name: 'rows_written_per_second', unit: '1/s', title: 'Rows inserted, updated and deleted' },
  { name: 'temp_bytes_per_second', unit: 'bytes/s', title: 'Temporary files written' },
  { name: 'deadlocks', unit: 'count', title: 'Deadlocks since the last sample' },
  { name: 'size_bytes', unit: 'bytes', title: 'Database size' },
];

export const PgDatabaseArtifact = Type.Object(
  {
    seconds: Type.Number({ description: 'between the two readings' }),
    commits: Type.Number(),
    rollbacks: Type.Number(),
    blocksRead: Type.Number(),
    blocksHit: Type.Number(),
    cacheHitPercent: Type.Union([Type.Number(), Type.Null()], { description: 'null when no block was asked for' }),
    rowsReturned: Type.Number(),
    rowsFetched: Type.Number(),
    rowsInserted: Type.Number(),
    rowsUpdated: Type.Number(),
    rowsDeleted: Type.Number(),
    tempFiles: Type.Number(),
    tempBytes: Type.Number(),
    deadlocks: Type.Number(),
    readMs: Type.Number({ description: 'time spent reading blocks; 0 when track_io_timing is off' }),
    sizeBytes: Type.Number({ description: 'at the end' }),
    grownBytes: Type.Number(),
  },
  { additionalProperties: false, description: 'differences over the trial; may lack up to its last second' },
);
export type PgDatabaseArtifact = Static<typeof PgDatabaseArtifact>;

const COUNTS = `SELECT ${MARK}
  xact_commit::float AS commits, xact_rollback::float AS rollbacks, blks_read::float AS blocks_read,
  blks_hit::float AS blocks_hit, tup_returned::float AS rows_returned, tup_fetched::float AS rows_fetched,
  tup_inserted::float AS rows_inserted, tup_updated::float AS rows_updated, tup_deleted::float AS rows_deleted,
  temp_files::float AS temp_files, temp_bytes::float AS temp_bytes, deadlocks::float AS deadlocks,
  blk_read_time AS read_ms
FROM pg_stat_database WHERE datname = current_database()`;

interface Counts {
  commits: number;
  rollbacks: number;
  blocks_read: number;
  blocks_hit: number;
  rows_returned: number;
  rows_fetched: number;
  rows_inserted: number;
  rows_updated: number;
  rows_deleted: number;
  temp_files: number;
  temp_bytes: number;
  deadlocks: number;
  read_ms: number;
}
interface Reading {
  atMs: number;
  counts: Counts;
}

/** Asking for the size walks the data folder: once in so many samples is enough. */
const SAMPLES_PER_SIZE = 10;

export const pgDatabase: Collector = {
  id: 'pg-database',
  title: 'PostgreSQL database',
  async start(context) {
    const databases = await openDatabases(context);
    const last = new Map<SubjectName, Reading>();
    let samples = 0;
    return {
      columns: columnsFor(context, columns),
      async sample() {
        const withSize = samples++ % SAMPLES_PER_SIZE === 0;
        return sampleSubjects(context, async (subject) => {
          const database = databases.of(subject);
          const now = await readCounts(database);
          const earlier = last.get(subject);
          last.set(subject, now);
          const values: Record<string, number> = earlier === undefined ? {} : toRates(earlier, now);
          if (withSize) values['size_bytes'] = await readSize(database);
          return values;
        });
      },
      async watchTrial(trial) {
        const database = databases.of(trial.subject);
        const before = { reading: await readCounts(database), sizeBytes: await readSize(database) };
        return async (): Promise<PgDatabaseArtifact> => {
          const after = { reading: await readCounts(database), sizeBytes: await readSize(database) };
          return toArtifact(before, after);
        };
      },
      [Symbol.asyncDispose]: () => databases[Symbol.asyncDispose](),
    };
  },
};

async function readCounts(database: Database): Promise<Reading> {
  const [counts] = await database.query<Counts>(COUNTS);
  if (counts === undefined) throw new Error('pg_stat_database has no row of this database');
  return { atMs: performance.now(), counts };
}

async function readSize(database: Database): Promise<number> {
  const [row] = await database.query<{ bytes: number }>(
    `SELECT ${MARK} pg_database_size(current_database())::float AS bytes`,
  );
  return row?.bytes ?? 0;
}

/** What was counted in between. Counts only fall when statistics were reset: then the later ones are all there is. */
function diffCounts(before: Counts, after: Counts): Counts {
  const difference = { ...after };
  for (const name of Object.keys(after) as (keyof Counts)[]) {
    if (after[name] >= before[name]) difference[name] = after[name] - before[name];
  }
  return difference;
}

function toHitPercent({ blocks_hit, blocks_read }: Counts): number | null {
  const asked = blocks_hit + blocks_read;
  return asked === 0 ? null : (100 * blocks_hit) / asked;
}

function toRates(before: Reading, after: Reading): Record<string, number> {
  const counts = diffCounts(before.counts, after.counts);
  const seconds = (after.atMs - before.atMs) / 1000;
  const hitPercent = toHitPercent(counts);
  return {
    commits_per_second: counts.commits / seconds,
    rollbacks_per_second: counts.rollbacks / seconds,
    blocks_read_per_second: counts.blocks_read / seconds,
    rows_returned_per_second: counts.rows_returned / seconds,
    rows_fetched_per_second: counts.rows_fetched / seconds,
    rows_written_per_second: (counts.rows_inserted + counts.rows_updated + counts.rows_deleted) / seconds,
    temp_bytes_per_second: counts.temp_bytes / seconds,
    deadlocks: counts.deadlocks,
    ...(hitPercent === null ? {} : { cache_hit_percent: hitPercent }),
  };
}

function toArtifact(
  before: { reading: Reading; sizeBytes: number },
  after: { reading: Reading; sizeBytes: number },
): PgDatabaseArtifact {
  const counts = diffCounts(before.reading.counts, after.reading.counts);
  return {
    seconds: (after.reading.atMs - before.reading.atMs) / 1000,
    commits: counts.commits,
    rollbacks: counts.rollbacks,
    blocksRead: counts.blocks_read,
    blocksHit: counts.blocks_hit,
    cacheHitPercent: toHitPercent(counts),
    rowsReturned: counts.rows_returned,
    rowsFetched: counts.rows_fetched,
    rowsInserted: counts.rows_inserted,
    rowsUpdated: counts.rows_updated,
    rowsDeleted: counts.rows_deleted,
    tempFiles: counts.temp_files,
    tempBytes: counts.temp_bytes,
    deadlocks: counts.deadlocks,
    readMs: counts.read_ms,
    sizeBytes: after.sizeBytes,
    grownBytes: after.sizeBytes - before.sizeBytes,
  };
}
