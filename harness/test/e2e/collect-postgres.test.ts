import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { Value } from 'typebox/value';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CollectorContext } from '../../src/collect/collector.ts';
import { APPLICATION_NAME } from '../../src/collect/database.ts';
import { PgActivityArtifact, pgActivity } from '../../src/collect/pg-activity.ts';
import { PgDatabaseArtifact, pgDatabase } from '../../src/collect/pg-database.ts';
import { PgLocksArtifact, pgLocks } from '../../src/collect/pg-locks.ts';
import { PgStatementsArtifact, pgStatements } from '../../src/collect/pg-statements.ts';
import { PgTablesArtifact, pgTables } from '../../src/collect/pg-tables.ts';
import { ProcessesArtifact, processes } from '../../src/collect/processes.ts';
import { openRunRegistry } from '../../src/infra/leftovers.ts';
import { type RunningPostgres, startPostgres } from '../../src/infra/postgres.ts';
import type { SubjectName } from '../../src/plan/plan.ts';
import { contextOf, trialOf } from '../collect/context.ts';

const trial = trialOf('current');
let folder: string;
let registry: ReturnType<typeof openRunRegistry>;
let postgres: RunningPostgres;
let databaseUrl: string;
let otherUrl: string;
let context: CollectorContext;
let client: pg.Client;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatebench-collect-'));
  registry = openRunRegistry(join(folder, 'records'));
  postgres = await startPostgres({
    version: '17',
    settings: {},
    dataFolder: folder,
    logFile: join(folder, 'postgres.log'),
    cpus: [],
    registry,
    signal: new AbortController().signal,
  });
  databaseUrl = await postgres.createDatabase('measured');
  otherUrl = await postgres.createDatabase('other');
  context = contextOf({
    gateways: { current: { databaseUrl }, reference: { databaseUrl: otherUrl } },
    processes: () => [{ role: 'postgres', pid: postgres.pid }],
  });
  client = new pg.Client(databaseUrl);
  await client.connect();
  await client.query('CREATE TABLE things (id int PRIMARY KEY, name text)');
  await client.query("INSERT INTO things SELECT i, 'thing ' || i FROM generate_series(1, 5000) i");
  await client.query('ANALYZE things');
});

afterAll(async () => {
  await client?.end();
  await postgres?.stop();
  registry?.close();
  await rm(folder, { recursive: true, force: true });
});

describe('pg-statements', () => {
  it('tells what ran during the trial only, without our own statements and without a reset', async () => {
    for (let call = 0; call < 30; call++) await client.query('SELECT name FROM things WHERE id = $1', [call]);
    await using session = await pgStatements.start(context);
    const end = await session.watchTrial?.(trial);
    for (let call = 0; call < 120; call++) await client.query('SELECT name FROM things WHERE id = $1', [call]);
    await client.query('SELECT pg_sleep(0.03)');
    const { statements, total, slowest, mostVariable, evicted } = Value.Parse(PgStatementsArtifact, await end?.());
    const byId = statements.find(({ query }) => query === 'SELECT name FROM things WHERE id = $1');
    expect(byId).toMatchObject({ calls: 120, rows: 119 });
    expect(statements[0]?.query).toBe('SELECT pg_sleep($1)');
    expect(statements[0]?.meanMs).toBeGreaterThan(29);
    expect(slowest[0]).toBe(statements[0]?.id);
    expect(mostVariable).toEqual([byId?.id]);
    expect(total).toMatchObject({ calls: 121, rows: 120 });
    expect(evicted).toBe(0);
    expect(JSON.stringify(statements)).not.toContain(APPLICATION_NAME);

    const { rows } = await client.query<{ calls: string }>(
      "SELECT calls FROM pg_stat_statements WHERE query = 'SELECT name FROM things WHERE id = $1'",
    );
    expect(rows[0]?.calls).toBe('150');
  });

  it('has the standard deviation of the trial, not of all calls since the start', async () => {
    const nap = async (seconds: number) => client.query('SELECT pg_sleep($1) AS nap', [seconds]);
    for (let call = 0; call < 4; call++) await nap(0.001);
    await using session = await pgStatements.start(context);
    const end = await session.watchTrial?.(trial);
    await nap(0.02);
    await nap(0.06);
    const { statements } = Value.Parse(PgStatementsArtifact, await end?.());
    const napping = statements.find(({ query }) => query.endsWith('AS nap'));
    expect(napping?.calls).toBe(2);
    expect(napping?.meanMs).toBeGreaterThan(40);
    // Two calls 40 ms apart deviate by 20; over all six calls it would be 23 and more.
    expect(napping?.stddevMs).toBeGreaterThan(15);
    expect(napping?.stddevMs).toBeLessThan(25);
    expect(napping?.maxMs).toBeGreaterThan(60);
  });

  it('keeps the two gateways’ databases apart', async () => {
    await using session = await pgStatements.start(context);
    const end = await session.watchTrial?.(trialOf('reference'));
    await client.query('SELECT name FROM things WHERE id = 7');
    const { total } = Value.Parse(PgStatementsArtifact, await end?.());
    expect(total.calls).toBe(0);
  });

  it('makes the view in a database of ours that lacks it', async () => {
    const bare = new pg.Client(await postgres.createDatabase('bare'));
    await bare.connect();
    await bare.query('DROP EXTENSION pg_stat_statements');
    await using session = await pgStatements.start(
      contextOf({ gateways: { current: { databaseUrl: databaseUrl.replace(/\/measured$/, '/bare') } } }),
    );
    const end = await session.watchTrial?.(trial);
    await bare.query('SELECT 1');
    const { total } = Value.Parse(PgStatementsArtifact, await end?.());
    await bare.end();
    expect(total.calls).toBe(1);
  });
});

