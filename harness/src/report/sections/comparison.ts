// What changed: what differs on purpose heads it, regressions come first, and each row says what it could have seen.
import type { Analysis, Comparison, ComparisonRow } from '../../analyze/analysis.ts';
import { formatChange, formatMetric, formatNumber, formatPercent, NONE, titleOf, unitOf } from '../format.ts';
import type { Block, Section } from '../section.ts';
import { comparisonRank, comparisonStatuses, toBadge } from '../status.ts';
import { drawInterval } from '../svg.ts';
import { type Cell, createTable, type Table } from '../table.ts';

export type ComparedRun = Pick<Analysis, 'comparison' | 'scenarios'>;

export function comparisonSection(analysis: ComparedRun): Section | null {
  const { comparison } = analysis;
  if (comparison === null) return null;
  const blocks: Block[] = [subjectTable(comparison)];
  if (comparison.mismatches.length > 0) blocks.push(mismatchTable(comparison));
  blocks.push({ kind: 'text', text: describeCounts(comparison) }, comparisonTable(analysis, comparison));
  return {
    id: 'comparison',
    title: `Comparison with ${comparison.before}`,
    lead: `A change counts when its interval excludes no change after Holm’s correction over everything compared (error rate ${formatPercent(comparison.alpha * 100, 2)} %) and it exceeds the threshold. ${
      comparison.paired
        ? 'Both builds ran in interleaved pairs with the same requests.'
        : 'The two ran at different times.'
    }`,
    blocks,
  };
}

function subjectTable({ subject, before, after }: Comparison): Table {
  return createTable(
    'What differs on purpose',
    [{ title: 'What', header: true }, { title: `Before: ${before}` }, { title: `After: ${after}` }],
    subject.length === 0
      ? [['nothing', 'the same', 'the same']]
      : subject.map((each) => [each.what, { text: each.before, code: true }, { text: each.after, code: true }]),
  );
}

function mismatchTable({ mismatches }: Comparison): Table {
  return createTable(
    'What should have been the same but is not',
    [{ title: 'What', header: true }, { title: 'Before' }, { title: 'After' }],
    mismatches.map((each) => [
      each.what,
      { text: each.before, code: true },
      { text: each.after, code: true, tone: 'warn' },
    ]),
    { note: 'The comparison was forced: these differences may explain what follows.' },
  );
}

export function describeCounts({ rows }: Comparison): string {
  const counts = Object.entries(comparisonStatuses).flatMap(([status, { text }]) => {
    const count = rows.filter((row) => row.status === status).length;
    return count === 0 ? [] : [`${count} ${text}`];
  });
  return `${rows.length} figures compared: ${counts.join(', ')}.`;
}

export function sortedRows(comparison: Comparison): ComparisonRow[] {
  return [...comparison.rows].sort(
    (one, other) =>
      comparisonRank(one.status) - comparisonRank(other.status) ||
      Math.abs(Math.log(other.ratio ?? 1)) - Math.abs(Math.log(one.ratio ?? 1)),
  );
}

function comparisonTable({ scenarios }: ComparedRun, comparison: Comparison): Table {
  const rows = sortedRows(comparison);
  const reach = Math.min(
    4,
    Math.max(1.25, ...rows.flatMap((row) => row.interval ?? []).map((end) => Math.max(end, 1 / Math.max(end, 1e-6)))),
  );
  const titles = new Map(scenarios.map((scenario) => [scenario.id, scenario.title]));
  return createTable(
    'Every figure, before and after',
    [
      { title: 'Status' },
      { title: 'Scenario', header: true },
      { title: 'Figure' },
      { title: 'Before', number: true },
      { title: 'After', number: true },
      { title: 'Change', number: true },
      { title: 'Interval' },
      { title: 'Threshold', unit: '%', number: true },
      { title: 'Could see', unit: '%', number: true },
      { title: 'p (Holm)', number: true },
      { title: 'Rounds', number: true },
    ],
    rows.map((row) => [
      { ...toBadge(comparisonStatuses[row.status]), ...(row.reason === null ? {} : { detail: row.reason }) },
      titles.get(row.scenario) ?? row.scenario,
      { text: titleOf(row.metric), detail: `${unitOf(row.metric)}, ${row.better} is better` },
      row.before === null ? NONE : formatMetric(row.metric, row.before),
      row.after === null ? NONE : formatMetric(row.metric, row.after),
      changeCell(row),
      intervalCell(row, reach),
      formatPercent(row.thresholdPercent, 1),
      row.smallestVisiblePercent === null ? NONE : `±${formatNumber(row.smallestVisiblePercent, 1)}`,
      row.pAdjusted === null ? NONE : row.pAdjusted < 0.001 ? '< 0.001' : formatNumber(row.pAdjusted, 3),
      `${row.rounds[0]} / ${row.rounds[1]}`,
    ]),
    {
      note: 'Interval: 95 % of the change, simultaneous over all rows; the grey band is the threshold. Could see: the smallest change that this comparison finds in 4 of 5 cases.',
    },
  );
}

function changeCell(row: ComparisonRow): Cell {
  const { tone } = comparisonStatuses[row.status];
  return { text: formatChange(row.ratio), ...(tone === 'muted' ? {} : { tone }) };
}

function intervalCell(row: ComparisonRow, reach: number): Cell {
  if (row.interval === null || row.ratio === null) return { text: NONE };
  const { tone } = comparisonStatuses[row.status];
  return {
    text: `${formatChange(row.interval[0])} … ${formatChange(row.interval[1])}`,
    svg: drawInterval(row.ratio, row.interval, row.thresholdPercent, reach, tone),
  };
}
