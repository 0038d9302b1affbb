// `harness analyze RUN`: everything after result.json again, without infrastructure. Same folder, same report.
import type { Command } from 'commander';
import { analyze } from '../analyze/index.ts';
import { readComparedWith } from '../gate/baselines.ts';
import { renderTerminal } from '../report/terminal.ts';
import { writeCsvFiles } from '../result/csv.ts';
import { readResult } from '../result/run-folder.ts';
import { writeReports } from './run.ts';

interface Options {
  forceCompare?: boolean;
}

export function addAnalyzeCommand(program: Command): void {
  program
    .command('analyze')
    .argument('<run>', 'run folder below reports/, or its result.json')
    .description('rebuild report, findings and verdict from a run folder')
    .option('--force-compare', 'compare although machine, profile, scenarios or tools differ')
    .addHelpText('after', '\nExample:\n  npx harness analyze reports/results_medium_20261120_134500')
    .action(async (run: string, options: Options) => {
      process.exitCode = await analyzeCommand(run, options);
    });
}

/** @returns the exit code @throws RESULT_INVALID, BASELINE_INVALID */
export async function analyzeCommand(run: string, options: Options = {}): Promise<number> {
  const { folder, result } = readResult(run);
  const compared = readComparedWith(folder.path);
  const analysis = analyze(result, {
    force: options.forceCompare === true || compared?.force === true,
    ...(compared === null ? {} : { baseline: compared.result, baselineName: compared.name }),
  });
  writeCsvFiles(result, folder.path);
  await writeReports(analysis, folder);
  process.stderr.write(`${renderTerminal(analysis)}\n\n`);
  process.stdout.write(`Report      ${folder.reportFile}\n`);
  return analysis.verdict.exitCode;
}
