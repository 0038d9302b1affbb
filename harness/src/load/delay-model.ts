// What the calibration server does to each request, known beforehand; and what a driver must report of it.
import { type Static, Type } from 'typebox';
import { createRandom, type Random } from '../random.ts';

export const DelayModel = Type.Object(
  {
    seed: Type.Integer(),
    points: Type.Array(
      Type.Object(
        {
          delayMs: Type.Number({ minimum: 0 }),
          share: Type.Number({ exclusiveMinimum: 0, maximum: 1, description: 'of the requests' }),
        },
        { additionalProperties: false },
      ),
      { minItems: 1, description: 'shares add up to 1; one point is a constant delay' },
    ),
    stall: Type.Union(
      [
        Type.Object(
          {
            afterMs: Type.Number({ minimum: 0, description: 'after the first request' }),
            durationMs: Type.Number({ exclusiveMinimum: 0 }),
          },
          {
            additionalProperties: false,
            description: 'no answer leaves during it; those that are due leave at its end',
          },
        ),
        Type.Null(),
      ],
      { default: null },
    ),
  },
  { additionalProperties: false },
);
export type DelayModel = Static<typeof DelayModel>;

export function constantDelay(delayMs: number, stall: DelayModel['stall'] = null): DelayModel {
  return { seed: 1, points: [{ delayMs, share: 1 }], stall };
}

/** The delay of the next request, drawn from the points in seeded order. */
export function delays(model: DelayModel): () => number {
  const random: Random = createRandom(model.seed);
  return () => {
    let left = random();
    for (const point of model.points) {
      left -= point.share;
      if (left < 0) return point.delayMs;
    }
    return model.points.at(-1)?.delayMs ?? 0;
  };
}

/** Quantile of the model without its stall: the smallest delay whose cumulated share reaches q. */
export function delayQuantile(model: DelayModel, q: number): number {
  const sorted = [...model.points].sort((a, b) => a.delayMs - b.delayMs);
  let cumulated = 0;
  for (const point of sorted) {
    cumulated += point.share;
    if (cumulated >= q - 1e-9) return point.delayMs;
  }
  return sorted.at(-1)?.delayMs ?? 0;
}

/**
 * Open loop of `durationSeconds` at a constant rate r, delay D, one stall of S seconds inside it: a request due x seconds
 * into the stall waits S − x, so the r·S requests of the stall have latencies spread evenly over (0, S]. They are the
 * share S / d of all; the quantile q is S − (1 − q)·d where that is above D, else D. r cancels out.
 */
export function openStallQuantileMs(
  q: number,
  load: { durationSeconds: number; stallSeconds: number; delayMs: number },
): number {
  return Math.max(load.delayMs, (load.stallSeconds - (1 - q) * load.durationSeconds) * 1000);
}

/**
 * Closed loop of c connections: when the stall begins each has at most one request in flight, so at most c samples see
 * it, each with S to S + D, and nothing is sent meanwhile. With N samples the quantile q does not see the stall at all
 * when c / N < 1 − q: why latency SLOs are judged under the open loop.
 */
export function closedStallSamples(load: { concurrency: number }): { atMost: number } {
  return { atMost: load.concurrency };
}
