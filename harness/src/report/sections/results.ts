// Results by category. Open and closed loops answer different questions: each has its own table and never shares one.
import type { Figure } from '../../analyze/analysis.ts';
import type { Loop, SubjectName } from '../../plan/plan.ts';
import type { Scenario, ScenarioCategory } from '../../plan/scenario.ts';
import { hasLoad, type ReportContext, usableTrials } from '../context.ts';
import { poolLatencies, toCurve, toThree } from '../distribution.ts';
import {
  formatAdaptive,
  formatChange,
  formatCount,
  formatInterval,
  formatMetric,
  formatPercent,
  NONE,
} from '../format.ts';
import type { Block, Chart, Section } from '../section.ts';
import { comparisonStatuses, invalidBadge, notRunBadge } from '../status.ts';
import { type Cell, createTable, type Table } from '../table.ts';

const categories: Record<ScenarioCategory, string> = {
  health: 'Health',
  tools: 'Tools',
  resources: 'Resources',
  prompts: 'Prompts',
  servers: 'Virtual servers and registry',
  mixed: 'Mixed workload',
  direct: 'Directly on the MCP servers',
};

export function resultsSection(context: ReportContext): Section {
  const blocks = (Object.keys(categories) as ScenarioCategory[]).flatMap((category) =>
    categoryBlocks(context, category),
  );
  return {
    id: 'results',
    title: 'Results by category',
    lead: 'Open loop: requests start at a fixed rate, whether or not earlier ones were answered, and latency counts from the intended start; what users see at this rate. Closed loop: each connection sends its next request after the answer; how much it can do. Its service time counts from the send and so hides waiting: it is no user’s latency. Small figures under others are 95 % intervals.',
    blocks: [...blocks, ...errorBlocks(context)],
  };
}

interface Row {
  scenario: Scenario;
  subject: SubjectName;
}

function rowsOf(context: ReportContext, category: ScenarioCategory, loop: Loop): Row[] {
  return context.analysis.scenarios
    .filter((scenario) => scenario.category === category)
    .flatMap((scenario) =>
      context.analysis.result.subjects.length === 0
        ? [{ scenario, subject: 'current' as const }]
        : context.analysis.result.subjects.map(({ name }) => ({ scenario, subject: name })),
    )
    .filter(({ scenario, subject }) => context.trials(scenario.id, subject, loop).length > 0);
}

function categoryBlocks(context: ReportContext, category: ScenarioCategory): Block[] {
  const open = rowsOf(context, category, 'open');
  const closed = rowsOf(context, category, 'closed');
  if (open.length + closed.length === 0) return [];
  const name = categories[category];
  return [
    { kind: 'heading', text: name },
    ...(open.length === 0
      ? []
      : [...(context.charts ? openCharts(context, open, category, name) : []), openTable(context, open, name)]),
    ...(closed.length === 0 ? [] : [closedTable(context, closed, name)]),
  ];
}

const OPEN_PERCENTILES = ['p50', 'p75', 'p90', 'p95', 'p99', 'p999', 'max', 'mean'] as const;
const WITH_INTERVAL = new Set(['p50', 'p95', 'p99']);

function openTable(context: ReportContext, rows: Row[], name: string): Table {
  const compared = context.analysis.comparison !== null;
  const columns = [
    { title: 'Scenario', header: true },
    { title: 'Rate', unit: '/s', number: true },
    ...OPEN_PERCENTILES.map((each) => ({ title: each === 'p999' ? 'p99.9' : each, unit: 'ms', number: true })),
    { title: 'Errors', unit: '%', number: true },
    ...(compared ? [{ title: 'p95 change', number: true }] : []),
    { title: 'Samples', number: true },
  ];
  return createTable(
    `${name}: latency under the open loop`,
    columns,
    rows.map((row) => {
      const trials = context.trials(row.scenario.id, row.subject, 'open');
      const [first] = trials.filter(hasLoad);
      if (first === undefined) return notRunCells(context, row, trials[0]?.reason ?? null, columns.length);
      const figure = (metric: string) => context.figure(row.scenario.id, row.subject, metric);
      return [
        scenarioCell(context, row, figure('latency.p50')),
        first.load.offeredRate === null ? NONE : formatAdaptive(first.load.offeredRate, 1),
        ...OPEN_PERCENTILES.map((each) => figureCell(figure(`latency.${each}`), WITH_INTERVAL.has(each))),
        errorCell(context, row, 'open'),
        ...(compared ? [changeCell(context, row, 'latency.p95')] : []),
        formatCount(figure('latency.p50')?.samples ?? 0),
      ];
    }),
  );
}

