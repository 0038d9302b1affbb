// Proves the gate on this machine: A/A runs must show no regression, runs with 20 % more CPU per call must be caught.
// Writes docs/statistics.md: npm run prove:gate -- [--times 5] [--scenario ID…]
// With --judge RUN_FOLDER… it judges runs of an earlier proof again instead of making new ones.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { describeMachine, heading, row, writeMeasured } from '@gatebench/gateway/write-measured';
import { analyze } from '../src/analyze/index.ts';
import { repository } from '../src/paths.ts';
import { readResult } from '../src/result/run-folder.ts';

export interface Proof {
  /** Whether the current side burned 20 % more CPU per request. */
  slower: boolean;
  seed: number;
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
export async function proveOnce(options: {
  slower: boolean;
  scenarios: string[];
  seed: number;
  /** As many as the gate itself takes, when left out. */
  rounds?: number;
}): Promise<Proof> {
  const args = ['run', '--profile', 'light', '--against', 'HEAD', '--json', '--seed', String(options.seed)];
  if (options.rounds !== undefined) args.push('--rounds', String(options.rounds));
  if (options.scenarios.length > 0) args.push('--scenario', ...options.scenarios);
  if (options.slower) args.push('--gateway-node-options', `--import=${slowerCalls}`);
  const { stdout, stderr } = await runHarness(args);
  const last = stdout.trimEnd().split('\n').at(-1) ?? '';
  if (!last.startsWith('{')) throw new Error(`the run gave no summary: ${stderr}`);
  const { runFolder, exitCode } = JSON.parse(last) as { runFolder: string; exitCode: number };
  return { ...readProof(runFolder), exitCode };
}

/** What a run that is over proves, judged by the analysis as it is now. */
function readProof(runFolder: string): Proof {
  const { result } = readResult(runFolder);
  const analysis = analyze(result);
  const rows = analysis.comparison?.rows ?? [];
  const cpu = rows.filter((each) => each.metric === 'cpu.per_request' && each.ratio !== null);
  return {
    slower: result.command.includes('slower-calls'),
    seed: result.plan.seed,
    exitCode: analysis.verdict.exitCode,
    verdict: analysis.verdict.reasons.join('; '),
    regressions: rows.filter((each) => each.status === 'regression').map((each) => `${each.scenario} ${each.metric}`),
    cpuRatios: Object.fromEntries(cpu.map((each) => [each.scenario, each.ratio ?? Number.NaN])),
    smallestVisiblePercent: Math.max(...cpu.map((each) => each.smallestVisiblePercent ?? Number.POSITIVE_INFINITY)),
    elapsedSeconds: result.elapsedSeconds,
    runFolder,
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

/** Runs one after the other, each told as soon as it is there. */
async function* makeProofs(times: number, scenarios: string[]): AsyncGenerator<Proof> {
  for (const slower of [false, true])
    for (let seed = 1; seed <= times; seed++) yield await proveOnce({ slower, scenarios, seed });
}

async function prove(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: {
      times: { type: 'string', default: '5' },
      scenario: { type: 'string', multiple: true, default: [] },
      judge: { type: 'boolean', default: false },
    },
    allowPositionals: true,
  });
  const proofs = values.judge ? positionals.map(readProof) : makeProofs(Number(values.times), values.scenario);
  const head = ['gate', 'seed', 'CPU per request, ratio', 'smallest visible', 'regressions', 'exit code', 'minutes'];
  const lines = heading(...head);
  process.stdout.write(`${lines.join('\n')}\n`);
  const scenarios = new Set<string>();
  let wrong = 0;
  for await (const proof of proofs) {
    const { slower, seed, exitCode, regressions } = proof;
    if (slower ? exitCode !== 1 || regressions.length === 0 : regressions.length > 0) wrong += 1;
    const ratios = Object.entries(proof.cpuRatios).map(([scenario, ratio]) => {
      scenarios.add(scenario);
      return ratio.toFixed(3);
    });
    const visible = `${proof.smallestVisiblePercent.toFixed(1)} %`;
    const told = [regressions.join(', ') || 'none', exitCode, (proof.elapsedSeconds / 60).toFixed(1)];
    lines.push(row(slower ? '+20 % CPU' : 'A/A', seed, ratios.join(' '), visible, ...told));
    process.stdout.write(`${lines.at(-1)}\n`);
  }
  const outcome = wrong === 0 ? 'all decided rightly' : `${wrong} decided wrongly`;
  process.stdout.write(`\n${outcome}\n`);
  const title = `${describeMachine()}; ${[...scenarios].join(', ')}; ${lines.length - 2} gates: ${outcome}.`;
  writeMeasured('docs/statistics.md', 'harness/bench/gate.ts', [title, '', ...lines]);
  process.exitCode = wrong === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await prove();
