// The table at the end of a run: one line per scenario, then the verdict. Fits 100 columns; colours only on a terminal.
import picocolors from 'picocolors';
import type { Analysis, SloResult } from '../analyze/analysis.ts';
import type { Loop } from '../plan/plan.ts';
import type { Scenario } from '../plan/scenario.ts';
import { createContext, hasLoad, type ReportContext } from './context.ts';
import { formatAdaptive, formatChange, formatMetric, formatPercent, NONE, titleOf } from './format.ts';
import { sortedRows } from './sections/comparison.ts';
import { complianceOf } from './sections/summary.ts';
import { comparisonStatuses, sloRank, sloStatuses, verdictStatuses } from './status.ts';
import type { Tone } from './table.ts';

export interface TerminalOptions {
  /** By default as the terminal on stderr, where this is printed, can show. */
  colors?: boolean;
}

const columns = [
  { title: 'Scenario', width: 28 },
  { title: 'Load', width: 8 },
  { title: 'p50 ms', width: 7 },
  { title: 'p95 ms', width: 7 },
  { title: 'p99 ms', width: 7 },
  { title: 'right/s', width: 7 },
  { title: 'err %', width: 6 },
  { title: 'CPU ms', width: 6 },
] as const;
const GAP = 1;
const MOST_LINES = 12;

/** Whole text without a newline at its end. Latency of "…/s" lines is from the intended start, of "… conn" lines from the send. */
export function renderTerminal(analysis: Analysis, options: TerminalOptions = {}): string {
  const paint = createPaint(options.colors ?? (process.stderr.isTTY === true && picocolors.isColorSupported));
  const context = createContext(analysis);
  const lines = [
    paint.dim(`${columns.map(({ title, width }, place) => pad(title, width, place > 0)).join(' '.repeat(GAP))}  SLOs`),
  ];
  for (const scenario of analysis.scenarios) {
    for (const loop of ['open', 'closed'] as const) {
      const line = scenarioLine(context, scenario, loop, paint);
      if (line !== null) lines.push(line);
    }
  }
  return [
    ...lines,
    ...attentionLines(context, paint),
    ...comparisonLines(context, paint),
    '',
    ...verdictLines(analysis, paint),
  ].join('\n');
}

function scenarioLine(context: ReportContext, scenario: Scenario, loop: Loop, paint: Paint): string | null {
  const trials = context.trials(scenario.id, 'current', loop);
  if (trials.length === 0) return null;
  const [first] = trials.filter(hasLoad);
  const name = pad(scenario.title, columns[0].width, false);
  if (first === undefined) {
    const reason = trials[0]?.reason ?? 'no reason was recorded';
    const text = `${name} ${pad(loop, columns[1].width, true)}  ⊘ NOT RUN: ${reason}`;
    return paint.tone('bad', clip(text, 100));
  }
  const value = (metric: string) => {
    const figure = context.figure(scenario.id, 'current', metric);
    return figure === undefined ? NONE : formatMetric(metric, figure.value);
  };
  const ran = trials.filter(hasLoad);
  const failed = ran.reduce((sum, trial) => sum + trial.load.failed, 0);
  const total = ran.reduce((sum, trial) => sum + trial.load.failed + trial.load.succeeded, 0);
  const family = loop === 'open' ? 'latency' : 'service';
  const planned = context.analysis.result.plan.trials.find((each) => each.id === first.id);
  const cells = [
    loop === 'open' ? `${formatAdaptive(first.load.offeredRate ?? 0, 1)}/s` : `${planned?.concurrency ?? '?'} conn`,
    value(`${family}.p50`),
    value(`${family}.p95`),
    value(`${family}.p99`),
    loop === 'open' ? formatAdaptive(rightPerSecond(ran), 0) : value('throughput'),
    total === 0 ? NONE : formatPercent((100 * failed) / total, 2),
    loop === 'closed' ? value('cpu.per_request') : NONE,
  ];
  const invalid = !ran.some((trial) => trial.validity?.verdict === 'valid');
  const row = [name, ...cells.map((cell, place) => pad(cell, columns[place + 1]?.width ?? 7, true))].join(
    ' '.repeat(GAP),
  );
  return `${row}  ${invalid ? paint.tone('warn', '! invalid') : sloCell(context.analysis, scenario.id, loop, paint)}`;
}

function rightPerSecond(ran: { load: { succeeded: number; durationSeconds: number } }[]): number {
  const seconds = ran.reduce((sum, { load }) => sum + load.durationSeconds, 0);
  return seconds === 0 ? 0 : ran.reduce((sum, { load }) => sum + load.succeeded, 0) / seconds;
}

