// Executions on their way into the database: one row per entry and outcome from the moment that they wait. A row each would be the
// dearest part of a call, at 12,000 rows a second, and a database that stalls for a second would lose some.
import type { Insertable } from 'kysely';
import type { Config } from '../config.ts';
import type { CallKind } from '../mcp/ports.ts';
import type { Log, Store } from '../store/store.ts';
import type { EntryExecutionsTable } from '../store/tables.ts';
import { type Fold, WriteBuffer } from './write-buffer.ts';

export interface Ended {
  entryId: string;
  kind: CallKind;
  durationMs: number;
  /** Undefined: it succeeded. */
  errorCode: string | undefined;
  atMs: number;
}

type BufferConfig = Pick<
  Config,
  'METRICS_BUFFER_ENABLED' | 'METRICS_BUFFER_MAX_SIZE' | 'METRICS_BUFFER_FLUSH_INTERVAL'
>;

export type Row = Insertable<EntryExecutionsTable>;

const fold: Fold<Row> = {
  keyOf: ({ entry_id, error_code }) => (error_code == null ? entry_id : `${error_code} ${entry_id}`),
  add(into, row) {
    into.executions += row.executions;
    into.sum_ms += row.sum_ms;
    into.min_ms = Math.min(into.min_ms, row.min_ms);
    into.max_ms = Math.max(into.max_ms, row.max_ms);
    into.at_ms = Math.max(into.at_ms, row.at_ms);
  },
};

export function createExecutionBuffer(config: BufferConfig, store: Store, log: Log): WriteBuffer<Row> {
  return new WriteBuffer<Row>({
    table: 'entry_executions',
    write: (rows) => store.bulkInsert('entry_executions', rows),
    maxRows: () => (config.METRICS_BUFFER_ENABLED ? config.METRICS_BUFFER_MAX_SIZE : 1),
    intervalMs: () => config.METRICS_BUFFER_FLUSH_INTERVAL * 1000,
    fold,
    log,
  });
}

export function toExecutionRow({ entryId, kind, durationMs, errorCode, atMs }: Ended): Row {
  const times = { sum_ms: durationMs, min_ms: durationMs, max_ms: durationMs, at_ms: atMs };
  return { entry_id: entryId, kind, error_code: errorCode ?? null, executions: 1, ...times };
}
