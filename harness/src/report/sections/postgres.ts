// The database under the load: queries per request, cache hits, connection states, slow statements, scans, locks.
import type { Static, TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { PgActivityArtifact } from '../../collect/pg-activity.ts';
import { PgDatabaseArtifact } from '../../collect/pg-database.ts';
import { PgLocksArtifact } from '../../collect/pg-locks.ts';
import { PgStatementsArtifact, type Statement } from '../../collect/pg-statements.ts';
import { PgTablesArtifact, type TableUse } from '../../collect/pg-tables.ts';
import { hasLoad, type LoadedTrial, type ReportContext } from '../context.ts';
import { formatAdaptive, formatBytes, formatCount, formatNumber, formatPercent, NONE } from '../format.ts';
import type { Block, Section } from '../section.ts';
import { createTable, type Table } from '../table.ts';

const MOST_STATEMENTS = 15;

export function postgresSection(context: ReportContext): Section {
  const trials = context.analysis.result.trials
    .filter(hasLoad)
    .filter((trial) => context.scenario(trial.scenario)?.target !== 'upstream');
  const statements = dataOf(trials, 'pg-statements', PgStatementsArtifact);
  const tables = dataOf(trials, 'pg-tables', PgTablesArtifact);
  const locks = dataOf(trials, 'pg-locks', PgLocksArtifact);
  const blocks: Block[] = [];
  const perTrial = trialTable(context, trials);
  if (perTrial.rows.length > 0) blocks.push(perTrial);
  if (statements.length > 0) blocks.push(statementTable(statements.map(({ data }) => data)));
  if (tables.length > 0) blocks.push(...scanBlocks(tables.map(({ data }) => data)));
  const blocked = locks.flatMap(({ data }) => data.blocked);
  if (blocked.length > 0) blocks.push(lockTable(blocked));
  if (blocks.length === 0) blocks.push({ kind: 'text', text: whyNothing(context) });
  return {
    id: 'postgresql',
    title: 'PostgreSQL',
    lead: 'Differences over each trial, from pg_stat_statements, pg_stat_database, pg_stat_user_tables and pg_stat_activity; the collectors’ own queries are left out.',
    blocks,
  };
}

function dataOf<S extends TSchema>(
  trials: LoadedTrial[],
  id: string,
  schema: S,
): { trial: LoadedTrial; data: Static<S> }[] {
  return trials.flatMap((trial) => {
    const artifact = trial.artifacts[id];
    if (artifact === undefined || !artifact.available) return [];
    const { data } = artifact;
    return Value.Check(schema, data) ? [{ trial, data }] : [];
  });
}

function whyNothing({ analysis }: ReportContext): string {
  const reasons = analysis.result.collectors.flatMap((collector) =>
    collector.id.startsWith('pg-') && !collector.available
      ? [`${collector.title}: ${collector.reason ?? 'no reason given'}`]
      : [],
  );
  return reasons.length === 0
    ? 'Not available, because no collector watched the database in this run.'
    : `Not available, because ${reasons.join('; ')}.`;
}

/** One row per scenario, loop and subject; rounds are averaged. */
function trialTable(context: ReportContext, trials: LoadedTrial[]): Table {
  const groups = new Map<string, LoadedTrial[]>();
  for (const trial of trials) {
    const key = `${trial.scenario} ${trial.loop} ${trial.subject}`;
    groups.set(key, [...(groups.get(key) ?? []), trial]);
  }
  const rows = [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const requests = (of: { trial: LoadedTrial }[]) =>
      of.reduce((sum, { trial }) => sum + trial.load.succeeded + trial.load.failed, 0);
    const statements = dataOf(group, 'pg-statements', PgStatementsArtifact);
    const database = dataOf(group, 'pg-database', PgDatabaseArtifact);
    const activity = dataOf(group, 'pg-activity', PgActivityArtifact);
    if (statements.length + database.length + activity.length === 0) return [];
    const calls = statements.reduce((sum, { data }) => sum + data.total.calls, 0);
    const time = statements.reduce((sum, { data }) => sum + data.total.totalMs, 0);
    const hit = database.reduce((sum, { data }) => sum + data.blocksHit, 0);
    const read = database.reduce((sum, { data }) => sum + data.blocksRead, 0);
    const most = (name: string) => Math.max(...activity.map(({ data }) => data.peaks[name]?.max ?? 0));
    const peak = (name: string) => (activity.length === 0 ? NONE : formatPercent(most(name), 1));
    const total = requests(statements);
    return [
      [
        `${context.title(first.scenario)}, ${first.loop}${context.twoSubjects ? `, ${first.subject}` : ''}`,
        total === 0 ? NONE : formatAdaptive(calls / total, 2),
        total === 0 ? NONE : formatAdaptive(time / total, 3),
        hit + read === 0 ? NONE : formatNumber((100 * hit) / (hit + read), 2),
        database.length === 0 ? NONE : formatCount(database.reduce((sum, { data }) => sum + data.commits, 0)),
        database.length === 0 ? NONE : formatCount(database.reduce((sum, { data }) => sum + data.rollbacks, 0)),
        peak('total'),
        peak('active'),
        peak('idle_in_transaction'),
        peak('waiting_for_lock'),
      ],
    ];
  });
  return createTable(
    'The database by scenario',
    [
      { title: 'Scenario', header: true },
      { title: 'Queries per request', number: true },
      { title: 'Database time per request', unit: 'ms', number: true },
      { title: 'Cache hits', unit: '%', number: true },
      { title: 'Commits', number: true },
      { title: 'Rollbacks', number: true },
      { title: 'Connections, most', number: true },
      { title: 'active', number: true },
      { title: 'idle in transaction', number: true },
      { title: 'waiting for a lock', number: true },
    ],
    rows,
  );
}

