import { PerfConfig } from '../plan/config.ts';
import type { RunResult } from '../result/result.ts';
import { parsePart } from './parse-part.ts';

/** The configuration that the result was made with. @throws RESULT_INVALID with every fault */
export function configOf(result: Pick<RunResult, 'id' | 'config'>): PerfConfig {
  return parsePart(PerfConfig, result.config ?? {}, `${result.id} /config`);
}
