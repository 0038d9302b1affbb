import { Type } from 'typebox';
import { Scenario } from '../plan/scenario.ts';
import type { RunResult } from '../result/result.ts';
import { parsePart } from './parse-part.ts';

const WithId = Type.Intersect([Type.Object({ id: Type.String() }), Type.Object({ ...Scenario.properties })]);
const Scenarios = Type.Array(WithId);

/** @throws RESULT_INVALID with every fault */
export function scenariosOf(result: Pick<RunResult, 'id' | 'scenarios'>): Scenario[] {
  return parsePart(Scenarios, result.scenarios, `${result.id} /scenarios`);
}
