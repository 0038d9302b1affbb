import { pino } from 'pino';
import { expect, it } from 'vitest';
import type { Order } from '../../src/cluster/messages.ts';
import { RunTimeSettings } from '../../src/cluster/run-time-settings.ts';
import { resolveConfig } from '../../src/config.ts';
import { testSecret } from '../config-of.ts';

const read = (settings: Record<string, string> = {}) =>
  resolveConfig([{ name: 'environment', values: { JWT_SECRET_KEY: testSecret, WORKERS: '2', ...settings } }]);

function createCluster() {
  const resized: number[] = [];
  const told = new Map<number, Order[]>();
  const createMember = (id: number, edition: number) => {
    const orders: Order[] = [];
    told.set(id, orders);
    const member = {
      id,
      edition,
      tell(order: Order) {
        // As it goes through the channel: what changes afterwards is not in it.
        orders.push(structuredClone(order));
        if (order.type === 'config') queueMicrotask(() => runTime.applied(member, order.id));
      },
    };
    return member;
  };
  const supervisor = {
    settings: read(),
    edition: 0,
    serving: [] as ReturnType<typeof createMember>[],
    resize: async (count: number) => void resized.push(count),
  };
  const runTime = new RunTimeSettings(supervisor, pino({ level: 'silent' }));
  const first = createMember(1, 0);
  supervisor.serving.push(first);
  const ordersOf = (id: number) => told.get(id) ?? [];
  return { runTime, supervisor, first, createMember, ordersOf, resized };
}

it('puts a change in force in a worker that was starting meanwhile, before it is given anything to do', async () => {
  const { runTime, supervisor, first, createMember, ordersOf } = createCluster();
  const starting = createMember(2, supervisor.edition);
  await runTime.change(first, 1, { BACKPRESSURE: 77 });
  expect(ordersOf(2)).toEqual([]); // it hears nothing yet
  supervisor.serving.push(starting);
  runTime.ready(starting);
  expect(ordersOf(2)).toMatchObject([{ type: 'config', settings: { config: { BACKPRESSURE: 77 } } }]);
});

it('tells a worker nothing that was started with the settings in force', async () => {
  const { runTime, supervisor, first, createMember, ordersOf } = createCluster();
  await runTime.change(first, 1, { BACKPRESSURE: 77 });
  runTime.ready(createMember(2, supervisor.edition));
  expect(ordersOf(2)).toEqual([]);
});

it('makes as many workers as a file that is read again says', async () => {
  const { runTime, supervisor, resized } = createCluster();
  runTime.reread(read({ WORKERS: '3', SESSION_TTL: '77' }));
  expect(resized).toEqual([3]);
  expect(supervisor.settings.config).toMatchObject({ WORKERS: '3', SESSION_TTL: 77 });
  runTime.reread(read({ WORKERS: '3' }));
  expect(resized).toEqual([3]);
});

it('keeps what was changed at run time when the file is read again, the number of workers too', async () => {
  const { runTime, supervisor, first, ordersOf, resized } = createCluster();
  await runTime.change(first, 1, { WORKERS: '4' });
  expect(ordersOf(1).at(-1)).toEqual({ type: 'changed', id: 1 });
  runTime.reread(read({ WORKERS: '1' }));
  expect(resized).toEqual([4]);
  expect(supervisor.settings.config.WORKERS).toBe('4');
});

it('refuses no workers at all, from either side, and leaves everything as it is', async () => {
  const { runTime, supervisor, first, ordersOf, resized } = createCluster();
  await runTime.change(first, 7, { WORKERS: '0' });
  expect(ordersOf(1)).toMatchObject([{ type: 'changed', id: 7, refused: { faults: [{ path: '/WORKERS' }] } }]);
  expect(() => runTime.reread(read({ WORKERS: '0', SESSION_TTL: '77' }))).toThrow(
    expect.objectContaining({ code: 'GW_CONFIG_INVALID' }),
  );
  expect(resized).toEqual([]);
  expect(supervisor.settings.config).toMatchObject({ WORKERS: '2', SESSION_TTL: 3600 });
});
