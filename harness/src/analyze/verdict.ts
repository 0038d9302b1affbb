// Findings, SLOs, comparison and the run's own status → verdict and exit code. When several codes apply: 130, 2, 3, 1, 4, 0.

import { errors } from '../errors.ts';
import { formatFigure } from '../metrics.ts';
import type { RunResult } from '../result/result.ts';
import type { Comparison, ComparisonRow, SloResult, Verdict } from './analysis.ts';
import type { Finding } from './rule.ts';

export interface GateInput {
  result: RunResult;
  slos: SloResult[];
  /** Advice only: a finding never changes the exit code, a high one is named beside a failure. */
  findings: Finding[];
  comparison: Comparison | null;
  /** Why a comparison that was asked for was refused; null when it was not. */
  refused: string | null;
  /** Metrics of which every compared row has to be decided. */
  mustDecide: string[];
}

const precedence = [130, 2, 3, 1, 4, 0];

interface Reason {
  exitCode: number;
  status: Verdict['status'];
  text: string;
}

/** Pure. Reasons come in the order of precedence; a pass names what was judged. */
export function judgeGate(input: GateInput): Verdict {
  const reasons = [
    ...statusReasons(input.result),
    ...notRunReasons(input.result),
    ...sloReasons(input.slos),
    ...comparisonReasons(input.comparison, input.mustDecide),
    ...(input.refused === null ? [] : [{ exitCode: 4, status: 'invalid' as const, text: input.refused }]),
    ...invalidReasons(input.slos),
  ];
  return decide(reasons, passText(input));
}

/** Of a comparison alone, as `harness compare` makes it. */
export function judgeComparison(comparison: Comparison, mustDecide: string[]): Verdict {
  return decide(comparisonReasons(comparison, mustDecide), comparedText(comparison, mustDecide));
}

function decide(reasons: Reason[], passed: string): Verdict {
  const ordered = reasons.sort((a, b) => precedence.indexOf(a.exitCode) - precedence.indexOf(b.exitCode));
  const [first] = ordered;
  if (first === undefined) return { status: 'pass', exitCode: 0, reasons: [passed] };
  return { status: first.status, exitCode: first.exitCode, reasons: ordered.map((reason) => reason.text) };
}

function statusReasons({ status, failure }: RunResult): Reason[] {
  if (status === 'interrupted') {
    return [
      { exitCode: 130, status: 'interrupted', text: 'the run was interrupted; what was measured until then is kept' },
    ];
  }
  if (status !== 'failed') return [];
  const known = Object.entries(errors).find(([code]) => code === failure?.code)?.[1];
  const text = failure === null ? 'the run failed' : `the run failed: ${failure.message}`;
  return [{ exitCode: known?.exitCode ?? 3, status: 'error', text }];
}

/** A planned trial that did not run: infrastructure or generator was missing (an interrupted run says so already). */
function notRunReasons(result: RunResult): Reason[] {
  if (result.status === 'interrupted') return [];
  const byReason = new Map<string, string[]>();
  for (const trial of result.trials.filter((each) => each.status === 'not-run')) {
    const reason = trial.reason ?? 'no reason is known';
    byReason.set(reason, [...(byReason.get(reason) ?? []), `${trial.scenario} (${trial.loop})`]);
  }
  return [...byReason].map(([reason, trials]) => ({
    exitCode: 3,
    status: 'error' as const,
    text: `${trials.length} trial${trials.length === 1 ? '' : 's'} did not run, ${reason}: ${shorten([...new Set(trials)])}`,
  }));
}

function shorten(names: string[]): string {
  return names.length > 6 ? `${names.slice(0, 6).join(', ')} and ${names.length - 6} more` : names.join(', ');
}

function sloReasons(slos: SloResult[]): Reason[] {
  return slos
    .filter((slo) => slo.status === 'missed')
    .map((slo) => ({ exitCode: 1, status: 'fail', text: `SLO missed: ${slo.scenario} ${slo.metric}: ${slo.reason}` }));
}

