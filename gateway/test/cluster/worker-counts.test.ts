import { expect, it } from 'vitest';
import type { Order } from '../../src/cluster/messages.ts';
import { type Counting, WorkerCounts } from '../../src/cluster/worker-counts.ts';
import { countError, createMetrics, renderSnapshots, snapshotMetrics } from '../../src/metrics.ts';

/** Answers at once, unless it is stuck. */
function createWorker(errors: number, isStuck = false) {
  const metrics = createMetrics(false);
  metrics.httpInFlight = 1;
  for (let at = 0; at < errors; at++) countError(metrics, 'GW_INTERNAL');
  const worker = {
    state: 'serving',
    isStuck,
    snapshot: async () => JSON.parse(JSON.stringify(await snapshotMetrics(metrics))),
    count: () => countError(metrics, 'GW_INTERNAL'),
    counts: undefined as WorkerCounts | undefined,
    tell(order: Order) {
      if (order.type !== 'count' || worker.isStuck) return;
      const { id } = order;
      void worker.snapshot().then((snapshot) => worker.counts?.take(worker, snapshot, id));
    },
  };
  return worker;
}

function gatherFrom(workers: ReturnType<typeof createWorker>[]) {
  const members = new Set<Counting>(workers);
  const counts = new WorkerCounts(members, 50);
  for (const worker of workers) worker.counts = counts;
  const read = async () => {
    const { snapshots, workers: answered, missing } = await counts.gather();
    const text = await renderSnapshots(snapshots);
    const errors = Number(/^gateway_errors_total\{code="GW_INTERNAL"\} (\d+)/m.exec(text)?.[1]);
    const inFlight = Number(/^http_requests_in_flight (\d+)/m.exec(text)?.[1]);
    return { errors, inFlight, answered, missing };
  };
  const end = (worker: Counting) => {
    members.delete(worker);
    counts.end(worker);
  };
  return { counts, read, end };
}

it('adds what all have counted', async () => {
  const { read } = gatherFrom([createWorker(2), createWorker(3)]);
  expect(await read()).toEqual({ errors: 5, inFlight: 2, answered: 2, missing: 0 });
});

it('keeps what an ended worker counted, once, and nothing of what it held', async () => {
  const [one, other] = [createWorker(2), createWorker(3)];
  const { counts, read, end } = gatherFrom([one, other]);
  await read();
  one.count();
  counts.takeLast(one, await one.snapshot());
  expect(await read()).toEqual({ errors: 6, inFlight: 1, answered: 1, missing: 0 });
  end(one);
  expect(await read()).toEqual({ errors: 6, inFlight: 1, answered: 1, missing: 0 });
});

it('does not wait for a stuck worker beyond the deadline, says so, and keeps its latest counts', async () => {
  const [one, stuck] = [createWorker(2), createWorker(3)];
  const { read } = gatherFrom([one, stuck]);
  await read();
  stuck.isStuck = true;
  stuck.count();
  expect(await read()).toEqual({ errors: 5, inFlight: 1, answered: 1, missing: 1 });
});

it('does not wait for a worker that dies while it is asked', async () => {
  const [one, dying] = [createWorker(2), createWorker(3, true)];
  const { read, end } = gatherFrom([one, dying]);
  const reading = read();
  end(dying);
  expect(await reading).toEqual({ errors: 2, inFlight: 1, answered: 1, missing: 0 });
});
