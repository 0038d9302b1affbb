// Everything that the gateway writes down of its work. What is off is undefined: nobody pays for it.
import type { Insertable } from 'kysely';
import type { Config } from '../config.ts';
import type { TellExecution } from '../mcp/ports.ts';
import type { Log, Store } from '../store/store.ts';
import type { Database } from '../store/tables.ts';
import type { DatabaseObserver } from '../telemetry/database-observer.ts';
import { createExecutionBuffer, type Row as ExecutionRow, toExecutionRow } from './executions.ts';
import { createExecutionFigures, type ExecutionFigures } from './figures.ts';
import {
  type AuditEntry,
  type SecurityEvent,
  type TokenUse,
  toAuditRow,
  toLogRow,
  toSecurityRow,
  toTokenUsageRow,
} from './journals.ts';
import { Performance } from './performance.ts';
import { type Turn, takeTurns } from './turns.ts';
import { deleteOldExecutions, deleteOldJournals, foldHours } from './upkeep.ts';
import { type BufferState, WriteBuffer } from './write-buffer.ts';

export interface Records extends AsyncDisposable {
  /** Undefined: nobody wants to know of executions. */
  executed: TellExecution | undefined;
  performance: Performance | undefined;
  /** With METRICS_AGGREGATION_ENABLED. */
  figures: ExecutionFigures | undefined;
  audit: ((entry: AuditEntry) => void) | undefined;
  security: ((event: SecurityEvent) => void) | undefined;
  tokenUse: ((use: TokenUse) => void) | undefined;
  /** A line of the log, for STRUCTURED_LOGGING_DATABASE_ENABLED. */
  logLine: ((line: string) => void) | undefined;
  buffers(): BufferState[];
  /** Writes everything that waits. */
  flush(): Promise<void>;
}

/** Nothing is written down. */
export const noRecords: Records = {
  executed: undefined,
  performance: undefined,
  figures: undefined,
  audit: undefined,
  security: undefined,
  tokenUse: undefined,
  logLine: undefined,
  buffers: () => [],
  flush: async () => undefined,
  [Symbol.asyncDispose]: async () => undefined,
};

/** Journals are written often: they are read by people who look for what just happened. */
const JOURNAL_INTERVAL_MS = 1000;
const JOURNAL_ROWS = 200;
const HOUR_MS = 3_600_000;

export interface RecordsOptions {
  config: Config;
  store: Store;
  log: Log;
  performance: Performance | undefined;
}

export function createPerformance(config: Pick<Config, 'PERFORMANCE_TRACKING_ENABLED'>): Performance | undefined {
  return config.PERFORMANCE_TRACKING_ENABLED ? new Performance() : undefined;
}

/** Statements are an operation like others. */
export function observeStatements(performance: Performance): DatabaseObserver {
  return {
    waited: () => undefined,
    queried: (startedAt, endedAt, _text, hasFailed) =>
      performance.record('database_query', endedAt - startedAt, hasFailed),
  };
}

export function createRecords({ config, store, log, performance }: RecordsOptions): Records {
  const buffers: Pick<WriteBuffer<unknown>, 'state' | 'flush' | typeof Symbol.asyncDispose>[] = [];
  const keep = <R>(made: WriteBuffer<R>) => {
    buffers.push(made);
    return made;
  };
  const buffer = <T extends keyof Database>(table: T, maxRows: () => number, intervalMs: () => number) => {
    const made = new WriteBuffer<Insertable<Database[T]>>({
      table,
      write: (rows) => store.bulkInsert(table, rows),
      maxRows,
      intervalMs,
      log,
    });
    return keep(made);
  };
  const journal = <T extends keyof Database>(isOn: boolean, table: T) =>
    isOn
      ? buffer(
          table,
          () => JOURNAL_ROWS,
          () => JOURNAL_INTERVAL_MS,
        )
      : undefined;

  const executions = config.DB_METRICS_RECORDING_ENABLED ? keep(createExecutionBuffer(config, store, log)) : undefined;
  const auditTrail = journal(config.AUDIT_TRAIL_ENABLED, 'audit_trail');
  const securityEvents = journal(config.SECURITY_LOGGING_ENABLED, 'security_events');
  const logEntries = journal(config.STRUCTURED_LOGGING_DATABASE_ENABLED, 'structured_log_entries');
  const tokenUsage = journal(config.TOKEN_USAGE_LOGGING_ENABLED, 'token_usage');
  const audit = auditTrail && ((entry: AuditEntry) => auditTrail.push(toAuditRow(entry)));
  const upkeep = startUpkeep(config, store, log);

  return {
    executed: createExecuted(executions, performance, audit),
    performance,
    figures:
      config.METRICS_AGGREGATION_ENABLED && config.DB_METRICS_RECORDING_ENABLED
        ? createExecutionFigures(store, config)
        : undefined,
    audit,
    security: securityEvents && ((event) => securityEvents.push(toSecurityRow(event))),
    tokenUse: tokenUsage && ((use) => tokenUsage.push(toTokenUsageRow(use))),
    logLine: logEntries && ((line) => logEntries.push(toLogRow(line))),
    buffers: () => buffers.map(({ state }) => state),
    flush: async () => void (await Promise.all(buffers.map((one) => one.flush()))),
    async [Symbol.asyncDispose]() {
      await upkeep[Symbol.asyncDispose]();
      await Promise.all(buffers.map((one) => one[Symbol.asyncDispose]()));
    },
  };
}

const actions = { tools: 'tool', resources: 'resource', prompts: 'prompt' } as const;

function createExecuted(
  executions: WriteBuffer<ExecutionRow> | undefined,
  performance: Performance | undefined,
  audit: Records['audit'],
): TellExecution | undefined {
  if (executions === undefined && performance === undefined && audit === undefined) return undefined;
  return ({ entryId, kind, durationMs, errorCode }, name, caller) => {
    const success = errorCode === undefined;
    performance?.record(kind, durationMs, !success);
    executions?.push(toExecutionRow({ entryId, kind, durationMs, errorCode, atMs: Date.now() }));
    // Reading changes nothing; what a tool does nobody knows.
    if (audit === undefined || kind !== 'tools') return;
    audit({
      user: caller.identity.sub,
      action: 'call',
      resourceType: actions[kind],
      beforeId: entryId,
      afterId: entryId,
      resourceName: name,
      method: 'tools/call',
      path: caller.serverId === undefined ? '' : `/servers/${caller.serverId}`,
      status: success ? 200 : 500,
      clientIp: undefined,
      correlationId: caller.trace?.correlationId,
    });
  };
}

function startUpkeep(config: Config, store: Store, log: Log): AsyncDisposable {
  const folding: Turn = {
    name: 'folding records',
    everyMs: config.METRICS_ROLLUP_INTERVAL_HOURS * HOUR_MS,
    run: (signal) => foldHours(store, Date.now(), signal),
  };
  const deleting: Turn = {
    name: 'deleting old records',
    everyMs: config.METRICS_CLEANUP_INTERVAL_HOURS * HOUR_MS,
    async run() {
      if (config.METRICS_CLEANUP_ENABLED) await deleteOldExecutions(store, config, Date.now());
      await deleteOldJournals(store, config, Date.now());
    },
  };
  return takeTurns({ store, turns: config.METRICS_ROLLUP_ENABLED ? [folding, deleting] : [deleting], log });
}
