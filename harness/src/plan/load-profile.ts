// How much load: one YAML file in scenarios/load-profiles/.
import { type Static, Type } from 'typebox';

export const LoadProfile = Type.Object(
  {
    description: Type.String(),
    requests: Type.Integer({ minimum: 1, description: 'requests per scenario and loop' }),
    concurrency: Type.Integer({ minimum: 1, description: 'closed loop: connections' }),
    rateFactor: Type.Number({ exclusiveMinimum: 0, description: 'open loop: share of the scenario’s SLO rate' }),
    maxOpenSeconds: Type.Number({
      exclusiveMinimum: 0,
      description:
        'open loop: requests / rate, but no longer than this, unless judging the p99 needs it (minTailSamples)',
    }),
    minTailSamples: Type.Integer({
      default: 0,
      minimum: 0,
      description:
        'open loop: run on past maxOpenSeconds until so many requests are sent (1000 leave 10 beyond the p99)',
    }),
    maxClosedSeconds: Type.Number({
      exclusiveMinimum: 0,
      description: 'closed loop: ends here even when requests are left',
    }),
    minClosedSeconds: Type.Number({
      default: 0,
      minimum: 0,
      description:
        'closed loop: goes on past its requests until so long; CPU time per request needs a second or two to be steady',
    }),
    warmupRequests: Type.Integer({ default: 100, minimum: 0, description: 'discarded before each scenario' }),
    maxWarmupSeconds: Type.Number({
      default: 5,
      minimum: 0,
      description: 'warm-up goes on until latency is steady, no longer than this',
    }),
    generatorWarmupSeconds: Type.Number({
      default: 0.5,
      exclusiveMinimum: 0,
      description: 'closed loop: the generator’s process loads so long, discarded, before it counts',
    }),
    cooldownSeconds: Type.Number({ default: 0.5, minimum: 0, description: 'pause after each trial' }),
    ceilingSeconds: Type.Number({
      default: 1,
      exclusiveMinimum: 0,
      description: 'how long the generator’s own ceiling is measured per scenario',
    }),
  },
  { additionalProperties: false },
);
/** A load profile as read, with its id. */
export type LoadProfile = Static<typeof LoadProfile> & { id: string };
