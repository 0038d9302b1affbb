// Everything that watches a run. To add one: one file, one line here, a line in docs/collectors.md.
import type { Collector } from './collector.ts';
import { gatewayLogs } from './gateway-logs.ts';
import { gatewayRuntime } from './gateway-runtime.ts';
import { host } from './host.ts';
import { pgActivity } from './pg-activity.ts';
import { pgDatabase } from './pg-database.ts';
import { pgLocks } from './pg-locks.ts';
import { pgStatements } from './pg-statements.ts';
import { pgTables } from './pg-tables.ts';
import { processes } from './processes.ts';
import { prometheus } from './prometheus.ts';

export const collectors = {
  host,
  processes,
  'gateway-runtime': gatewayRuntime,
  'pg-activity': pgActivity,
  'pg-database': pgDatabase,
  'pg-tables': pgTables,
  'pg-statements': pgStatements,
  'pg-locks': pgLocks,
  prometheus,
  'gateway-logs': gatewayLogs,
} as const satisfies Record<string, Collector>;
