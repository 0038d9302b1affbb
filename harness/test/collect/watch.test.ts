import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Collector, CollectorContext, CollectorSession } from '../../src/collect/collector.ts';
import { startWatch } from '../../src/collect/watch.ts';
import type { Artifact } from '../../src/result/result.ts';
import { contextOf, trialOf } from './context.ts';

const context: CollectorContext = { ...contextOf({}), intervalSeconds: 0.05 };
const trial = trialOf('current');

function collectorOf(id: string, session: Partial<CollectorSession>): Collector {
  return {
    id,
    title: `the ${id} one`,
    async start() {
      return { columns: [{ name: 'value', unit: 'count', title: id }], async [Symbol.asyncDispose]() {}, ...session };
    },
  };
}

describe('a watch', () => {
  it('puts all samples on one clock whose ticks do not drift', async () => {
    let value = 0;
    await using watch = await startWatch(
      [
        collectorOf('one', { sample: async () => ({ value: ++value }) }),
        // Busy for most of an interval: a clock that starts anew after each tick would fall behind.
        collectorOf('two', {
          async sample() {
            const until = performance.now() + 15;
            while (performance.now() < until);
            return { value: 7, unknown: 3 };
          },
        }),
      ],
      context,
    );
    await sleep(1030);
    const { columns, rows } = watch.series();
    expect(columns.map(({ id }) => id)).toEqual(['t', 'one.value', 'two.value']);
    expect(rows.length).toBeGreaterThanOrEqual(17);
    const times = rows.map((row) => row[0] ?? 0);
    for (const [at, t] of times.entries()) {
      const intervals = (t - (times[0] ?? 0)) / 50;
      expect(Math.abs(intervals - Math.round(intervals))).toBeLessThan(0.03);
      if (at > 0) expect(t).toBeGreaterThan(times[at - 1] ?? 0);
    }
    expect(Math.abs((times[0] ?? 0) - Date.now())).toBeLessThan(2000);
    expect(rows[0]?.slice(1)).toEqual([1, 7]);
  });

  it('goes on when a collector is slow, and never asks one that is still busy', async () => {
    let running = 0;
    let overlapped = false;
    await using watch = await startWatch(
      [
        collectorOf('quick', { sample: async () => ({ value: 1 }) }),
        collectorOf('slow', {
          async sample() {
            overlapped ||= running > 0;
            running++;
            await sleep(170);
            running--;
            return { value: 2 };
          },
        }),
      ],
      context,
    );
    await sleep(800);
    const { rows } = watch.series();
    const given = (place: number) => rows.filter((row) => row[place] !== null).length;
    expect(overlapped).toBe(false);
    expect(given(1)).toBe(rows.length);
    expect(given(2)).toBeGreaterThanOrEqual(2);
    expect(given(2)).toBeLessThan(rows.length / 2);
  });

  it('tells a collector that cannot start as not available, and the others work', async () => {
    const broken: Collector = {
      id: 'broken',
      title: 'Broken',
      start: async () => {
        throw new Error('there is no PostgreSQL of ours');
      },
    };
    await using watch = await startWatch(
      [broken, collectorOf('sound', { watchTrial: async () => async () => ({ seen: 5 }) }), collectorOf('mute', {})],
      context,
    );
    const end = await watch.watchTrial(trial);
    expect(await end()).toEqual({
      broken: { available: false, reason: 'there is no PostgreSQL of ours' },
      sound: { available: true, costMs: expect.any(Number), data: { seen: 5 } },
    });
    expect(watch.summary()).toMatchObject([
      { id: 'broken', available: false, reason: 'there is no PostgreSQL of ours', samples: 0 },
      { id: 'sound', title: 'the sound one', available: true, reason: null },
      { id: 'mute', available: true },
    ]);
  });

  it('tells a collector whose samples fail to the end as not available, and forgives one that recovers', async () => {
    let asked = 0;
    await using watch = await startWatch(
      [
        collectorOf('dead', { sample: () => Promise.reject(new Error('connection refused')) }),
        collectorOf('dying', {
          async sample() {
            if (++asked > 3) throw new Error('gone');
            return { value: 1 };
          },
        }),
        collectorOf('shaky', {
          async sample() {
            if (asked % 3 === 0) throw new Error('restarting');
            return { value: 1 };
          },
        }),
        collectorOf('recovering', {
          async sample() {
            if (asked < 12) throw new Error('starting');
            return { value: 1 };
          },
        }),
      ],
      { ...context, intervalSeconds: 0.02 },
    );
    await sleep(800);
    const [dead, dying, shaky, recovering] = watch.summary();
    expect(dead).toMatchObject({ available: false, samples: 0 });
    expect(dead?.reason).toMatch(/^\d+ of \d+ readings failed, the last one: connection refused$/);
    expect(dying).toMatchObject({ available: false, samples: 3 });
    expect(shaky).toMatchObject({ available: true, reason: expect.stringContaining('the last one: restarting') });
    expect(recovering).toMatchObject({ available: true, reason: expect.stringContaining('the last one: starting') });
  });

  it('lets a sample that is being taken end before its collector is stopped', async () => {
    const events: string[] = [];
    const watch = await startWatch(
      [
        collectorOf('slow', {
          async sample() {
            events.push('begun');
            await sleep(120);
            events.push('ended');
            return { value: 1 };
          },
          async [Symbol.asyncDispose]() {
            events.push('stopped');
          },
        }),
      ],
      context,
    );
    await expect.poll(() => events).toEqual(['begun']);
    await watch[Symbol.asyncDispose]();
    expect(events).toEqual(['begun', 'ended', 'stopped']);
  });

  it('loses the artifact of one trial only when its collector throws there', async () => {
    let fails = true;
    await using watch = await startWatch(
      [
        collectorOf('before', {
          async watchTrial() {
            if (fails) throw new Error('no picture');
            return async () => 'seen';
          },
        }),
        collectorOf('after', {
          watchTrial: async () => async () => {
            if (fails) throw new Error('no second picture');
            return 'seen';
          },
        }),
      ],
      context,
    );
    const end = await watch.watchTrial(trial);
    expect(await end()).toEqual({
      before: { available: false, reason: 'no picture' },
      after: { available: false, reason: 'no second picture' },
    });
    fails = false;
    const endNext = await watch.watchTrial(trial);
    const seen = { available: true, data: 'seen' };
    expect(await endNext()).toMatchObject({ before: seen, after: seen });
  });

  it('gives each of two trials that overlap its own artifacts, in whatever order they end', async () => {
    let counted = 0;
    await using watch = await startWatch(
      [
        collectorOf('counting', {
          async watchTrial({ subject }) {
            const before = counted;
            return async () => ({ subject, counted: counted - before });
          },
        }),
        collectorOf('one-sided', {
          async watchTrial({ subject }) {
            if (subject === 'current') throw new Error('no picture');
            return async () => 'seen';
          },
        }),
        collectorOf('slow once', {
          async watchTrial({ subject }) {
            if (subject === 'current') await sleep(200);
            return async () => null;
          },
        }),
      ],
      context,
    );
    const endCurrent = await watch.watchTrial(trialOf('current'));
    counted += 1;
    const endReference = await watch.watchTrial(trialOf('reference'));
    counted += 10;
    const current = await endCurrent();
    counted += 100;
    const reference = await endReference();
    expect(current).toMatchObject({
      counting: { available: true, data: { subject: 'current', counted: 11 } },
      'one-sided': { available: false, reason: 'no picture' },
    });
    expect(reference).toMatchObject({
      counting: { available: true, data: { subject: 'reference', counted: 110 } },
      'one-sided': { available: true, data: 'seen' },
    });
    const costOf = (artifact: Artifact | undefined) => artifact?.available === true && artifact.costMs;
    expect(costOf(current['slow once'])).toBeGreaterThan(199);
    expect(costOf(reference['slow once'])).toBeLessThan(100);
  });

  it('stops waiting for a collector that does not answer', async () => {
    await using watch = await startWatch(
      [
        collectorOf('hanging', {
          sample: () => new Promise(() => {}),
          watchTrial: async () => () => new Promise(() => {}),
        }),
        collectorOf('sound', { watchTrial: async () => async () => 1 }),
      ],
      context,
    );
    const end = await watch.watchTrial(trial);
    const artifacts = await end();
    expect(artifacts['hanging']).toEqual({ available: false, reason: 'it did not answer within 5 s' });
    expect(artifacts['sound']).toMatchObject({ available: true });
    await sleep(150);
    expect(watch.summary()[0]).toMatchObject({ available: false, reason: 'a sample was not answered within 5 s' });
  });

  it('stops every session although one fails to, and takes no sample after that', async () => {
    const stopped: string[] = [];
    const watch = await startWatch(
      [
        collectorOf('stubborn', {
          [Symbol.asyncDispose]: () => Promise.reject(new Error('busy')),
        }),
        collectorOf('sound', {
          sample: async () => ({ value: 1 }),
          async [Symbol.asyncDispose]() {
            stopped.push('sound');
          },
        }),
      ],
      context,
    );
    await watch[Symbol.asyncDispose]();
    await watch[Symbol.asyncDispose]();
    const before = watch.series().rows.length;
    await sleep(150);
    expect(watch.series().rows.length).toBe(before);
    expect(stopped).toEqual(['sound']);
    expect(watch.summary()[0]?.reason).toContain('it did not stop cleanly: busy');
  });

  it('charges each collector for its own CPU time', async () => {
    let usedMs = 0;
    await using watch = await startWatch(
      [
        collectorOf('costly', {
          watchTrial: async () => async () => {
            const before = process.cpuUsage();
            while (usedMs < 120) {
              const { user, system } = process.cpuUsage(before);
              usedMs = (user + system) / 1000;
            }
            return null;
          },
        }),
        collectorOf('idle', { watchTrial: async () => () => sleep(100) }),
      ],
      context,
    );
    const end = await watch.watchTrial(trial);
    const artifacts = await end();
    const [costly, idle] = watch.summary();
    expect(costly?.cpuMs).toBeGreaterThan(usedMs);
    expect(idle?.cpuMs).toBeLessThan(usedMs);
    // Waiting is no CPU time, but it is time that the collector took.
    expect(artifacts['idle']?.available === true && artifacts['idle'].costMs).toBeGreaterThan(99);
  });
});