function closedTable(context: ReportContext, rows: Row[], name: string): Table {
  const compared = context.analysis.comparison !== null;
  const columns = [
    { title: 'Scenario', header: true },
    { title: 'Conn.', number: true },
    { title: 'Throughput', unit: '/s', number: true },
    { title: 'p50', unit: 'ms', number: true },
    { title: 'p95', unit: 'ms', number: true },
    { title: 'p99', unit: 'ms', number: true },
    { title: 'CPU/request', unit: 'ms', number: true },
    { title: 'Memory', unit: 'MB', number: true },
    { title: 'Errors', unit: '%', number: true },
    ...(compared
      ? [
          { title: 'Throughput change', number: true },
          { title: 'CPU change', number: true },
        ]
      : []),
    { title: 'Requests', number: true },
  ];
  return createTable(
    `${name}: throughput and service time under the closed loop`,
    columns,
    rows.map((row) => {
      const trials = context.trials(row.scenario.id, row.subject, 'closed');
      const [first] = trials.filter(hasLoad);
      if (first === undefined) return notRunCells(context, row, trials[0]?.reason ?? null, columns.length);
      const figure = (metric: string) => context.figure(row.scenario.id, row.subject, metric);
      const planned = context.analysis.result.plan.trials.find((each) => each.id === first.id);
      return [
        scenarioCell(context, row, figure('throughput')),
        planned === undefined ? NONE : formatCount(planned.concurrency),
        figureCell(figure('throughput'), true),
        ...['service.p50', 'service.p95', 'service.p99'].map((id) => figureCell(figure(id), true)),
        figureCell(figure('cpu.per_request'), true),
        figureCell(figure('memory.rss'), false),
        errorCell(context, row, 'closed'),
        ...(compared ? [changeCell(context, row, 'throughput'), changeCell(context, row, 'cpu.per_request')] : []),
        formatCount(figure('throughput')?.samples ?? 0),
      ];
    }),
  );
}

function scenarioCell(context: ReportContext, row: Row, figure: Figure | undefined): Cell {
  const name = context.twoSubjects ? `${row.scenario.title} (${row.subject})` : row.scenario.title;
  if (figure !== undefined && !figure.valid)
    return { ...invalidBadge, text: `${name}: invalid`, detail: figure.reason ?? '' };
  return figure?.reason === null || figure === undefined ? { text: name } : { text: name, detail: figure.reason };
}

function notRunCells(context: ReportContext, row: Row, reason: string | null, width: number): Cell[] {
  const name = context.twoSubjects ? `${row.scenario.title} (${row.subject})` : row.scenario.title;
  const cells: Cell[] = [{ ...notRunBadge, text: `${name}: not run`, detail: reason ?? 'no reason was recorded' }];
  while (cells.length < width) cells.push({ text: NONE });
  return cells;
}

function figureCell(figure: Figure | undefined, withInterval: boolean): Cell {
  if (figure === undefined) return { text: NONE };
  const text = formatMetric(figure.metric, figure.value);
  return withInterval && figure.interval !== null
    ? { text, detail: formatInterval(figure.metric, figure.interval) }
    : { text };
}