function comparisonReasons(comparison: Comparison | null, mustDecide: string[]): Reason[] {
  if (comparison === null) return [];
  const regressions = comparison.rows
    .filter((row) => row.status === 'regression')
    .map((row): Reason => ({ exitCode: 1, status: 'fail', text: `regression: ${describeRow(row)}` }));
  const open = comparison.rows
    .filter((row) => mustDecide.includes(row.metric) && isOpen(row, comparison.alpha))
    .map(
      (row): Reason => ({
        exitCode: 4,
        status: 'undecided',
        text: `undecided: ${describeRow(row)}${row.reason === null ? '' : `: ${row.reason}`}`,
      }),
    );
  return [...regressions, ...open];
}

/** A change of so many thresholds has to be visible, or the gate was blind. */
const MUST_SEE_THRESHOLDS = 2;

/**
 * Whether a row that has to be decided is not: it was not compared, or it may be worse than the threshold and either is surely somewhat
 * worse, or is so noisy that not even twice the threshold was sure to be seen. Any other row whose interval reaches beyond the threshold
 * stays "undecided" in the table; to fail gates for it would fail most gates without a change.
 */
function isOpen(row: ComparisonRow, alpha: number): boolean {
  if (row.status === 'not-compared') return true;
  if (row.status !== 'undecided') return false;
  if ((row.pAdjusted ?? 1) <= alpha || row.smallestVisiblePercent === null) return true;
  return row.smallestVisiblePercent > MUST_SEE_THRESHOLDS * row.thresholdPercent;
}

function describeRow(row: ComparisonRow): string {
  const name = `${row.scenario} ${row.metric}`;
  if (row.before === null || row.after === null) return name;
  const change = row.ratio === null ? '' : ` (${signed(100 * (row.ratio - 1))} %${intervalText(row.interval)})`;
  return `${name} ${formatFigure(row.metric, row.before)} → ${formatFigure(row.metric, row.after)}${change}`;
}

function intervalText(interval: ComparisonRow['interval']): string {
  return interval === null
    ? ''
    : `, interval ${signed(100 * (interval[0] - 1))} to ${signed(100 * (interval[1] - 1))} %`;
}

function signed(percent: number): string {
  return `${percent >= 0 ? '+' : '−'}${Math.abs(percent).toFixed(1)}`;
}

/** SLOs of one invalid trial share its reason: one line for all of them. */
function invalidReasons(slos: SloResult[]): Reason[] {
  const byReason = new Map<string, string[]>();
  for (const { status, reason, metric } of slos) {
    if (status !== 'invalid') continue;
    const text = reason ?? 'no reason is known';
    byReason.set(text, [...(byReason.get(text) ?? []), metric]);
  }
  return [...byReason].map(([reason, names]) => ({
    exitCode: 4,
    status: 'invalid',
    text: `invalid measurement: ${reason}; it leaves open: ${[...new Set(names)].join(', ')}`,
  }));
}

function passText({ slos, comparison, mustDecide }: GateInput): string {
  const met = slos.filter((slo) => slo.status === 'met').length;
  const open = slos.length - met;
  const judged = `all ${met} SLOs that this run could judge are met${open > 0 ? `, ${open} were not judged` : ''}`;
  return comparison === null ? judged : `${judged}; ${comparedText(comparison, mustDecide)}`;
}

/** Says how much the weakest of the rows that count could have seen: "no regression" alone may mean "blind". */
function comparedText(comparison: Comparison, mustDecide: string[]): string {
  const compared = comparison.rows.filter((row) => row.status !== 'not-compared').length;
  const visible = comparison.rows
    .filter((row) => mustDecide.includes(row.metric))
    .flatMap((row) => row.smallestVisiblePercent ?? []);
  const seen =
    visible.length === 0
      ? ''
      : `; each ${mustDecide.join(' and ')} would have shown +${Math.ceil(Math.max(...visible))} %`;
  return `no regression among ${compared} comparisons with ${comparison.before}${seen}`;
}
