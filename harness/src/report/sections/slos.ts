// The service-level objectives: actual, target, room left.
import type { SloResult } from '../../analyze/analysis.ts';
import { isMetricId, metrics } from '../../metrics.ts';
import type { ReportContext } from '../context.ts';
import { formatSigned, formatTarget, formatWithUnit, NONE, titleOf } from '../format.ts';
import type { Section } from '../section.ts';
import { sloRank, sloStatuses, toBadge } from '../status.ts';
import { drawMargin } from '../svg.ts';
import { type Cell, createTable, type Table } from '../table.ts';

export function sloSection(context: ReportContext): Section {
  return {
    id: 'slos',
    title: 'Service-level objectives',
    lead: 'A latency is judged under the open load, a throughput under the closed one, errors over both. “Not judged”: too few samples for a percentile (it needs 10 beyond it); that does not fail the run.',
    blocks:
      context.analysis.slos.length === 0
        ? [{ kind: 'text', text: 'No scenario of this run states an objective.' }]
        : [sloTable(context)],
  };
}

export function sloTable({ analysis, title }: ReportContext): Table {
  const sorted = [...analysis.slos].sort((one, other) => sloRank(one.status) - sloRank(other.status));
  return createTable(
    'Objectives, those that need attention first',
    [
      { title: 'Status' },
      { title: 'Scenario', header: true },
      { title: 'Figure' },
      { title: 'Target', number: true },
      { title: 'Actual', number: true },
      { title: 'Margin', number: true },
      { title: 'Reason' },
    ],
    sorted.map((slo) => [
      toBadge(sloStatuses[slo.status]),
      title(slo.scenario),
      titleOf(slo.metric),
      `${signOf(slo)} ${formatTarget(slo.metric, slo.target)}`,
      slo.actual === null ? (slo.status === 'missed' ? 'lost' : NONE) : formatWithUnit(slo.metric, slo.actual),
      marginCell(slo),
      slo.status === 'met' ? '' : (slo.reason ?? ''),
    ]),
  );
}

/** As it is judged: an error rate and a throughput may equal their target, everything else must be below it. */
function signOf(slo: SloResult): string {
  if (!isLowerBetter(slo)) return '≥';
  return isMetricId(slo.metric) && metrics[slo.metric].kind === 'error' ? '≤' : '<';
}

function isLowerBetter(slo: SloResult): boolean {
  return !isMetricId(slo.metric) || metrics[slo.metric].better === 'lower';
}

/** The bar shows how much of the limit is used; where more is better, the limit's share of what was reached. */
function marginCell(slo: SloResult): Cell {
  if (slo.marginPercent === null || slo.actual === null) return { text: NONE };
  const used = isLowerBetter(slo) ? slo.actual / slo.target : slo.target / Math.max(slo.actual, 1e-9);
  return {
    text: `${formatSigned(slo.marginPercent, 0)} %`,
    svg: drawMargin(used, slo.status === 'met' ? 'good' : slo.status === 'missed' ? 'bad' : 'muted'),
  };
}
