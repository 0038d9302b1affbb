// Load, CPU, memory and connections on one time axis, with the trials marked and the peaks named.
import type { Loop } from '../../plan/plan.ts';
import type { RunResult, Series, TrialResult } from '../../result/result.ts';
import type { ReportContext } from '../context.ts';
import { toThree } from '../distribution.ts';
import { formatAdaptive, formatBytes, formatClock, formatCount, formatPercent, NONE } from '../format.ts';
import type { Block, Section, TimelinePanel } from '../section.ts';
import { findColumns, loadSeries, pointsOf, type SeriesColumn, thin, tookTurns } from '../series.ts';
import { createTable } from '../table.ts';
import { trialTable } from './trial-usage.ts';

/** Which columns of the collectors are drawn, and in what unit. */
const panels = [
  { id: 'cpu', title: 'CPU', unit: '% of a core', match: /^processes\..*cpu_percent$|^host\.steal_percent$/, scale: 1 },
  { id: 'memory', title: 'Memory', unit: 'MB', match: /^processes\..*rss_bytes$/, scale: 1e-6 },
  {
    id: 'connections',
    title: 'Connections',
    unit: '',
    match: /^pg-activity\.(total|active|idle|idle_in_transaction)(\.\w+)?$|^host\.sockets_established$/,
    scale: 1,
  },
] as const;

/** Also named in the table of peaks. */
const alsoPeaks =
  /^gateway-runtime\.(event_loop_delay_p99_ms|gc_percent)|^host\.(cpu_percent|disk_busy_percent|pressure_)/;

export function timelineSection(context: ReportContext): Section {
  const { result } = context.analysis;
  const blocks: Block[] = [];
  if (result.series.rows.length === 0) {
    blocks.push({
      kind: 'text',
      text: 'Nothing was sampled: monitoring was off or no collector was available (see Measurement quality).',
    });
  }
  if (context.charts) blocks.push(timelineChart(context));
  if (result.series.rows.length > 0) blocks.push(peakTable(context));
  blocks.push(trialTable(context));
  return {
    id: 'timeline',
    title: 'Load and resources over time',
    lead: `All panels share one time axis, in minutes and seconds from the start of the run; the bands are the trials, blue for the open loop, brown for the closed one. CPU: 100 % is one core.${aboutTurns(result)}`,
    blocks,
  };
}

function aboutTurns(result: RunResult): string {
  return result.trials.some((trial) => tookTurns(result, trial))
    ? ' Where two builds took turns, their trials lie over the same seconds, and the rate of answers is that of a trial’s own turns.'
    : '';
}

/** A band for each trial; those that took turns share one. */
function phasesOf({ analysis: { result }, title, twoSubjects }: ReportContext) {
  const seconds = (epochMs: number) => toThree((epochMs - result.startedAtMs) / 1000);
  const phases = new Map<string, { start: number; end: number; loop: Loop; label: string }>();
  for (const trial of result.trials) {
    if (trial.startedAtMs === null || trial.endedAtMs === null) continue;
    const inTurns = tookTurns(result, trial);
    const key = inTurns ? `${trial.scenario} ${trial.loop} ${trial.round}` : trial.id;
    const [start, end] = [seconds(trial.startedAtMs), seconds(trial.endedAtMs)];
    const known = phases.get(key) ?? { start, end };
    const build = inTurns ? ', both builds' : twoSubjects ? `, ${trial.subject}` : '';
    const label = `${title(trial.scenario)}, ${trial.loop} loop${build}`;
    phases.set(key, { start: Math.min(known.start, start), end: Math.max(known.end, end), loop: trial.loop, label });
  }
  return [...phases.values()];
}

