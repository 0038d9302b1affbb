import { describe, expect, it } from 'vitest';
import { createPeakSampler } from '../../src/collect/peaks.ts';
import { contextOf, trialOf } from './context.ts';

const context = contextOf({ gateways: { current: {}, reference: {} } });

/** Gateways that show these values, until told otherwise. */
function gateways(values: { current: number; reference: number }) {
  const asked: string[] = [];
  const sampler = createPeakSampler(context, async (subject) => {
    asked.push(subject);
    return { value: values[subject] };
  });
  return { values, asked, sampler };
}

describe('peaks', () => {
  it('are those of the trial’s own gateway, from its start to its end', async () => {
    const { values, sampler } = gateways({ current: 900, reference: 700 });
    await sampler.sample();
    const end = sampler.watchTrial(trialOf('current'));
    for (values.current of [5, 1]) await sampler.sample();
    values.current = 9;
    expect(await end()).toEqual({ value: { min: 1, mean: 5, max: 9, samples: 3 } });
  });

  it('are kept apart for trials that overlap', async () => {
    const { values, sampler } = gateways({ current: 10, reference: 20 });
    const endCurrent = sampler.watchTrial(trialOf('current'));
    await sampler.sample();
    const endReference = sampler.watchTrial(trialOf('reference'));
    Object.assign(values, { current: 12, reference: 22 });
    expect(await sampler.sample()).toEqual({ 'value.current': 12, 'value.reference': 22 });
    const current = await endCurrent();
    Object.assign(values, { current: 99, reference: 24 });
    await sampler.sample();
    expect(await endReference()).toEqual({ value: { min: 22, mean: expect.closeTo(70 / 3), max: 24, samples: 3 } });
    expect(current).toEqual({ value: { min: 10, mean: expect.closeTo(34 / 3), max: 12, samples: 3 } });
  });

  it('end with a sample that leaves the other gateway alone: it may be under load', async () => {
    const { asked, sampler } = gateways({ current: 1, reference: 2 });
    await sampler.watchTrial(trialOf('reference'))();
    expect(asked).toEqual(['reference']);
  });

  it('are not told without that last sample', async () => {
    const sampler = createPeakSampler(context, () => Promise.reject(new Error('connection refused')));
    await expect(sampler.watchTrial(trialOf('current'))()).rejects.toThrow('connection refused');
  });
});