describe('pg-tables and pg-database', () => {
  it('warn about sequential scans of a large table', async () => {
    await using tables = await pgTables.start(context);
    await using database = await pgDatabase.start(context);
    const endTables = await tables.watchTrial?.(trial);
    const endDatabase = await database.watchTrial?.(trial);
    await client.query('BEGIN');
    for (let call = 0; call < 3; call++) await client.query("SELECT count(*) FROM things WHERE name = 'none'");
    await client.query("UPDATE things SET name = 'other' WHERE id < 11");
    await client.query('COMMIT');
    await client.query('BEGIN');
    await client.query('ROLLBACK');
    // Otherwise PostgreSQL hands these counts in up to ten seconds later.
    await client.query('SELECT pg_stat_force_next_flush()');
    await client.query('SELECT 1');
    const { tables: used, warnings } = Value.Parse(PgTablesArtifact, await endTables?.());
    expect(used[0]).toMatchObject({ table: 'public.things', updated: 10 });
    expect(used[0]?.seqScans).toBeGreaterThanOrEqual(3);
    expect(used[0]?.sizeBytes).toBeGreaterThan(100_000);
    expect(warnings).toMatchObject([{ table: 'public.things', kind: 'sequential-scans' }]);

    const seen = Value.Parse(PgDatabaseArtifact, await endDatabase?.());
    expect(seen).toMatchObject({ deadlocks: 0, rollbacks: 1 });
    // PostgreSQL's own catalog may be updated too.
    expect(seen.rowsUpdated).toBeGreaterThanOrEqual(10);
    expect(seen.cacheHitPercent).toBeGreaterThan(90);
    expect(seen.sizeBytes).toBeGreaterThan(5e6);
  });

  it('give rates and the size in their samples, by subject', async () => {
    await using session = await pgDatabase.start(context);
    const first = await session.sample?.(0);
    expect(first?.['size_bytes.current']).toBeGreaterThan(5e6);
    // A backend that touched no table hands nothing in, not even its commits.
    for (let call = 0; call < 20; call++) await client.query('SELECT name FROM things WHERE id = 3');
    await client.query('SELECT pg_stat_force_next_flush()');
    await client.query('SELECT 1');
    const second = await session.sample?.(1);
    expect(second?.['commits_per_second.current']).toBeGreaterThan(10);
    expect(Object.keys(second ?? {}).every((name) => session.columns.some((column) => column.name === name))).toBe(
      true,
    );
  });
});

describe('pg-activity and pg-locks', () => {
  it('see who waits for whom, and who idles in a transaction', async () => {
    await using activity = await pgActivity.start(context);
    await using locks = await pgLocks.start(context);
    const endActivity = await activity.watchTrial?.(trial);
    const endLocks = await locks.watchTrial?.(trial);
    const waiter = new pg.Client(databaseUrl);
    await waiter.connect();
    await client.query('BEGIN');
    await client.query("UPDATE things SET name = 'mine' WHERE id = 1");
    const waiting = waiter.query("UPDATE things SET name = 'yours' WHERE id = 1");
    await sleep(150);
    const connections = await activity.sample?.(0);
    const held = await locks.sample?.(0);
    await client.query('COMMIT');
    await waiting;
    await waiter.end();
    expect(connections).toMatchObject({
      'total.current': 2,
      'active.current': 1,
      'waiting_for_lock.current': 1,
      'idle_in_transaction.current': 1,
      'total.reference': 0,
    });
    expect(connections?.['oldest_transaction_seconds.current']).toBeGreaterThan(0.14);
    expect(held?.['waiting.current']).toBe(1);
    expect(held?.['longest_wait_ms.current']).toBeGreaterThan(100);

    const { peaks, maxConnections } = Value.Parse(PgActivityArtifact, await endActivity?.());
    expect(maxConnections).toBe(100);
    expect(peaks['waiting_for_lock']).toMatchObject({ max: 1, samples: 2 });
    const { blocked, peaks: lockPeaks } = Value.Parse(PgLocksArtifact, await endLocks?.());
    expect(lockPeaks['waiting']?.max).toBe(1);
    expect(blocked[0]?.statement).toBe("UPDATE things SET name = 'yours' WHERE id = 1");
    expect(blocked[0]?.blocker).toBe("UPDATE things SET name = 'mine' WHERE id = 1");
  });
});

