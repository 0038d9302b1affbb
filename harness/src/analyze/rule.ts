// The port to a rule: pure, from the result to findings. One file per rule.
import { type Static, Type } from 'typebox';
import type { RunResult } from '../result/result.ts';
import type { SloResult } from './analysis.ts';

export const Finding = Type.Object(
  {
    rule: Type.String(),
    priority: Type.Union([Type.Literal('high'), Type.Literal('medium'), Type.Literal('low')]),
    title: Type.String({ description: 'what is wrong, one sentence with its figure' }),
    evidence: Type.Array(Type.String(), { description: 'figures with unit, sample count and source' }),
    next: Type.Array(Type.String(), { description: 'what to type or change next' }),
    scenario: Type.Union([Type.String(), Type.Null()]),
  },
  { additionalProperties: false },
);
export type Finding = Static<typeof Finding>;

export interface Rule {
  id: string;
  title: string;
  /** Empty when there is nothing to say. Must not throw on missing artifacts; what it throws becomes "not available, because …". */
  evaluate(result: RunResult, slos: SloResult[]): Finding[];
}
