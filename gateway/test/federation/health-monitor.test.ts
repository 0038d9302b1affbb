import { expect, test } from 'vitest';
import { HealthMonitor } from '../../src/federation/health-monitor.ts';

function createMonitored(names: string[], isLeader = true) {
  const clock = { nowMs: 0 };
  const state = {
    reachable: new Map(names.map((name) => [name, true])),
    down: new Set<string>(),
    checked: [] as string[],
    synced: [] as string[],
    unreadable: undefined as string | undefined,
    warned: [] as string[],
    most: 0,
  };
  let running = 0;
  const monitor = new HealthMonitor({
    config: { HEALTH_CHECK_INTERVAL: 60, UNHEALTHY_THRESHOLD: 3 },
    list: async () =>
      [...state.reachable].map(([id, isReachable]) => ({
        address: { id, url: `http://${id}/mcp`, transport: 'STREAMABLEHTTP' as const, headers: {} },
        isReachable,
      })),
    async check({ id }) {
      state.checked.push(id);
      state.most = Math.max(state.most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      if (state.down.has(id)) throw new Error('down');
    },
    setUnreachable: async (id) => state.reachable.set(id, false),
    sync: async (id) => {
      if (state.unreadable !== undefined) throw new Error(state.unreadable);
      state.synced.push(id);
      state.reachable.set(id, true);
    },
    isLeader: () => isLeader,
    log: {
      warn: (detail, message) => state.warned.push(`${message} ${JSON.stringify(detail)}`),
      info: () => undefined,
    },
    nowMs: () => clock.nowMs,
  });
  const roundAt = async (seconds: number) => {
    clock.nowMs = seconds * 1000;
    await monitor.round();
  };
  return { state, roundAt };
}

test('UNHEALTHY_THRESHOLD failures in a row, HEALTH_CHECK_INTERVAL apart, take an upstream out; a good one in between does not', async () => {
  const { state, roundAt } = createMonitored(['one', 'two']);
  await roundAt(0);
  expect(state.checked).toEqual([]);
  state.down.add('one');
  for (const at of [60, 61, 120]) await roundAt(at);
  state.down.delete('one');
  await roundAt(180);
  state.down.add('one');
  for (const at of [240, 300]) await roundAt(at);
  expect(state.reachable.get('one')).toBe(true);
  await roundAt(360);
  expect(state.reachable.get('one')).toBe(false);
  expect(state.reachable.get('two')).toBe(true);
  expect(state.checked.filter((id) => id === 'two')).toHaveLength(6);
});

test('who is away is asked in every round, and comes back with its lists', async () => {
  const { state, roundAt } = createMonitored(['one']);
  state.reachable.set('one', false);
  state.down.add('one');
  for (const at of [1, 3, 5]) await roundAt(at);
  expect(state.checked).toHaveLength(3);
  state.down.delete('one');
  await roundAt(7);
  expect(state).toMatchObject({ synced: ['one'] });
  expect(state.reachable.get('one')).toBe(true);
});

test('one that answers again and whose lists cannot be read is told of, once per reason', async () => {
  const { state, roundAt } = createMonitored(['one']);
  state.reachable.set('one', false);
  state.unreadable = 'the name of a tool is taken';
  for (const at of [1, 3, 5]) await roundAt(at);
  expect(state.warned).toEqual([expect.stringMatching(/cannot be read.*"gateway":"one".*the name of a tool is taken/)]);
  state.unreadable = 'another reason';
  await roundAt(7);
  expect(state.warned).toHaveLength(2);
  state.unreadable = undefined;
  await roundAt(9);
  expect(state.reachable.get('one')).toBe(true);
});

test('only the leader asks', async () => {
  const { state, roundAt } = createMonitored(['one'], false);
  for (const at of [0, 60, 120]) await roundAt(at);
  expect(state.checked).toEqual([]);
});

test('a hundred upstreams are asked twenty at a time', async () => {
  const { state, roundAt } = createMonitored(Array.from({ length: 100 }, (_, at) => `u${at}`));
  await roundAt(0);
  await roundAt(60);
  expect(state.checked).toHaveLength(100);
  expect(state.most).toBe(20);
});
