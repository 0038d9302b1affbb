// Compares two results (unpaired rounds) or the two subjects of one result (interleaved pairs). Method and proof: docs/statistics.md.
import { HarnessError } from '../errors.ts';
import type { PerfConfig } from '../plan/config.ts';
import type { SubjectName } from '../plan/plan.ts';
import type { RunResult, Subject } from '../result/result.ts';
import type { Comparison } from './analysis.ts';
import { decideRows } from './decide-rows.ts';
import { findMismatches, refuseMismatches, subjectDifferences } from './match.ts';
import { scenariosOf } from './scenarios-of.ts';
import { type Side, testRow } from './test-row.ts';

export interface CompareOptions {
  /** Compare although what should be the same is not; the mismatches are listed. */
  force?: boolean;
  /** What the two are called in the report; their run folders' names otherwise. */
  names?: { before?: string; after?: string };
}

function subjectOf(result: RunResult, name: SubjectName): Subject {
  const subject = result.subjects.find((each) => each.name === name);
  if (subject !== undefined) return subject;
  throw new HarnessError('RESULT_INVALID', { detail: `${result.id} has no subject '${name}'` });
}

/**
 * The current subjects of two results; the seed of the resampling is that of `after`.
 * @throws COMPARISON_REFUSED with everything that differs, unless forced
 */
export function compare(
  before: RunResult,
  after: RunResult,
  gate: PerfConfig['gate'],
  options: CompareOptions = {},
): Comparison {
  if (options.force !== true) refuseMismatches(before, after);
  const infrastructure =
    before.plan.infrastructure === after.plan.infrastructure
      ? []
      : [{ what: 'infrastructure profile', before: before.plan.infrastructure, after: after.plan.infrastructure }];
  return {
    before: options.names?.before ?? before.id,
    after: options.names?.after ?? after.id,
    paired: false,
    alpha: gate.alpha,
    subject: [...infrastructure, ...subjectDifferences(subjectOf(before, 'current'), subjectOf(after, 'current'))],
    mismatches: findMismatches(before, after),
    rows: rowsOf({ result: before, subject: 'current' }, { result: after, subject: 'current' }, gate, false),
  };
}

/** The two builds of an `--against` run: `reference` before, `current` after. */
export function compareSubjects(result: RunResult, gate: PerfConfig['gate']): Comparison {
  const reference = subjectOf(result, 'reference');
  const current = subjectOf(result, 'current');
  return {
    before: result.plan.against ?? reference.build,
    after: current.build,
    paired: true,
    alpha: gate.alpha,
    subject: subjectDifferences(reference, current),
    mismatches: [],
    rows: rowsOf({ result, subject: 'reference' }, { result, subject: 'current' }, gate, true),
  };
}

/**
 * Every metric of the gate for every scenario of `after` on the gateway. Scenarios on the MCP servers themselves are not compared: they
 * do not pass the subject.
 */
function rowsOf(before: Side, after: Side, gate: PerfConfig['gate'], paired: boolean): Comparison['rows'] {
  const scenarios = scenariosOf(after.result).filter((scenario) => scenario.target === 'gateway');
  const tested = scenarios.flatMap((scenario) =>
    gate.metrics.flatMap((metric) => testRow(scenario, metric, before, after, gate, paired)),
  );
  return decideRows(tested, gate.alpha);
}