function errorCell(context: ReportContext, row: Row, loop: Loop): Cell {
  const trials = usableTrials(context.trials(row.scenario.id, row.subject, loop));
  const failed = trials.reduce((sum, trial) => sum + trial.load.failed, 0);
  const total = trials.reduce((sum, trial) => sum + trial.load.failed + trial.load.succeeded, 0);
  if (total === 0) return { text: NONE };
  const text = formatPercent((100 * failed) / total, 3);
  return failed === 0 ? { text } : { text, detail: `${formatCount(failed)} failed`, tone: 'bad' };
}

function changeCell(context: ReportContext, row: Row, metric: string): Cell {
  const compared = row.subject === 'current' ? context.comparisonRow(row.scenario.id, metric) : undefined;
  if (compared === undefined) return { text: NONE };
  const { text, tone } = comparisonStatuses[compared.status];
  return { text: formatChange(compared.ratio), detail: text, ...(tone === 'muted' ? {} : { tone }) };
}

function openCharts(context: ReportContext, rows: Row[], category: string, name: string): Chart[] {
  const label = ({ scenario, subject }: Row) =>
    context.twoSubjects ? `${scenario.title} (${subject})` : scenario.title;
  const drawn = rows.filter((row) => context.figure(row.scenario.id, row.subject, 'latency.p50') !== undefined);
  if (drawn.length === 0) return [];
  const value = (row: Row, metric: string) => {
    const figure = context.figure(row.scenario.id, row.subject, metric);
    return figure?.value == null ? null : toThree(figure.value);
  };
  const charts: Chart[] = [
    {
      kind: 'chart',
      id: `bars-${category}`,
      title: 'p50, p95 and p99, open loop',
      label: `${name}: bars of the p50, p95 and p99 latency of each scenario; the figures stand in the table below`,
      spec: {
        type: 'bars',
        unit: 'ms',
        stacked: false,
        labels: drawn.map(label),
        series: ['p50', 'p95', 'p99'].map((each) => ({
          name: each,
          values: drawn.map((row) => value(row, `latency.${each}`)),
        })),
      },
    },
  ];
  const curves = drawn.flatMap((row) => {
    const trials = usableTrials(context.trials(row.scenario.id, row.subject, 'open'));
    const pooled = poolLatencies(trials.map((trial) => trial.load.latency));
    const points = pooled === undefined ? [] : toCurve(pooled);
    return points.length < 2 ? [] : [{ name: label(row), points }];
  });
  if (curves.length > 0) {
    charts.push({
      kind: 'chart',
      id: `curves-${category}`,
      title: 'Latency distribution, open loop',
      label: `${name}: latency by percentile for each scenario; the table below has the main percentiles`,
      spec: { type: 'curves', unit: 'ms', series: curves },
    });
  }
  return charts;
}

const MOST_ERRORS = 40;

function errorBlocks({ analysis, title }: ReportContext): Block[] {
  const errors = analysis.result.trials.flatMap((trial) =>
    (trial.load?.errors ?? []).map((error) => ({ trial, error })),
  );
  if (errors.length === 0) return [];
  errors.sort((one, other) => other.error.count - one.error.count);
  const left = errors.length - MOST_ERRORS;
  return [
    { kind: 'heading', text: 'Failed requests' },
    createTable(
      'Failed requests, most frequent first',
      [
        { title: 'Scenario', header: true },
        { title: 'Trial' },
        { title: 'Kind' },
        { title: 'Request' },
        { title: 'What failed' },
        { title: 'Count', number: true },
        { title: 'First example' },
      ],
      errors
        .slice(0, MOST_ERRORS)
        .map(({ trial, error }) => [
          title(trial.scenario),
          `${trial.loop} loop, round ${trial.round}${analysis.result.subjects.length > 1 ? `, ${trial.subject}` : ''}`,
          error.kind,
          error.request,
          error.detail,
          formatCount(error.count),
          error.example === null ? NONE : { text: error.example, code: true },
        ]),
      left > 0 ? { note: `${left} rarer kinds stand in result.json.` } : {},
    ),
  ];
}