function statementTable(artifacts: Static<typeof PgStatementsArtifact>[]): Table {
  const pooled = poolStatements(artifacts.flatMap((artifact) => artifact.statements));
  const total = artifacts.reduce((sum, artifact) => sum + artifact.total.totalMs, 0);
  const slowest = new Set(artifacts.flatMap((artifact) => artifact.slowest.slice(0, 1)));
  const variable = new Set(artifacts.flatMap((artifact) => artifact.mostVariable.slice(0, 1)));
  const evicted = artifacts.reduce((sum, artifact) => sum + artifact.evicted, 0);
  return createTable(
    'Statements, most total time first',
    [
      { title: 'Statement', header: true },
      { title: 'Calls', number: true },
      { title: 'Total', unit: 'ms', number: true },
      { title: 'Share', unit: '%', number: true },
      { title: 'Mean', unit: 'ms', number: true },
      { title: 'Std ÷ mean', number: true },
      { title: 'Max', unit: 'ms', number: true },
      { title: 'Rows', unit: 'per call', number: true },
      { title: 'Blocks read', number: true },
    ],
    pooled.slice(0, MOST_STATEMENTS).map((statement) => {
      const marks = [
        ...(slowest.has(statement.id) ? ['slowest of a trial'] : []),
        ...(variable.has(statement.id) ? ['most variable of a trial'] : []),
      ];
      return [
        { text: statement.query, code: true, ...(marks.length === 0 ? {} : { detail: marks.join(', ') }) },
        formatCount(statement.calls),
        formatAdaptive(statement.totalMs, 1),
        total === 0 ? NONE : formatNumber((100 * statement.totalMs) / total, 1),
        formatAdaptive(statement.meanMs, 3),
        statement.meanMs === 0 ? NONE : formatAdaptive(statement.stddevMs / statement.meanMs, 1),
        statement.maxMs === null ? NONE : formatAdaptive(statement.maxMs, 2),
        formatAdaptive(statement.calls === 0 ? 0 : statement.rows / statement.calls, 1),
        formatCount(statement.blocksRead),
      ];
    }),
    evicted > 0 ? { note: `${evicted} entries were thrown out by pg_stat_statements.max: calls are missing.` } : {},
  );
}

