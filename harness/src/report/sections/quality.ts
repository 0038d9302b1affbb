// Whether the figures may be believed: every trial's checks, the generator's ceilings, what watched and what it cost.
import { Value } from 'typebox/value';
import { LogErrors } from '../../collect/log-errors.ts';
import type { TrialResult } from '../../result/result.ts';
import type { ReportContext } from '../context.ts';
import { formatAdaptive, formatCount, formatNumber, formatPlural, NONE } from '../format.ts';
import type { Block, Section } from '../section.ts';
import { invalidBadge, notRunBadge } from '../status.ts';
import { type Cell, createTable, type Table } from '../table.ts';

export function qualitySection(context: ReportContext): Section {
  const { result } = context.analysis;
  const blocks: Block[] = [flawTable(context), checkTable(context), ceilingTable(context), collectorTable(context)];
  const log = logTable(context);
  if (log !== null) blocks.push(log);
  if (result.environment.advice.length > 0) {
    blocks.push({
      kind: 'list',
      items: result.environment.advice.map((text) => ({ term: 'This machine', text })),
    });
  }
  return {
    id: 'quality',
    title: 'Measurement quality',
    lead: 'An invalid trial is never “passed”. Each trial records what could have spoilt it: the generator keeping its rate, its own ceiling, stolen CPU time, warm-up, wrong answers, connection reuse.',
    blocks,
  };
}

function nameOf({ title, twoSubjects, analysis }: ReportContext, trial: TrialResult): string {
  const round = analysis.result.plan.rounds > 1 ? `, round ${trial.round}` : '';
  return `${title(trial.scenario)}, ${trial.loop}${twoSubjects ? `, ${trial.subject}` : ''}${round}`;
}

/** What is wrong, in one place: invalid, not run, and warnings. */
function flawTable(context: ReportContext): Table {
  const rows = context.analysis.result.trials.flatMap((trial): Cell[][] => {
    if (trial.status === 'not-run') {
      return [
        [
          notRunBadge,
          { text: nameOf(context, trial) },
          { text: trial.reason ?? 'no reason was recorded' },
          { text: NONE },
        ],
      ];
    }
    return (trial.validity?.checks ?? [])
      .filter((check) => !check.passed)
      .map((check) => [
        check.fatal ? invalidBadge : { text: 'warning', mark: '!', tone: 'muted' as const },
        { text: nameOf(context, trial) },
        { text: `${check.id}: ${check.seen}` },
        { text: check.expected },
      ]);
  });
  const valid = context.analysis.result.trials.filter((trial) => trial.validity?.verdict === 'valid').length;
  return createTable(
    `What was not as it should be (${formatPlural(valid, 'valid trial')} of ${context.analysis.result.trials.length})`,
    [{ title: 'Status' }, { title: 'Trial', header: true }, { title: 'Seen' }, { title: 'Expected' }],
    rows.length === 0
      ? [[{ text: 'nothing', mark: '✓', tone: 'good' }, 'all trials', 'every check passed', NONE]]
      : rows,
  );
}

/** One row per trial, one column per check. */
function checkTable(context: ReportContext): Table {
  const { trials } = context.analysis.result;
  const ids = [...new Set(trials.flatMap((trial) => trial.validity?.checks.map((check) => check.id) ?? []))];
  return createTable(
    'Every check of every trial',
    [{ title: 'Trial', header: true }, { title: 'Verdict' }, ...ids.map((id) => ({ title: id }))],
    trials.map((trial) => [
      nameOf(context, trial),
      trial.status === 'not-run'
        ? notRunBadge
        : trial.validity?.verdict === 'valid'
          ? { text: 'valid', mark: '✓', tone: 'good' }
          : invalidBadge,
      ...ids.map((id): Cell => {
        const check = trial.validity?.checks.find((each) => each.id === id);
        if (check === undefined) return { text: NONE };
        return check.passed
          ? { text: check.seen }
          : { text: check.seen, detail: `expected ${check.expected}`, tone: check.fatal ? 'bad' : 'warn' };
      }),
    ]),
    { folded: true },
  );
}

