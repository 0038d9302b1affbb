// What the gateway adds: the same requests through it and directly on the MCP server.
import type { ReportContext } from '../context.ts';
import { toThree } from '../distribution.ts';
import { formatInterval, formatMetric, NONE, titleOf } from '../format.ts';
import type { Block, Section } from '../section.ts';
import { createTable } from '../table.ts';

export function overheadSection(context: ReportContext): Section | null {
  const paired = context.analysis.scenarios.filter((scenario) => scenario.pairedWith !== undefined);
  if (paired.length === 0) return null;
  return {
    id: 'overhead',
    title: 'Gateway overhead',
    lead: 'The percentile through the gateway minus the same percentile directly on the MCP server: same requests, same rate, open loop, one right after the other. Small figures are 95 % intervals.',
    blocks: overheadBlocks(context),
  };
}

function overheadBlocks(context: ReportContext): Block[] {
  const { overheads, scenarios } = context.analysis;
  const missing = scenarios.filter(
    (scenario) => scenario.pairedWith !== undefined && !overheads.some((each) => each.scenario === scenario.id),
  );
  const note: Block[] = missing.map((scenario) => ({
    kind: 'text',
    text: `${scenario.title}: no overhead, because it or ${context.title(scenario.pairedWith ?? '')} has no valid open-loop trial.`,
  }));
  if (overheads.length === 0) return note;
  const name = (overhead: (typeof overheads)[number]) =>
    context.twoSubjects
      ? `${context.title(overhead.scenario)} (${overhead.subject})`
      : context.title(overhead.scenario);
  const chart: Block[] = context.charts ? [overheadChart(context, name)] : [];
  return [
    ...chart,
    createTable(
      'Through the gateway and directly',
      [
        { title: 'Scenario', header: true },
        { title: 'Figure' },
        { title: 'Gateway', unit: 'ms', number: true },
        { title: 'Directly', unit: 'ms', number: true },
        { title: 'Overhead', unit: 'ms', number: true },
      ],
      overheads.flatMap((overhead) =>
        overhead.rows.map((row) => [
          name(overhead),
          titleOf(row.metric),
          formatMetric(row.metric, row.gatewayMs),
          formatMetric(row.metric, row.directMs),
          {
            text: row.differenceMs === null ? NONE : formatMetric(row.metric, row.differenceMs),
            ...(row.interval === null ? {} : { detail: formatInterval(row.metric, row.interval) }),
          },
        ]),
      ),
    ),
    ...note,
  ];
}

function overheadChart(
  { analysis }: ReportContext,
  name: (overhead: (typeof analysis.overheads)[number]) => string,
): Block {
  const bars = analysis.overheads.flatMap((overhead) =>
    overhead.rows
      .filter((row) => row.metric !== 'overhead.p99')
      .map((row) => ({
        label: `${name(overhead)}, ${row.metric.replace('overhead.', '')}`,
        directly: row.directMs === null ? null : toThree(row.directMs),
        added: row.differenceMs === null ? null : toThree(Math.max(0, row.differenceMs)),
      })),
  );
  return {
    kind: 'chart',
    id: 'overhead-bars',
    title: 'Latency of the MCP server, and what the gateway adds',
    label:
      'Stacked bars: latency directly on the MCP server and the gateway’s overhead, p50 and p95; the figures stand in the table below',
    spec: {
      type: 'bars',
      unit: 'ms',
      stacked: true,
      labels: bars.map((bar) => bar.label),
      series: [
        { name: 'MCP server', values: bars.map((bar) => bar.directly) },
        { name: 'added by the gateway', values: bars.map((bar) => bar.added) },
      ],
    },
  };
}