/** The worst status of the scenario's objectives that this loop answers for; errors are told with the open loop. */
function sloCell(analysis: Analysis, scenario: string, loop: Loop, paint: Paint): string {
  const own = analysis.slos.filter((slo) => slo.scenario === scenario && loopOf(slo) === loop);
  if (own.length === 0) return paint.dim(NONE);
  const worst = own.reduce((least, slo) => (sloRank(slo.status) < sloRank(least.status) ? slo : least));
  const { mark, tone, text } = sloStatuses[worst.status];
  const met = own.filter((slo) => slo.status === 'met').length;
  return paint.tone(tone, worst.status === 'met' ? `${mark} ${met}/${own.length}` : `${mark} ${text}`);
}

function loopOf({ metric }: SloResult): Loop {
  return metric === 'throughput' || metric.startsWith('cpu.') || metric.startsWith('service.') ? 'closed' : 'open';
}

function attentionLines({ analysis, title }: ReportContext, paint: Paint): string[] {
  const bad = analysis.slos
    .filter((slo) => slo.status !== 'met' && slo.status !== 'not-judged')
    .sort((one, other) => sloRank(one.status) - sloRank(other.status));
  if (bad.length === 0) return [];
  const lines = bad.slice(0, MOST_LINES).map((slo) => {
    const { mark, text, tone } = sloStatuses[slo.status];
    return paint.tone(
      tone,
      clip(`${mark} SLO ${text}: ${title(slo.scenario)}, ${titleOf(slo.metric)}: ${slo.reason ?? ''}`, 100),
    );
  });
  return ['', ...lines, ...more(bad.length, paint)];
}

function comparisonLines({ analysis, title }: ReportContext, paint: Paint): string[] {
  const { comparison } = analysis;
  if (comparison === null) return [];
  const told = sortedRows(comparison).filter((row) => row.status !== 'no-change' && row.status !== 'not-compared');
  const lines = told.slice(0, MOST_LINES).map((row) => {
    const { mark, text, tone } = comparisonStatuses[row.status];
    const change = `${formatMetric(row.metric, row.before)} → ${formatMetric(row.metric, row.after)} (${formatChange(row.ratio)})`;
    return paint.tone(tone, clip(`${mark} ${text}: ${title(row.scenario)}, ${titleOf(row.metric)}: ${change}`, 100));
  });
  return [
    '',
    clip(`Compared with ${comparison.before}: ${comparison.rows.length} figures`, 100),
    ...lines,
    ...more(told.length, paint),
  ];
}

function more(count: number, paint: Paint): string[] {
  return count > MOST_LINES ? [paint.dim(`  and ${count - MOST_LINES} more, see the report`)] : [];
}

function verdictLines(analysis: Analysis, paint: Paint): string[] {
  const { verdict } = analysis;
  const { mark, text, tone } = verdictStatuses[verdict.status];
  const { met, due, notJudged } = complianceOf(analysis);
  return [
    paint.bold(paint.tone(tone, `${mark} ${text}`)) +
      paint.dim(
        `  ${met} of ${due} SLOs met${notJudged === 0 ? '' : `, ${notJudged} not judged`}, exit code ${verdict.exitCode}`,
      ),
    ...verdict.reasons.slice(0, 5).map((reason) => clip(`  ${reason.replace(/\s+/g, ' ')}`, 100)),
  ];
}

interface Paint {
  tone(tone: Tone, text: string): string;
  dim(text: string): string;
  bold(text: string): string;
}

function createPaint(enabled: boolean): Paint {
  const colors = picocolors.createColors(enabled);
  const tones: Record<Tone, (text: string) => string> = {
    good: colors.green,
    bad: colors.red,
    warn: colors.yellow,
    muted: colors.dim,
  };
  return { tone: (tone, text) => tones[tone](text), dim: colors.dim, bold: colors.bold };
}

function pad(text: string, width: number, right: boolean): string {
  const clipped = clip(text, width);
  return right ? clipped.padStart(width) : clipped.padEnd(width);
}

/** Also takes control characters out: texts of servers must not steer a terminal. */
function clip(text: string, width: number): string {
  const plain = [...text].map((character) => (/\p{Cc}/u.test(character) ? ' ' : character));
  return plain.length <= width ? plain.join('') : `${plain.slice(0, width - 1).join('')}…`;
}
