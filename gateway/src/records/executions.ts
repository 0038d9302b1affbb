// Executions on their way into the database: kept one by one while they wait, written as one row per entry and outcome. A row
// each would be the dearest part of a call: 12,000 rows a second, and figures that sum them all.
import type { Insertable } from 'kysely';
import type { Config } from '../config.ts';
import type { CallKind } from '../mcp/ports.ts';
import type { Log, Store } from '../store/store.ts';
import type { EntryExecutionsTable } from '../store/tables.ts';
import { WriteBuffer } from './write-buffer.ts';

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

export function createExecutionBuffer(config: BufferConfig, store: Store, log: Log): WriteBuffer<Ended> {
  return new WriteBuffer<Ended>({
    table: 'entry_executions',
    write: (ended) => store.bulkInsert('entry_executions', toRows(ended)),
    maxRows: () => (config.METRICS_BUFFER_ENABLED ? config.METRICS_BUFFER_MAX_SIZE : 1),
    intervalMs: () => config.METRICS_BUFFER_FLUSH_INTERVAL * 1000,
    log,
  });
}

type Row = Insertable<EntryExecutionsTable>;

/** In the order of the first of each. */
function toRows(ended: readonly Ended[]): Row[] {
  const rows = new Map<string, Row>();
  for (const { entryId, kind, durationMs, errorCode, atMs } of ended) {
    const key = `${errorCode ?? ''} ${entryId}`;
    const row = rows.get(key);
    if (row === undefined) {
      const times = { sum_ms: durationMs, min_ms: durationMs, max_ms: durationMs, at_ms: atMs };
      rows.set(key, { entry_id: entryId, kind, error_code: errorCode ?? null, executions: 1, ...times });
    } else {
      row.executions += 1;
      row.sum_ms += durationMs;
      row.min_ms = Math.min(row.min_ms, durationMs);
      row.max_ms = Math.max(row.max_ms, durationMs);
      row.at_ms = Math.max(row.at_ms, atMs);
    }
  }
  return [...rows.values()];
}