/** The same statement of several trials as one; deviations within trials are pooled (between trials they are left out). */
export function poolStatements(statements: Statement[]): Statement[] {
  const pooled = new Map<string, Statement>();
  for (const statement of statements) {
    const known = pooled.get(statement.id);
    if (known === undefined) {
      pooled.set(statement.id, { ...statement });
      continue;
    }
    const squares = known.stddevMs ** 2 * known.calls + statement.stddevMs ** 2 * statement.calls;
    known.calls += statement.calls;
    known.totalMs += statement.totalMs;
    known.meanMs = known.totalMs / Math.max(1, known.calls);
    known.stddevMs = Math.sqrt(squares / Math.max(1, known.calls));
    known.maxMs = known.maxMs === null ? statement.maxMs : Math.max(known.maxMs, statement.maxMs ?? 0);
    known.rows += statement.rows;
    known.blocksRead += statement.blocksRead;
  }
  return [...pooled.values()].sort((one, other) => other.totalMs - one.totalMs);
}

function scanBlocks(artifacts: Static<typeof PgTablesArtifact>[]): Block[] {
  const uses = poolTables(artifacts.flatMap((artifact) => artifact.tables));
  const warnings = [...new Set(artifacts.flatMap((artifact) => artifact.warnings.map((warning) => warning.text)))];
  return [
    createTable(
      'Tables and scans',
      [
        { title: 'Table', header: true },
        { title: 'Sequential scans', number: true },
        { title: 'Rows per scan', number: true },
        { title: 'Index scans', number: true },
        { title: 'Inserted', number: true },
        { title: 'Updated', number: true },
        { title: 'Deleted', number: true },
        { title: 'Dead rows', number: true },
        { title: 'Size', number: true },
      ],
      uses.map((use) => [
        { text: use.table, code: true },
        formatCount(use.seqScans),
        use.seqScans === 0 ? NONE : formatCount(use.seqRowsRead / use.seqScans),
        formatCount(use.indexScans),
        formatCount(use.inserted),
        formatCount(use.updated),
        formatCount(use.deleted),
        formatCount(use.deadRows),
        formatBytes(use.sizeBytes),
      ]),
      warnings.length === 0 ? {} : { note: warnings.slice(0, 6).join('; ') },
    ),
  ];
}

function poolTables(uses: TableUse[]): TableUse[] {
  const pooled = new Map<string, TableUse>();
  for (const use of uses) {
    const known = pooled.get(use.table);
    if (known === undefined) {
      pooled.set(use.table, { ...use });
      continue;
    }
    for (const name of ['seqScans', 'seqRowsRead', 'indexScans', 'inserted', 'updated', 'deleted'] as const)
      known[name] += use[name];
    known.deadRows = Math.max(known.deadRows, use.deadRows);
    known.sizeBytes = Math.max(known.sizeBytes, use.sizeBytes);
  }
  return [...pooled.values()].sort((one, other) => other.seqRowsRead - one.seqRowsRead);
}

function lockTable(blocked: Static<typeof PgLocksArtifact>['blocked']): Table {
  return createTable(
    'Longest waits for a lock',
    [
      { title: 'Waiting statement', header: true },
      { title: 'Held by' },
      { title: 'Table' },
      { title: 'Mode' },
      { title: 'Waited', unit: 'ms', number: true },
    ],
    [...blocked]
      .sort((one, other) => other.waitMs - one.waitMs)
      .slice(0, 5)
      .map((each) => [
        { text: each.statement, code: true },
        { text: each.blocker, code: true },
        each.table ?? NONE,
        each.mode,
        formatAdaptive(each.waitMs, 1),
      ]),
  );
}
