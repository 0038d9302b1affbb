// The other workers, as one worker sees them: everything goes through the primary.
import type { Caches } from '../cache/caches.ts';
import { GatewayError } from '../errors.ts';
import type { SessionHome } from '../http/session-home.ts';
import { renderSnapshots } from '../metrics.ts';
import type { Neighbours } from '../serve.ts';
import type { Gathered, Gone, Order, Report } from './messages.ts';

/** The primary answers within a second; it may be busy itself. */
const GATHER_DEADLINE_MS = 5000;

export function report(message: Report): void {
  if (process.connected) process.send?.(message);
}

export function createNeighbours(home: SessionHome | undefined): Neighbours {
  return { change: changeEverywhere, shareCaches, renderMetrics: renderAll, home };
}

let serial = 0;

/** The primary has the last word: it changes all workers, this one too. */
async function changeEverywhere(wanted: Record<string, unknown>): Promise<void> {
  const id = ++serial;
  const isAnswer = (order: Order) => order.type === 'changed' && order.id === id;
  const answer = answered(isAnswer);
  report({ type: 'change', id, changes: wanted });
  const order = await answer;
  if (order.type !== 'changed' || order.refused === undefined) return;
  throw new GatewayError('GW_CONFIG_INVALID', order.refused);
}

async function renderAll(): Promise<string> {
  const id = ++serial;
  const isAnswer = (order: Order) => order.type === 'gathered' && order.id === id;
  const answer = answered(isAnswer, GATHER_DEADLINE_MS);
  report({ type: 'gather', id });
  const order = await answer;
  if (order.type !== 'gathered') throw new Error('the primary gave another answer than the one asked for');
  return `${await renderSnapshots(order.snapshots)}${describe(order)}`;
}

function describe({ workers, missing }: Gathered): string {
  return [
    '# HELP gateway_workers Workers whose figures these are',
    '# TYPE gateway_workers gauge',
    `gateway_workers ${workers}`,
    '# HELP gateway_workers_missing Workers that did not answer in time: their gauges are not in, their counts are of the scrape before',
    '# TYPE gateway_workers_missing gauge',
    `gateway_workers_missing ${missing}`,
    '',
  ].join('\n');
}

/** What is invalidated in one turn of the event loop goes as one message: an import invalidates a cache once per entry. */
function shareCaches(caches: Caches): void {
  const untold = new Map<string, Gone>();
  function tell(): void {
    report({ type: 'gone', gone: [...untold.values()] });
    untold.clear();
  }
  caches.onInvalidate((name, key) => {
    if (untold.size === 0) setImmediate(tell);
    untold.set(JSON.stringify([name, key]), key === undefined ? [name] : [name, key]);
  });
  process.on('message', (order: Order) => {
    if (order.type !== 'drop') return;
    for (const [name, key] of order.gone) caches.drop(name, key);
  });
}

function answered(isAnswer: (order: Order) => boolean, deadlineMs?: number): Promise<Order> {
  return new Promise((resolve, reject) => {
    const timer =
      deadlineMs === undefined
        ? undefined
        : setTimeout(() => {
            process.off('message', take);
            reject(new Error(`the primary did not answer within ${deadlineMs} ms`));
          }, deadlineMs);
    function take(order: Order): void {
      if (!isAnswer(order)) return;
      clearTimeout(timer);
      process.off('message', take);
      resolve(order);
    }
    process.on('message', take);
  });
}
