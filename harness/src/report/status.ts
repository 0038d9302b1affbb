// How each status is written: words and a mark, so that colour only repeats what is said.
import type { ComparisonRow, SloResult, Verdict } from '../analyze/analysis.ts';
import type { Cell, Tone } from './table.ts';

interface StatusWords {
  text: string;
  mark: string;
  tone: Tone;
}

export const sloStatuses: Record<SloResult['status'], StatusWords> = {
  met: { text: 'met', mark: '✓', tone: 'good' },
  missed: { text: 'missed', mark: '✗', tone: 'bad' },
  'not-run': { text: 'not run', mark: '⊘', tone: 'bad' },
  invalid: { text: 'invalid', mark: '!', tone: 'warn' },
  'not-judged': { text: 'not judged', mark: '○', tone: 'muted' },
};

export const comparisonStatuses: Record<ComparisonRow['status'], StatusWords> = {
  regression: { text: 'regression', mark: '✗', tone: 'bad' },
  undecided: { text: 'undecided', mark: '?', tone: 'warn' },
  'not-compared': { text: 'not compared', mark: '○', tone: 'muted' },
  improvement: { text: 'improvement', mark: '✓', tone: 'good' },
  'no-change': { text: 'no change', mark: '=', tone: 'muted' },
};

export const verdictStatuses: Record<Verdict['status'], StatusWords> = {
  pass: { text: 'Passed', mark: '✓', tone: 'good' },
  fail: { text: 'Failed', mark: '✗', tone: 'bad' },
  undecided: { text: 'Undecided', mark: '?', tone: 'warn' },
  invalid: { text: 'Invalid', mark: '!', tone: 'warn' },
  interrupted: { text: 'Interrupted', mark: '⊘', tone: 'warn' },
  error: { text: 'Error', mark: '✗', tone: 'bad' },
};

export function toBadge({ text, mark, tone }: StatusWords): Cell {
  return { text, mark, tone };
}

export const notRunBadge: Cell = toBadge(sloStatuses['not-run']);
export const invalidBadge: Cell = toBadge(sloStatuses.invalid);

/** The order in which a reader wants them: what needs action first. */
export function byOrder<T extends string>(order: Record<T, unknown>): (status: T) => number {
  const places = new Map(Object.keys(order).map((status, place) => [status, place]));
  return (status) => places.get(status) ?? places.size;
}

/** What needs action first. */
export const sloRank = byOrder<SloResult['status']>({
  missed: 0,
  'not-run': 0,
  invalid: 0,
  'not-judged': 0,
  met: 0,
});
export const comparisonRank = byOrder<ComparisonRow['status']>(comparisonStatuses);
