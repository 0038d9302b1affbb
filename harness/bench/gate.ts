// Proves the gate on this machine: A/A runs must show no regression, runs with 20 % more CPU per call must be caught.
//   npm run prove:gate -- [--times 5] [--scenario ID…]
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { analyze } from '../src/analyze/index.ts';
import { repository } from '../src/paths.ts';
import { readResult } from '../src/result/run-folder.ts';

export interface Proof {
  exitCode: number;
  verdict: string;
  /** `scenario metric` of every row that the comparison calls a regression. */
  regressions: string[];
  /** CPU time per request of the current build ÷ that of the reference, by scenario. */
  cpuRatios: Record<string, number>;
  /** The largest change that some CPU comparison could not have seen, percent. */
  smallestVisiblePercent: number;
  elapsedSeconds: number;
  runFolder: string;
}

const slowerCalls = pathToFileURL(join(repository, 'harness/test/fixtures/slower-calls.mjs')).href;

/** One `light` gate of HEAD against itself; with `slower`, the current side burns 20 % more CPU per request. */
export async function proveOnce(options: { slower: boolean; scenarios: string[]; seed: number }): Promise<Proof> {
  const args = ['run', '--profile', 'light', '--against', 'HEAD', '--json', '--seed', String(options.seed)];
  if (options.scenarios.length > 0) args.push('--scenario', ...options.scenarios);
  if (options.slower) args.push('--gateway-node-options', `--import=${slowerCalls}`);
  const { stdout, stderr } = await runHarness(args);
  const last = stdout.trimEnd().split('\n').at(-1) ?? '';
  if (!last.startsWith('{')) throw new Error(`the run gave no summary: ${stderr}`);
  const summary = JSON.parse(last) as { runFolder: string; exitCode: number; elapsedSeconds: number };
  const { result } = readResult(summary.runFolder);
  const analysis = analyze(result);
  const rows = analysis.comparison?.rows ?? [];
  const cpu = rows.filter((row) => row.metric === 'cpu.per_request' && row.ratio !== null);
  return {
    exitCode: summary.exitCode,
    verdict: analysis.verdict.reasons.join('; '),
    regressions: rows.filter((row) => row.status === 'regression').map((row) => `${row.scenario} ${row.metric}`),
    cpuRatios: Object.fromEntries(cpu.map((row) => [row.scenario, row.ratio ?? Number.NaN])),
    smallestVisiblePercent: Math.max(...cpu.map((row) => row.smallestVisiblePercent ?? Number.POSITIVE_INFINITY)),
    elapsedSeconds: summary.elapsedSeconds,
    runFolder: summary.runFolder,
  };
}

function runHarness(args: string[]): Promise<{ stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const command = [join(repository, 'harness/bin/harness.js'), ...args];
    execFile(process.execPath, command, { cwd: repository, maxBuffer: 64 * 1024 * 1024 }, (_, stdout, stderr) =>
      resolve({ stdout, stderr }),
    );
  });
}

async function prove(): Promise<void> {
  const { values } = parseArgs({
    options: { times: { type: 'string', default: '5' }, scenario: { type: 'string', multiple: true, default: [] } },
  });
  process.stdout.write(
    '| gate | seed | CPU per request, ratio | smallest visible | regressions | exit code | minutes |\n|---|---|---|---|---|---|---|\n',
  );
  let failures = 0;
  for (const slower of [false, true]) {
    for (let seed = 1; seed <= Number(values.times); seed++) {
      const proof = await proveOnce({ slower, scenarios: values.scenario, seed });
      if (slower ? proof.exitCode !== 1 || proof.regressions.length === 0 : proof.regressions.length > 0) failures += 1;
      const ratios = Object.values(proof.cpuRatios).map((ratio) => ratio.toFixed(3));
      const cells = [
        slower ? '+20 % CPU' : 'A/A',
        seed,
        ratios.join(' '),
        `${proof.smallestVisiblePercent.toFixed(1)} %`,
      ];
      cells.push(proof.regressions.join(', ') || 'none', proof.exitCode, (proof.elapsedSeconds / 60).toFixed(1));
      process.stdout.write(`| ${cells.join(' | ')} |\n`);
    }
  }
  process.stdout.write(`\n${failures === 0 ? 'proved' : `${failures} gates decided wrongly`}\n`);
  process.exitCode = failures === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await prove();
