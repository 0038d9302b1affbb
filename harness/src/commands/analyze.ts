// `harness analyze RUN`: everything after result.json again, without infrastructure. Same folder, same report.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { analyze } from '../analyze/index.ts';
import { readBaseline } from '../gate/baselines.ts';
import { renderTerminal } from '../report/terminal.ts';
import { writeCsvFiles } from '../result/csv.ts';
import { readResult } from '../result/run-folder.ts';
import { writeReports } from './run.ts';

export function addAnalyzeCommand(program: Command): void {
  program
    .command('analyze')
    .argument('<run>', 'run folder below reports/, or its result.json')
    .description('rebuild report, findings and verdict from a run folder')
    .option('--force-compare', 'compare although machine, profile, scenarios or tools differ')
    .addHelpText('after', '\nExample:\n  npx harness analyze reports/results_medium_20261120_134500')
    .action(async (run: string, options: { forceCompare?: boolean }) => {
      const { folder, result } = readResult(run);
      const kept = join(folder.path, 'baseline.json');
      const baseline = existsSync(kept) ? { baseline: readBaseline(kept) } : {};
      const analysis = analyze(result, { ...baseline, force: options.forceCompare === true });
      await writeCsvFiles(result, folder.path);
      await writeReports(analysis, folder);
      process.stderr.write(`${renderTerminal(analysis)}\n\n`);
      process.stdout.write(`Report      ${folder.reportFile}\n`);
      process.exitCode = analysis.verdict.exitCode;
    });
}
