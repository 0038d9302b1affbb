// `harness compare A B`: two runs side by side, in the formats of reports and on a terminal.
import type { Analysis } from '../analyze/analysis.ts';
import { formatTime } from './format.ts';
import { renderPage } from './html.ts';
import { comparisonParts, escapeMarkdown } from './markdown.ts';
import { comparisonSection, describeCounts } from './sections/comparison.ts';
import { splitReasons } from './sections/summary.ts';
import { verdictStatuses } from './status.ts';

export type ComparisonFormat = 'html' | 'markdown' | 'json';

/** Two runs that were compared: `result` is the later one. */
export type ComparedAnalysis = Pick<Analysis, 'result' | 'scenarios' | 'comparison' | 'verdict'>;

/** Needs a comparison in it. @throws Error when there is none: that is the caller's mistake */
export function renderComparison(analysis: ComparedAnalysis, format: ComparisonFormat): string {
  const { comparison, result, verdict } = analysis;
  const section = comparisonSection(analysis);
  if (comparison === null || section === null) throw new Error(`${result.id} was compared with nothing`);
  const title = `${comparison.after} compared with ${comparison.before}`;
  if (format === 'json') return `${JSON.stringify({ schemaVersion: 1, verdict, ...comparison }, null, 1)}\n`;
  if (format === 'markdown') {
    const { mark, text } = verdictStatuses[verdict.status];
    return `${[`# ${mark} ${text}: ${escapeMarkdown(title)}`, ...comparisonParts(analysis, false)].filter((part) => part !== '').join('\n\n')}\n`;
  }
  return renderPage({
    title: 'Comparison',
    subtitle: title,
    facts: [
      { term: 'Before', text: comparison.before },
      { term: 'After', text: `${comparison.after}, ${formatTime(result.startedAtMs)}` },
      { term: 'Figures', text: describeCounts(comparison) },
    ],
    summary: {
      status: verdictStatuses[verdict.status],
      exitCode: verdict.exitCode,
      ...splitReasons(verdict.reasons),
      cards: [],
    },
    sections: [section],
  });
}
