// The one door to everything that is derived from a result. Pure: the same result and baseline give the same analysis.
import { HarnessError } from '../errors.ts';
import { checkSloNames } from '../metrics.ts';
import type { PerfConfig } from '../plan/config.ts';
import type { RunResult } from '../result/result.ts';
import type { Analysis, Comparison } from './analysis.ts';
import { compare, compareSubjects } from './compare.ts';
import { configOf } from './config-of.ts';
import { readFigures } from './figures.ts';
import { readOverheads } from './overhead.ts';
import { evaluateRules } from './rules/index.ts';
import { scenariosOf } from './scenarios-of.ts';
import { judgeSlos } from './slos.ts';
import { judgeGate } from './verdict.ts';

export interface AnalyzeOptions {
  /** A kept baseline or another run to compare with; the run is `after`. */
  baseline?: RunResult;
  /** What the baseline is called in the report; its run folder's name otherwise. */
  baselineName?: string;
  /** Compare although machine, profile, scenarios or tools differ. */
  force?: boolean;
  /** The configuration of now; without it that of the run. */
  config?: PerfConfig;
}

/**
 * Figures, SLOs, overheads, findings, comparison and verdict of a result. With `baseline` it is compared with that;
 * otherwise, when it holds two subjects, these are compared in pairs.
 * A baseline that does not fit (and no `force`) is no error here: the run's own figures are wanted all the same; the verdict says what differs.
 * @throws RESULT_INVALID, SCENARIO_INVALID
 */
export function analyze(result: RunResult, options: AnalyzeOptions = {}): Analysis {
  const config = options.config ?? configOf(result);
  const scenarios = scenariosOf(result);
  checkSloNames(scenarios);
  const figures = readFigures(result, scenarios);
  const overheads = readOverheads(result, scenarios);
  const slos = judgeSlos(result, scenarios, figures, overheads);
  const { comparison, refused } = compareAsAsked(result, config, options);
  const findings = evaluateRules(result, slos);
  const verdict = judgeGate({ result, slos, findings, comparison, refused, mustDecide: config.gate.mustDecide });
  return { result, scenarios, figures, slos, overheads, findings, comparison, verdict };
}

function compareAsAsked(
  result: RunResult,
  config: PerfConfig,
  options: AnalyzeOptions,
): { comparison: Comparison | null; refused: string | null } {
  // A run that ended before anything was started has nothing to compare: what ended it is the news.
  if (result.subjects.length === 0) return { comparison: null, refused: null };
  const { baseline, baselineName, force = false } = options;
  if (baseline === undefined) {
    const paired = result.subjects.length > 1;
    return { comparison: paired ? compareSubjects(result, config.gate) : null, refused: null };
  }
  const names = baselineName === undefined ? {} : { names: { before: baselineName } };
  try {
    return { comparison: compare(baseline, result, config.gate, { force, ...names }), refused: null };
  } catch (error) {
    if (!(error instanceof HarnessError) || error.code !== 'COMPARISON_REFUSED') throw error;
    return { comparison: null, refused: `${error.message}\nHint: ${error.hint}` };
  }
}
