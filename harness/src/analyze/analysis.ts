// Everything that is derived from a result: figures, SLOs, overhead, findings, comparison, verdict. What reports show.
import { type Static, type TSchema, Type } from 'typebox';
import { Loop, SubjectName } from '../plan/plan.ts';
import type { Scenario } from '../plan/scenario.ts';
import type { RunResult } from '../result/result.ts';
import type { Finding } from './rule.ts';

const Nullable = <S extends TSchema>(schema: S) => Type.Union([schema, Type.Null()]);
const strict = { additionalProperties: false } as const;

/** A figure over all valid rounds of one subject: the median of the rounds (pooled histogram for percentiles). */
export const Figure = Type.Object(
  {
    scenario: Type.String(),
    subject: SubjectName,
    metric: Type.String({ description: 'id in metrics.ts' }),
    loop: Nullable(Loop),
    unit: Type.String(),
    value: Nullable(Type.Number({ description: 'null: it lies among the lost samples, above every measured one' })),
    interval: Nullable(
      Type.Tuple([Nullable(Type.Number()), Nullable(Type.Number())], {
        description: '95 %; an end of null is beyond the samples',
      }),
    ),
    samples: Type.Integer(),
    rounds: Type.Integer(),
    source: Type.String({ description: 'how it was read: "k6, open loop at 150/s, from the intended start"' }),
    valid: Type.Boolean({ description: 'every round it comes from is valid' }),
    reason: Nullable(Type.String({ description: 'why not valid' })),
  },
  strict,
);
export type Figure = Static<typeof Figure>;

export const SloResult = Type.Object(
  {
    scenario: Type.String(),
    metric: Type.String(),
    unit: Type.String(),
    target: Type.Number(),
    actual: Nullable(Type.Number()),
    marginPercent: Nullable(Type.Number({ description: 'positive: room left' })),
    status: Type.Union([
      Type.Literal('met'),
      Type.Literal('missed'),
      Type.Literal('not-judged'),
      Type.Literal('invalid'),
      Type.Literal('not-run'),
    ]),
    reason: Nullable(Type.String()),
  },
  strict,
);
export type SloResult = Static<typeof SloResult>;

export const ComparisonRow = Type.Object(
  {
    scenario: Type.String(),
    metric: Type.String(),
    unit: Type.String(),
    better: Type.Union([Type.Literal('lower'), Type.Literal('higher')]),
    before: Nullable(Type.Number()),
    after: Nullable(Type.Number()),
    ratio: Nullable(Type.Number({ description: 'after ÷ before' })),
    interval: Nullable(
      Type.Tuple([Type.Number(), Type.Number()], { description: 'of the ratio, simultaneous after Holm’s correction' }),
    ),
    pValue: Nullable(Type.Number()),
    pAdjusted: Nullable(Type.Number({ description: 'Holm' })),
    thresholdPercent: Type.Number(),
    smallestVisiblePercent: Nullable(
      Type.Number({ description: 'the smallest change that this comparison could have seen (80 % power)' }),
    ),
    rounds: Type.Tuple([Type.Integer(), Type.Integer()]),
    status: Type.Enum(['regression', 'improvement', 'no-change', 'undecided', 'not-compared']),
    reason: Nullable(Type.String()),
  },
  strict,
);
export type ComparisonRow = Static<typeof ComparisonRow>;

export const Comparison = Type.Object(
  {
    before: Type.String({ description: 'name of the baseline, run or git reference' }),
    after: Type.String(),
    paired: Type.Boolean({ description: 'interleaved pairs of one run' }),
    alpha: Type.Number(),
    subject: Type.Array(Type.Object({ what: Type.String(), before: Type.String(), after: Type.String() }, strict), {
      description: 'what differs between the two on purpose; heads the report',
    }),
    mismatches: Type.Array(Type.Object({ what: Type.String(), before: Type.String(), after: Type.String() }, strict), {
      description: 'what should have been the same; not empty only when forced',
    }),
    rows: Type.Array(ComparisonRow),
  },
  strict,
);
export type Comparison = Static<typeof Comparison>;

/** The gateway's overhead: through the gateway minus directly, same requests, same rate. */
export const Overhead = Type.Object(
  {
    scenario: Type.String(),
    direct: Type.String(),
    subject: SubjectName,
    rows: Type.Array(
      Type.Object(
        {
          metric: Type.String(),
          gatewayMs: Nullable(Type.Number()),
          directMs: Nullable(Type.Number()),
          differenceMs: Nullable(Type.Number()),
          interval: Nullable(Type.Tuple([Type.Number(), Type.Number()])),
        },
        strict,
      ),
    ),
  },
  strict,
);
export type Overhead = Static<typeof Overhead>;

export const Verdict = Type.Object(
  {
    status: Type.Enum(['pass', 'fail', 'undecided', 'invalid', 'interrupted', 'error']),
    exitCode: Type.Integer(),
    reasons: Type.Array(Type.String(), { description: 'most important first; never empty' }),
  },
  strict,
);
export type Verdict = Static<typeof Verdict>;

export interface Analysis {
  result: RunResult;
  scenarios: Scenario[];
  figures: Figure[];
  slos: SloResult[];
  overheads: Overhead[];
  findings: Finding[];
  comparison: Comparison | null;
  verdict: Verdict;
}