const TURN = 'SELECT count(*) FROM pg_class';

describe('the collectors of PostgreSQL, in two trials that overlap', () => {
  it('give each trial what happened in its own database while it was open', async () => {
    const other = new pg.Client(otherUrl);
    const waiter = new pg.Client(databaseUrl);
    await Promise.all([other.connect(), waiter.connect()]);
    await using statements = await pgStatements.start(context);
    await using locks = await pgLocks.start(context);
    const begin = async (subject: SubjectName) => ({
      statements: await statements.watchTrial?.(trialOf(subject)),
      locks: await locks.watchTrial?.(trialOf(subject)),
    });
    const current = await begin('current');
    for (let call = 0; call < 3; call++) await client.query(TURN);
    const reference = await begin('reference');
    for (let call = 0; call < 5; call++) await other.query(TURN);
    await client.query('BEGIN');
    await client.query("UPDATE things SET name = 'mine' WHERE id = 2");
    const waiting = waiter.query("UPDATE things SET name = 'yours' WHERE id = 2");
    await sleep(100);
    await locks.sample?.(0);
    await client.query('COMMIT');
    await waiting;
    const callsOf = async (end: (() => Promise<unknown>) | undefined) =>
      Value.Parse(PgStatementsArtifact, await end?.()).statements.find(({ query }) => query === TURN)?.calls;
    expect(await callsOf(current.statements)).toBe(3);
    const own = Value.Parse(PgLocksArtifact, await current.locks?.());
    await other.query(TURN);
    expect(await callsOf(reference.statements)).toBe(6);
    const others = Value.Parse(PgLocksArtifact, await reference.locks?.());
    expect(own).toMatchObject({
      peaks: { waiting: { max: 1, samples: 2 } },
      blocked: [{ waitMs: expect.any(Number) }],
    });
    expect(others).toMatchObject({ peaks: { waiting: { max: 0, samples: 2 } }, blocked: [] });
    await Promise.all([other.end(), waiter.end()]);
  });
});

describe('the connection of the collectors', () => {
  it('is one per database for all of them, and gone when the last one stops', async () => {
    const ours = async () => {
      const { rows } = await client.query<{ count: number }>(
        'SELECT count(*)::int FROM pg_stat_activity WHERE application_name = $1',
        [APPLICATION_NAME],
      );
      return rows[0]?.count;
    };
    const sessions = await Promise.all([pgActivity, pgDatabase, pgLocks].map((each) => each.start(context)));
    await Promise.all(sessions.map((session) => session.sample?.(0)));
    expect(await ours()).toBe(2);
    for (const session of sessions) await session[Symbol.asyncDispose]();
    await expect.poll(ours).toBe(0);
  });

  it('is opened anew after PostgreSQL has ended it', async () => {
    await using session = await pgActivity.start(context);
    await client.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1', [
      APPLICATION_NAME,
    ]);
    await sleep(100);
    expect((await session.sample?.(0))?.['total.current']).toBe(1);
  });

  it('says what is wrong when there is no database to read', async () => {
    await expect(pgActivity.start(contextOf({ gateways: { current: {} } }))).rejects.toThrow(
      'there is no PostgreSQL of ours behind the gateway',
    );
    const unreachable = contextOf({ gateways: { current: { databaseUrl: 'postgresql://x@127.0.0.1:1/x' } } });
    await expect(pgActivity.start(unreachable)).rejects.toThrow('ECONNREFUSED');
  });
});

describe.skipIf(process.platform !== 'linux')('the processes of PostgreSQL (needs Linux: /proc)', () => {
  it('are all its backends, their shared memory counted once', async () => {
    await using session = await processes.start(context);
    const end = await session.watchTrial?.(trial);
    const { groups } = Value.Parse(ProcessesArtifact, await end?.());
    const seen = groups['postgres'];
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    expect(seen?.pids).toContain(postgres.pid);
    expect(seen?.pids).toContain(rows[0]?.pid);
    expect(seen?.rssBytes).toBeGreaterThan(20e6);
    expect(seen?.rssBytes).toBeLessThan(250e6);
  });
});
