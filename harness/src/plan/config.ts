// perf.config.yaml: what `npm run perf` runs when nothing else is said. `-c FILE` takes another.
import { type Static, Type } from 'typebox';

export const PerfConfig = Type.Object(
  {
    profile: Type.String({ default: 'medium', description: 'load profile: a file in scenarios/load-profiles/' }),
    infrastructure: Type.String({
      default: 'embedded',
      description: 'infrastructure profile: a file in infra-profiles/',
    }),
    scenarios: Type.Record(
      Type.String(),
      Type.Object(
        {
          enabled: Type.Boolean({ default: true }),
          slos: Type.Record(Type.String(), Type.Number(), {
            default: {},
            description: 'replace the scenario’s own targets',
          }),
        },
        { additionalProperties: false },
      ),
      { default: {}, description: 'by scenario id; a scenario that is not named is enabled' },
    ),
    monitoring: Type.Object(
      {
        enabled: Type.Boolean({ default: true }),
        intervalSeconds: Type.Number({ default: 1, minimum: 0.1, description: 'every collector samples so often' }),
      },
      { additionalProperties: false, default: {} },
    ),
    reporting: Type.Object(
      {
        enabled: Type.Boolean({ default: true }),
        charts: Type.Boolean({ default: true, description: 'draw charts; the tables stand in any case' }),
      },
      { additionalProperties: false, default: {} },
    ),
    gate: Type.Object(
      {
        thresholdPercent: Type.Object(
          {
            latency: Type.Number({ default: 10, exclusiveMinimum: 0 }),
            throughput: Type.Number({ default: 10, exclusiveMinimum: 0 }),
            cpu: Type.Number({ default: 10, exclusiveMinimum: 0, description: 'CPU time per request' }),
          },
          { additionalProperties: false, default: {}, description: 'the smallest change that matters' },
        ),
        alpha: Type.Number({
          default: 0.05,
          exclusiveMinimum: 0,
          exclusiveMaximum: 0.5,
          description: 'family-wise error rate of one gate, after Holm’s correction',
        }),
        metrics: Type.Array(Type.String(), {
          default: ['latency.p50', 'latency.p95', 'throughput', 'cpu.per_request', 'errors.rate'],
          description: 'what a comparison tests, for every scenario that has it',
        }),
        mustDecide: Type.Array(Type.String(), {
          default: ['cpu.per_request'],
          description:
            'metrics whose comparison has to be able to see a change of twice the threshold; otherwise the verdict is undecided (exit 4)',
        }),
      },
      { additionalProperties: false, default: {} },
    ),
  },
  { additionalProperties: false, default: {} },
);
export type PerfConfig = Static<typeof PerfConfig>;
