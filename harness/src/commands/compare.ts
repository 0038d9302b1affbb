// `harness compare A B`: two runs or baselines side by side. A is before, B after.
import { writeFileSync } from 'node:fs';
import { extname, resolve } from 'node:path';
import type { Command } from 'commander';
import type { Comparison, ComparisonRow } from '../analyze/analysis.ts';
import { compare } from '../analyze/compare.ts';
import { configOf } from '../analyze/config-of.ts';
import { scenariosOf } from '../analyze/scenarios-of.ts';
import { judgeComparison } from '../analyze/verdict.ts';
import { HarnessError } from '../errors.ts';
import { readBaseline } from '../gate/baselines.ts';
import { formatFigure } from '../metrics.ts';
import { type ComparisonFormat, renderComparison } from '../report/index.ts';
import { layTable } from './lay-table.ts';

interface Options {
  output?: string;
  forceCompare?: boolean;
  json?: boolean;
}

export function addCompareCommand(program: Command): void {
  program
    .command('compare')
    .argument('<before>', 'baseline name or run folder')
    .argument('<after>', 'baseline name or run folder')
    .description('two runs side by side; exit code 1 on a regression')
    .option('--output <file>', 'write the comparison too: .html, .md or .json')
    .option('--force-compare', 'compare although machine, profile, scenarios or tools differ')
    .option('--json', 'the last line is one JSON object')
    .addHelpText(
      'after',
      '\nExample:\n  npx harness compare main reports/results_light_20261120_134500 --output comparison.html',
    )
    .action(compareCommand);
}

function compareCommand(beforeName: string, afterName: string, options: Options): void {
  const format = options.output === undefined ? null : formatOf(options.output);
  const before = readBaseline(beforeName);
  const after = readBaseline(afterName);
  const config = configOf(after);
  const comparison = compare(before, after, config.gate, { force: options.forceCompare === true });
  const verdict = judgeComparison(comparison, config.gate.mustDecide);
  if (options.output !== undefined && format !== null) {
    const analysis = { result: after, scenarios: scenariosOf(after), comparison, verdict };
    writeOutput(resolve(options.output), renderComparison(analysis, format));
  }
  process.stdout.write(`${toText(comparison)}\n\n${verdict.status}: ${verdict.reasons.join('\n')}\n`);
  if (options.json === true) process.stdout.write(`${JSON.stringify({ comparison, verdict })}\n`);
  process.exitCode = verdict.exitCode;
}

const formats: Record<string, ComparisonFormat> = { html: 'html', md: 'markdown', json: 'json' };

function formatOf(file: string): ComparisonFormat {
  const format = formats[extname(file).slice(1)];
  if (format !== undefined) return format;
  throw new HarnessError('USAGE', { detail: `--output takes a file that ends in .html, .md or .json, got '${file}'` });
}

function writeOutput(file: string, content: string): void {
  try {
    writeFileSync(file, content);
  } catch (cause) {
    throw new HarnessError('DISK_FULL', { detail: `${file} cannot be written: ${(cause as Error).message}`, cause });
  }
}

const head = ['scenario', 'metric', 'before', 'after', 'change', 'interval', 'visible from', 'status'];

function cellsOf(row: ComparisonRow): string[] {
  const figure = (value: number | null): string => (value === null ? '–' : formatFigure(row.metric, value));
  const change = (ratio: number): string => `${ratio >= 1 ? '+' : '−'}${Math.abs(100 * (ratio - 1)).toFixed(1)} %`;
  return [
    row.scenario,
    row.metric,
    figure(row.before),
    figure(row.after),
    row.ratio === null ? '–' : change(row.ratio),
    row.interval === null ? '–' : row.interval.map(change).join(' to '),
    row.smallestVisiblePercent === null ? '–' : `${row.smallestVisiblePercent.toFixed(0)} %`,
    row.status,
  ];
}

/** The two, and what differs between them. */
function introduction(comparison: Comparison): string[] {
  return [
    `${comparison.before} → ${comparison.after}, ${comparison.paired ? 'interleaved pairs' : 'separate rounds'}, family-wise error ${comparison.alpha}`,
    ...comparison.subject.map(({ what, before, after }) => `subject: ${what}: ${before} → ${after}`),
    ...comparison.mismatches.map(({ what, before, after }) => `MISMATCH (forced): ${what}: ${before} → ${after}`),
  ];
}

function reasonsOf(comparison: Comparison): string[] {
  return comparison.rows.flatMap((row) =>
    row.reason === null || row.status === 'no-change' ? [] : [`${row.scenario} ${row.metric}: ${row.reason}`],
  );
}

function toText(comparison: Comparison): string {
  const reasons = reasonsOf(comparison);
  return [
    ...introduction(comparison),
    '',
    layTable(head, comparison.rows.map(cellsOf)),
    ...(reasons.length > 0 ? ['', ...reasons] : []),
  ].join('\n');
}
