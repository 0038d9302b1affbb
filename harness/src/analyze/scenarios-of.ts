// A result carries its scenarios as resolved; they are outside data and parsed where they are used.
import { ParseError, parse } from '@gatebench/gateway/parse';
import { Type } from 'typebox';
import { HarnessError } from '../errors.ts';
import { Scenario } from '../plan/scenario.ts';
import type { RunResult } from '../result/result.ts';

const WithId = Type.Intersect([Type.Object({ id: Type.String() }), Type.Object({ ...Scenario.properties })]);
const Scenarios = Type.Array(WithId);

/** @throws RESULT_INVALID with every fault */
export function scenariosOf(result: Pick<RunResult, 'id' | 'scenarios'>): Scenario[] {
  try {
    return parse(Scenarios, result.scenarios, `${result.id} /scenarios`);
  } catch (cause) {
    if (cause instanceof ParseError) throw new HarnessError('RESULT_INVALID', { detail: cause.message, cause });
    throw cause;
  }
}
