import { expect, it } from 'vitest';
import { createRecycling } from '../../src/cluster/worker.ts';

/** After how many requests a worker asks for a successor; undefined: not within 1000. */
function askedAfter(
  settings: { MAX_REQUESTS: number; MAX_REQUESTS_JITTER: number },
  share: number,
): number | undefined {
  let served = 0;
  const asked: number[] = [];
  const look = createRecycling(
    settings,
    () => served,
    () => void asked.push(served),
    share,
  );
  for (; served <= 1000; served++) look();
  expect(asked.length).toBeLessThanOrEqual(1);
  return asked[0];
}

it('MAX_REQUESTS: a worker asks for a successor once, after so many requests; never with 0', () => {
  expect(askedAfter({ MAX_REQUESTS: 300, MAX_REQUESTS_JITTER: 0 }, 0.99)).toBe(300);
  expect(askedAfter({ MAX_REQUESTS: 0, MAX_REQUESTS_JITTER: 100 }, 0.5)).toBeUndefined();
});

it('MAX_REQUESTS_JITTER: each has a share of its own, so that they do not go at the same time', () => {
  const settings = { MAX_REQUESTS: 300, MAX_REQUESTS_JITTER: 100 };
  expect([0, 0.25, 0.999].map((share) => askedAfter(settings, share))).toEqual([300, 325, 399]);
});
