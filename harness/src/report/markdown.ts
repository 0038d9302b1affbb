// Short enough for the summary of a CI job: verdict, regressions, SLOs that need attention, one table of results.
import type { Analysis } from '../analyze/analysis.ts';
import { createContext, hasLoad, type ReportContext } from './context.ts';
import { formatDuration, formatMetric, formatTime, NONE } from './format.ts';
import type { Reporter } from './reporter.ts';
import { cacheTable } from './sections/caches.ts';
import { type ComparedRun, comparisonSection, describeCounts } from './sections/comparison.ts';
import { layerTable } from './sections/layers.ts';
import { sloTable } from './sections/slos.ts';
import { summarize } from './sections/summary.ts';
import { type Cell, createTable, type Table } from './table.ts';

/** Rows beyond this are left to the HTML report: a job summary may have 1 MiB, and readers less. */
const MOST_ROWS = 30;

export const markdown: Reporter = {
  id: 'markdown',
  extension: 'md',
  render(analysis) {
    const context = createContext(analysis);
    const { result, verdict } = analysis;
    const { status, cards } = summarize(context);
    const attention = sloTable(context).rows.filter(([cell]) => cell?.text !== 'met' && cell?.text !== 'not judged');
    const parts = [
      `# ${status.mark} ${status.text}: ${escapeMarkdown(result.id)}`,
      toReasons(verdict.reasons),
      `Load profile ${escapeMarkdown(result.plan.profile)}, ${result.plan.rounds} round(s), started ${formatTime(result.startedAtMs)}, took ${formatDuration(result.elapsedSeconds)}.`,
      toMarkdownTable(
        createTable(
          'Summary',
          [{ title: 'Figure' }, { title: 'Value', number: true }, { title: 'Detail' }],
          cards.map((card) => [card.title, `${card.value} ${card.unit}`.trim(), card.detail]),
        ),
      ),
      ...comparisonParts(analysis, true),
      attention.length === 0
        ? ''
        : `## Objectives that need attention\n\n${toMarkdownTable({ ...sloTable(context), rows: attention })}`,
      `## Results\n\n${toMarkdownTable(resultTable(context))}\n\nLatency: open loop, from the intended start, at the stated rate. Throughput and CPU: closed loop.`,
      tablePart('Where the time goes inside the gateway (means)', layerTable(context)),
      tablePart('Caches of the gateway', cacheTable(context)),
      ...findingParts(analysis),
      `Repeat: \`${result.command.replaceAll('`', "'")}\``,
    ];
    return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
  },
};

function tablePart(title: string, table: Table | null): string {
  if (table === null) return '';
  const rest = table.rows.length - MOST_ROWS;
  const more = rest > 0 ? `\n\n${rest} more stand in the HTML report.` : '';
  return `## ${title}\n\n${toMarkdownTable({ ...table, rows: table.rows.slice(0, MOST_ROWS) })}${more}`;
}

const MOST_REASONS = 6;

function toReasons(reasons: string[]): string {
  const lines = reasons.slice(0, MOST_REASONS).map((reason) => `- ${escapeMarkdown(reason)}`);
  if (reasons.length > MOST_REASONS) lines.push(`- and ${reasons.length - MOST_REASONS} more in the HTML report`);
  return lines.join('\n');
}

/** @param brief only rows that changed or could not be decided */
export function comparisonParts(analysis: ComparedRun, brief: boolean): string[] {
  const section = comparisonSection(analysis);
  if (section === null || analysis.comparison === null) return [];
  const tables = section.blocks.flatMap((block) => (block.kind === 'table' ? [block] : []));
  const last = tables.at(-1);
  if (last === undefined) return [];
  const rows = brief
    ? last.rows.filter(([cell]) => cell?.text !== 'no change' && cell?.text !== 'not compared')
    : last.rows;
  return [
    `## ${escapeMarkdown(section.title)}`,
    ...tables.slice(0, -1).map(toMarkdownTable),
    escapeMarkdown(describeCounts(analysis.comparison)),
    rows.length === 0 ? '' : toMarkdownTable({ ...last, rows: brief ? rows.slice(0, MOST_ROWS) : rows }),
    brief && rows.length > MOST_ROWS ? `${rows.length - MOST_ROWS} more stand in the HTML report.` : '',
  ];
}

function resultTable(context: ReportContext): Table {
  return createTable(
    'Results',
    [
      { title: 'Scenario' },
      { title: 'Rate /s', number: true },
      ...['p50', 'p95', 'p99'].map((name) => ({ title: `${name} ms`, number: true })),
      { title: 'Throughput /s', number: true },
      { title: 'CPU ms/request', number: true },
      { title: 'Errors %', number: true },
    ],
    context.analysis.scenarios.map((scenario) => {
      const open = context.trials(scenario.id, 'current', 'open');
      const all = [...open, ...context.trials(scenario.id, 'current', 'closed')];
      const value = (metric: string) => {
        const figure = context.figure(scenario.id, 'current', metric);
        if (figure === undefined) return NONE;
        return `${formatMetric(metric, figure.value)}${figure.valid ? '' : ' (invalid)'}`;
      };
      return [
        all.every((trial) => !hasLoad(trial)) ? `${scenario.title}: **not run**` : scenario.title,
        String(open.find(hasLoad)?.load.offeredRate ?? NONE),
        value('latency.p50'),
        value('latency.p95'),
        value('latency.p99'),
        value('throughput'),
        value('cpu.per_request'),
        value('errors.rate'),
      ];
    }),
  );
}

function findingParts({ findings }: Analysis): string[] {
  const high = findings.filter((finding) => finding.priority === 'high');
  if (high.length === 0) return [];
  const lines = high
    .slice(0, 10)
    .map((finding) => `- **${escapeMarkdown(finding.title)}** ${escapeMarkdown(finding.next[0] ?? '')}`);
  return [`## Recommendations of high priority\n\n${lines.join('\n')}`];
}

export function toMarkdownTable({ columns, rows }: Table): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(columns.map(({ title, unit }) => escapeMarkdown(unit === undefined ? title : `${title} (${unit})`))),
    line(columns.map(({ number }) => (number === true ? '--:' : ':--'))),
    ...rows.map((row) => line(row.map(toText))),
  ].join('\n');
}

function toText({ text, mark, detail, code }: Cell): string {
  const words =
    code === true
      ? `<code>${escapeMarkdown(text)}</code>`
      : escapeMarkdown(text).replaceAll('\\*\\*not run\\*\\*', '**not run**');
  const small = detail === undefined || detail === '' ? '' : ` <sub>${escapeMarkdown(detail)}</sub>`;
  return `${mark === undefined ? '' : `${mark} `}${words}${small}`;
}

/** Texts of servers and databases must neither end a cell nor become markup or links. */
export function escapeMarkdown(text: string): string {
  return text
    .replace(/[&<>]/g, (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[character] ?? character)
    .replace(/[\\`*_[\]|#~]/g, (character) => `\\${character}`)
    .replace(/\s+/g, ' ')
    .trim();
}