function ceilingTable(context: ReportContext): Table {
  const rows = context.analysis.result.trials.flatMap((trial) => {
    if (trial.ceiling === null || trial.load === null) return [];
    const { load, ceiling } = trial;
    const reached = load.durationSeconds > 0 ? (load.succeeded + load.failed) / load.durationSeconds : 0;
    return [
      [
        nameOf(context, trial),
        formatNumber(ceiling.requestsPerSecond, 0),
        formatNumber(reached, 0),
        reached === 0 ? NONE : `${formatAdaptive(ceiling.requestsPerSecond / reached, 2)} ×`,
        formatCount(ceiling.responseBytes),
        load.generatorCpuPercent === null ? NONE : formatNumber(load.generatorCpuPercent, 0),
      ],
    ];
  });
  return createTable(
    'The generator’s own ceiling, closed loop',
    [
      { title: 'Trial', header: true },
      { title: 'Ceiling', unit: '/s', number: true },
      { title: 'Result', unit: '/s', number: true },
      { title: 'Room', number: true },
      { title: 'Answer', unit: 'bytes', number: true },
      { title: 'Generator CPU', unit: '%', number: true },
    ],
    rows,
    {
      folded: true,
      note: 'Against a trivial server with the same answer. Below 1.3 × the generator, not the gateway, may be the limit.',
    },
  );
}

function collectorTable({ analysis }: ReportContext): Table {
  const { collectors, elapsedSeconds } = analysis.result;
  return createTable(
    'What watched the run, and its cost',
    [
      { title: 'Collector', header: true },
      { title: 'Status' },
      { title: 'Samples', number: true },
      { title: 'CPU', unit: 'ms', number: true },
      { title: 'Share of a core', unit: '%', number: true },
    ],
    collectors.length === 0
      ? [['none', 'monitoring was off', NONE, NONE, NONE]]
      : collectors.map((collector) => [
          collector.title,
          collector.available
            ? {
                text: 'available',
                mark: '✓',
                tone: 'good',
                ...(collector.reason === null ? {} : { detail: collector.reason }),
              }
            : {
                text: 'not available',
                mark: '!',
                tone: 'warn',
                detail: `because ${collector.reason ?? 'it gave no reason'}`,
              },
          formatCount(collector.samples),
          formatNumber(collector.cpuMs, 0),
          elapsedSeconds === 0 ? NONE : formatNumber(collector.cpuMs / 10 / elapsedSeconds, 2),
        ]),
  );
}

function logTable(context: ReportContext): Table | null {
  const byType = new Map<string, number>();
  let timeouts = 0;
  let seen = false;
  for (const trial of context.analysis.result.trials) {
    const artifact = trial.artifacts['gateway-logs'];
    if (!artifact?.available || !isLogErrors(artifact.data)) continue;
    seen = true;
    timeouts += artifact.data.idleInTransactionTimeouts;
    for (const { type, count } of artifact.data.byType) byType.set(type, (byType.get(type) ?? 0) + count);
  }
  if (!seen) return null;
  const rows = [...byType].sort((one, other) => other[1] - one[1]).slice(0, 20);
  return createTable(
    'Errors in the gateway’s log, by type',
    [
      { title: 'Type', header: true },
      { title: 'Count', number: true },
    ],
    [
      ...rows.map(([type, count]) => [{ text: type, code: true }, formatCount(count)]),
      ['idle-in-transaction time-outs', formatCount(timeouts)],
      ...(rows.length === 0 ? [['errors of any type', '0']] : []),
    ],
  );
}

/** The artifact holds more than this; its own properties are checked. */
function isLogErrors(data: unknown): data is LogErrors {
  if (typeof data !== 'object' || data === null) return false;
  const own = Object.fromEntries(Object.entries(data).filter(([name]) => name in LogErrors.properties));
  return Value.Check(LogErrors, own);
}
