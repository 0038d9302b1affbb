// `gateway sizing`: the source's formulas worked out, with a warning where two of them answer one question differently. Pure.
import { type Static, Type } from 'typebox';

const amount = (description: string, initial: number) => Type.Number({ default: initial, minimum: 0, description });

export const SizingInput = Type.Object(
  {
    pods: Type.Number({ default: 1, minimum: 1, description: 'pods (replicas)' }),
    cpus: amount('CPU cores per pod; 0: what the workers need', 0),
    workers: amount('workers per pod; 0: 2 × CPU + 1, at most 16', 8),
    pool: amount('DB_POOL_SIZE', 50),
    overflow: amount('DB_MAX_OVERFLOW', 10),
    rps: amount('requests per second of one worker', 100),
    users: amount('concurrent users', 1000),
    concurrent: amount('concurrent requests', 500),
    messages: amount('messages per minute that wait for their reader', 1000),
    messageTtl: amount('MESSAGE_TTL (seconds)', 600),
  },
  { additionalProperties: false },
);
export type SizingInput = Static<typeof SizingInput>;

export interface SizingRow {
  name: string;
  value: number;
  unit: string;
  formula: string;
}

export interface Sizing {
  rows: SizingRow[];
  warnings: string[];
}

const HEADROOM = 1.2;

export function computeSizing(input: SizingInput): Sizing {
  const { pods, pool, overflow, rps, users, concurrent, messages, messageTtl } = input;
  const workers = input.workers > 0 ? input.workers : Math.min(16, 2 * Math.max(1, input.cpus) + 1);
  const total = pods * workers;
  const cpus = workers / 2;
  const perPod = pods * pool * HEADROOM + 20;
  const perWorker = total * pool * HEADROOM + 200;
  const opened = total * (pool + overflow);
  const users50 = (users * 50) / 1000;
  const waiting = (messages * 100 * (messageTtl / 60)) / 1000;
  const row = (name: string, value: number, unit: string, formula: string): SizingRow => ({
    name,
    value: Math.round(value * 100) / 100,
    unit,
    formula,
  });
  const rows = [
    row('workers', workers, 'per pod', '2 × CPU + 1, at most 16, unless given'),
    row('CPU', cpus, 'cores per pod', 'workers / 2'),
    row('memory', 256 + workers * 200, 'MB per pod', '256 + workers × 200'),
    row('capacity', total * rps, 'requests/s', 'pods × workers × rps'),
    row('connections, pool per pod', pods * pool, '', 'pods × pool'),
    row('max_connections, pool per pod', perPod, '', 'pods × pool × 1.2 + 20'),
    row('connections, pool per worker', total * pool, '', 'pods × workers × pool'),
    row('max_connections, pool per worker', perWorker, '', 'pods × workers × pool × 1.2 + 200'),
    row('connections with overflow', opened, '', 'pods × workers × (pool + overflow)'),
    row('PostgreSQL memory for connections', (perWorker * 10) / 1000, 'GB', 'max_connections × 10 MB'),
    row('PgBouncer MAX_CLIENT_CONN', total * pool * 2, '', 'pods × workers × pool × 2'),
    row('Redis memory', (users50 + waiting) * 1.5, 'MB', '(users × 50 KB + messages/min × 100 KB × TTL / 60) × 1.5'),
    row('REDIS_MAX_CONNECTIONS', (concurrent / total) * 1.5, 'per worker', 'concurrent requests / workers × 1.5'),
  ];
  return { rows, warnings: findWarnings({ ...input, workers, total, perPod, perWorker, opened, cpus }) };
}

interface Worked extends SizingInput {
  total: number;
  perPod: number;
  perWorker: number;
  opened: number;
}

function findWarnings(worked: Worked): string[] {
  const { workers, perPod, perWorker, opened, cpus, concurrent, total } = worked;
  const warnings: string[] = [];
  if (workers > 1) {
    warnings.push(
      `max_connections is ${perPod} by the source's formula for Kubernetes (a pool per pod) and ${perWorker} by the one for the database (a pool per worker). ` +
        'Here every worker has its own pool: the second one holds. The source itself states 1,220 beside 1,500, and 5,000 beside 50,000 for 48,200.',
    );
  }
  if (opened > perWorker) {
    warnings.push(
      `with overflow the workers open up to ${opened} connections, more than ${perWorker}: neither formula counts DB_MAX_OVERFLOW.`,
    );
  }
  if (perWorker > 500) {
    warnings.push(
      `${perWorker} connections are more than the 500 that the source gives PostgreSQL with PgBouncer in front: use PgBouncer, or a pool of ${Math.max(1, Math.floor(300 / (total * HEADROOM)))} per worker.`,
    );
  }
  if (2 * cpus + 1 < workers || workers > 16) {
    warnings.push(
      `by 2 × CPU + 1 the ${cpus} cores of "workers / 2" would have ${Math.min(16, 2 * cpus + 1)} workers, not ${workers}: the two rules of the source differ by one, and auto stops at 16.`,
    );
  }
  if (concurrent / total > 512) {
    warnings.push(
      `${Math.round(concurrent / total)} requests at a time per worker are more than BACKPRESSURE (512) lets in.`,
    );
  }
  return warnings;
}

export function printSizing({ rows, warnings }: Sizing): string {
  const width = Math.max(...rows.map(({ name }) => name.length));
  const lines = rows.map(({ name, value, unit, formula }) => {
    const figure = `${value.toLocaleString('en-US')} ${unit}`;
    return `${name.padEnd(width)}  ${figure.padEnd(18)}  ${formula}`;
  });
  return [...lines, ...warnings.map((warning) => `\nWarning: ${warning}`), ''].join('\n');
}