function timelineChart(context: ReportContext): Block {
  const { result } = context.analysis;
  // The trials of two builds may lie over the same seconds: each build has lines of its own.
  const loads = (context.twoSubjects ? (['current', 'reference'] as const) : (['current'] as const)).map((subject) => ({
    of: context.twoSubjects ? `, ${subject}` : '',
    ...loadSeries(result, subject),
  }));
  const drawn: TimelinePanel[] = [
    {
      id: 'timeline-rate',
      title: 'Answers',
      unit: '/s',
      label: 'Answers per second over time, right and failed; the table below has the rate of each trial',
      series: loads.flatMap(({ of, succeeded, failed }) => [
        { name: `right${of}`, points: thin(succeeded) },
        { name: `failed${of}`, points: thin(failed) },
      ]),
    },
    {
      id: 'timeline-latency',
      title: 'Latency',
      unit: 'ms',
      label: 'p50 and p95 of each second over time; the results by category have the percentiles',
      series: loads.flatMap(({ of, p50, p95 }) => [
        { name: `p50${of}`, points: thin(p50) },
        { name: `p95${of}`, points: thin(p95) },
      ]),
    },
    ...panels.flatMap((panel) => {
      const series = findColumns(result.series, panel.match)
        .map((column) => ({
          name: shortName(column),
          points: thin(pointsOf(result.series, column, result.startedAtMs, panel.scale)),
        }))
        .filter(({ points }) => points.some(([, value]) => value !== null));
      return series.length === 0
        ? []
        : [
            {
              id: `timeline-${panel.id}`,
              title: panel.title,
              unit: panel.unit,
              label: `${panel.title} over time; the table of peaks below has the greatest values`,
              series,
            },
          ];
    }),
  ];
  return {
    kind: 'chart',
    id: 'timeline',
    title: 'The run',
    label: 'Charts over time',
    spec: { type: 'timeline', endSeconds: Math.ceil(result.elapsedSeconds), phases: phasesOf(context), panels: drawn },
  };
}

/** "gateway", "postgres", "pg active", "stolen" */
function shortName({ id }: SeriesColumn): string {
  if (id === 'host.steal_percent') return 'stolen from the machine';
  if (id === 'host.sockets_established') return 'TCP established';
  return id
    .replace(/^processes\./, '')
    .replace(/^pg-activity\./, 'pg ')
    .replace(/[._](cpu_percent|rss_bytes)$/, '')
    .replaceAll('_', ' ')
    .replace('.', ', ');
}

function peakTable({ analysis, title }: ReportContext): Block {
  const { series, trials, startedAtMs, plan } = analysis.result;
  const sampleMs = sampleLength(series);
  const columns = [...panels.flatMap((panel) => findColumns(series, panel.match)), ...findColumns(series, alsoPeaks)];
  const rows = columns.flatMap((column) => {
    const points = pointsOf(series, column, startedAtMs, 1).flatMap(([at, value]) =>
      value === null ? [] : [{ at, value }],
    );
    const [first] = points;
    if (first === undefined) return [];
    const peak = points.reduce((most, point) => (point.value > most.value ? point : most), first);
    const mean = points.reduce((sum, point) => sum + point.value, 0) / points.length;
    const during = trialAt(trials, startedAtMs + peak.at * 1000, sampleMs);
    return [
      [
        column.title,
        formatWith(column.unit, peak.value),
        formatClock(peak.at),
        during === undefined
          ? 'between trials'
          : `${title(during.scenario)}, ${during.loop} loop${plan.rounds > 1 ? `, round ${during.round}` : ''}`,
        formatWith(column.unit, mean),
        formatCount(points.length),
      ],
    ];
  });
  return createTable(
    'Peaks',
    [
      { title: 'What', header: true },
      { title: 'Peak', number: true },
      { title: 'At', unit: 'min:s', number: true },
      { title: 'During' },
      { title: 'Mean of the run', number: true },
      { title: 'Samples', number: true },
    ],
    rows,
  );
}

/** A sample tells of the time since the one before: the trial that fills most of it is meant. */
function trialAt(trials: TrialResult[], atMs: number, sampleMs: number): TrialResult | undefined {
  let most = 0;
  let found: TrialResult | undefined;
  for (const trial of trials) {
    if (trial.startedAtMs === null || trial.endedAtMs === null) continue;
    const overlap = Math.min(atMs, trial.endedAtMs) - Math.max(atMs - sampleMs, trial.startedAtMs);
    if (overlap <= most) continue;
    most = overlap;
    found = trial;
  }
  return found;
}

/** The median distance of samples. */
function sampleLength({ rows }: Series): number {
  const lengths = rows.slice(1).map((row, place) => (row[0] ?? 0) - (rows[place]?.[0] ?? 0));
  return lengths.sort((one, other) => one - other)[Math.floor(lengths.length / 2)] ?? 0;
}

function formatWith(unit: string, value: number): string {
  if (!Number.isFinite(value)) return NONE;
  if (unit === 'bytes') return formatBytes(value);
  if (unit === 'bytes/s') return `${formatBytes(value)}/s`;
  if (unit === 'percent' || unit === '%') return `${formatAdaptive(value, 1)} %`;
  return unit === 'count' || unit === '' ? formatPercent(value, 1) : `${formatAdaptive(value, 1)} ${unit}`;
}
