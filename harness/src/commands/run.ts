// `npm run perf`: arguments → plan → run → analysis → reports → exit code.
import { setMaxListeners } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { extname, join, resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { execa } from 'execa';
import type { Analysis } from '../analyze/analysis.ts';
import { analyze } from '../analyze/index.ts';
import { refuseMismatches } from '../analyze/match.ts';
import { DEFAULT_ROUNDS } from '../analyze/stats/power.ts';
import type { HarnessError } from '../errors.ts';
import { checkBaselineName, keepBaseline, keepComparedWith, readBaseline } from '../gate/baselines.ts';
import { describeBuild } from '../infra/build-description.ts';
import type { SubjectRequest } from '../infra/infrastructure.ts';
import { buildWorktree } from '../infra/worktree.ts';
import { directNames, prepareRequests } from '../load/requests.ts';
import { checkGateMetrics, checkSloNames } from '../metrics.ts';
import { repository } from '../paths.ts';
import type { PerfConfig } from '../plan/config.ts';
import { makePlan } from '../plan/make-plan.ts';
import type { Plan } from '../plan/plan.ts';
import {
  chooseScenarios,
  folders,
  readConfig,
  readInfrastructureProfile,
  readLoadProfile,
  readPostgresProfile,
  readScenarios,
  readServerProfile,
} from '../plan/read.ts';
import type { Scenario } from '../plan/scenario.ts';
import { createProgress, type Progress, toMinutes } from '../progress.ts';
import { reporters } from '../report/index.ts';
import { renderTerminal } from '../report/terminal.ts';
import { writeCsvFiles } from '../result/csv.ts';
import { readEnvironment } from '../result/environment.ts';
import type { RunResult } from '../result/result.ts';
import { createRunFolder, type RunFolder, writeWhole } from '../result/run-folder.ts';
import { prepareDrivers, type RunRequest, run } from '../run.ts';
import { version } from '../version.ts';
import { printScenarios } from './list.ts';
import {
  baselineName,
  checkCombinations,
  defaultConfig,
  defaultRounds,
  type RunOptions,
  readTarget,
  repeatCommand,
} from './run-options.ts';

const examples = `
Examples:
  npm run perf -- --profile smoke                         is everything there and working? at most a minute
  npm run perf -- --profile medium                        the main job: every scenario, at most ten minutes
  npm run perf -- -p light --scenario tools_call_simple   one scenario
  npm run perf -- --list-scenarios                        what there is to run
  npm run perf -- -p light --baseline main                keep this machine's figures as baselines/main.json
  npm run perf -- -p light --compare-with main            fail when something got slower since
  npm run perf -- -p light --against origin/main          build that commit too and run both in interleaved pairs
  npm run perf -- -p medium --server-profile minimal      other settings of the gateway
  npm run perf -- -p smoke --engine autocannon            without k6
  npm run perf -- -p medium --rounds 5 --seed 7           repeat with other requests
  npm run perf -- -p smoke --dry-run                      show the plan and its expected time, start nothing
  npm run perf -- -c team.config.yaml                     another configuration: scenarios, SLOs, thresholds
  npm run perf -- --infrastructure embedded               what is started: infra-profiles/*.yaml
  npm run perf -- -p smoke --skip-monitoring --skip-report   figures only
  npm run perf -- -p smoke --open                         show the report in the browser at the end
  npm run perf -- -p light --compare-with main --force-compare   although machine or tools differ
  npm run perf -- -p light --gateway-node-options "--max-semi-space-size=64"
  npm run perf -- -p light --json --output report.html    for scripts: the last line is one JSON object
  TOKEN=… npm run perf -- -p light --target-url http://127.0.0.1:4444 --token-env TOKEN
                                                          measure a gateway that is already running …
  TOKEN=… npm run perf -- -p light --target-url http://127.0.0.1:4444 --token-env TOKEN --upstream-url http://127.0.0.1:9010
                                                          … with an MCP server that it can reach

Exit codes: 0 pass · 1 an SLO missed or a regression · 2 bad usage or configuration · 3 infrastructure ·
            4 invalid or undecided measurement · 130 interrupted`;

export function addRunCommand(program: Command): void {
  program
    .command('run')
    .description('start the infrastructure, run the scenarios, write the report, judge it')
    .option('-p, --profile <id>', 'load profile: smoke, light, medium, heavy (default: of the configuration)')
    .option('-c, --config <file>', 'what to run, SLO overrides, gate thresholds', defaultConfig)
    .option('--scenario <id...>', 'only these scenarios', [])
    .option('--list-scenarios', 'name every scenario and end')
    .option('--infrastructure <id>', 'infrastructure profile (default: of the configuration)')
    .option('--server-profile <id>', 'settings of the gateway (default: of the infrastructure profile)')
    .addOption(
      new Option('--engine <engine>', 'who drives the open loop (default: k6); closed loops are autocannon’s').choices([
        'k6',
        'autocannon',
      ]),
    )
    .option(
      '--rounds <n>',
      `repeat everything so often (default: 1; ${DEFAULT_ROUNDS.paired} with --against, ${DEFAULT_ROUNDS.separate} when keeping or comparing)`,
      toPositiveInteger,
    )
    .option('--seed <n>', 'of requests, order and resampling', toInteger, 1)
    .option('--skip-monitoring', 'no collectors')
    .option('--skip-report', 'no HTML report; result.json is always written')
    .option('--baseline [name]', 'keep this run as baselines/NAME.json (default name: baseline)')
    .option('--compare-with <name|folder>', 'compare with a kept baseline or another run folder')
    .option('--force-compare', 'compare although machine, profile, scenarios or tools differ')
    .option('--against <git_ref>', 'build that commit too and run both gateways in interleaved pairs')
    .option('--output <file>', 'a copy of the result or report: .json, .html, .md, .csv, .xml (JUnit)')
    .option('--open', 'open the report in the browser')
    .option('--dry-run', 'print the plan and its expected time, start nothing')
    .option('--json', 'the last line on stdout is one JSON object')
    .option('--target-url <url>', 'measure a gateway that is already running')
    .option('--token-env <name>', 'environment variable that holds the bearer token for --target-url')
    .option('--upstream-url <url>', 'MCP server that the target can reach (default: ours, started on loopback)')
    .option(
      '--gateway-node-options <options>',
      'NODE_OPTIONS of the measured gateway, such as "--max-semi-space-size=64"',
    )
    .addHelpText('after', examples)
    .action(async (options: RunOptions) => {
      if (options.listScenarios === true) {
        printScenarios();
        return;
      }
      process.exitCode = await runCommand(options);
    });
}

async function runCommand(options: RunOptions): Promise<number> {
  const startedAt = Date.now();
  checkCombinations(options);
  const config = readConfig(resolve(options.config));
  const scenarios = chooseScenarios(readScenarios(), config, options.scenario);
  checkSloNames(scenarios);
  checkGateMetrics(config.gate);
  checkTemplates(scenarios);
  if (options.baseline !== undefined) checkBaselineName(baselineName(options.baseline));
  const profile = readLoadProfile(options.profile ?? config.profile);
  const infrastructure = readInfrastructureProfile(
    options.targetUrl === undefined ? (options.infrastructure ?? config.infrastructure) : 'external',
  );
  const serverProfile = readServerProfile(options.serverProfile ?? infrastructure.serverProfile);
  const postgresProfile = readPostgresProfile(infrastructure.postgres.profile);
  const plan = makePlan({
    scenarios,
    profile,
    infrastructure: infrastructure.id,
    serverProfile: serverProfile.id,
    engine: options.engine ?? null,
    rounds: options.rounds ?? defaultRounds(options),
    seed: options.seed,
    against: options.against ?? null,
  });
  // Read before the load: a run of minutes must not end with "no such baseline".
  const baseline = options.compareWith === undefined ? null : readBaseline(options.compareWith);
  const target = readTarget(options);
  if (options.dryRun === true) {
    printPlan(plan);
    return 0;
  }

  const interruption = new AbortController();
  setMaxListeners(0, interruption.signal); // every wait and every request of a run listens to it
  const stopListening = listenForInterrupt(interruption);
  const progress = createProgress(interruption.signal);
  try {
    if (baseline !== null && options.forceCompare !== true)
      await refuseBaseline(baseline, plan, scenarios, progress, interruption.signal);
    const subjects = await prepareSubjects(options, progress, interruption.signal);
    const folder = createRunFolder(profile.id, new Date());
    const request: RunRequest = {
      plan,
      config,
      scenarios,
      profile,
      infrastructure: {
        profile: infrastructure,
        serverProfile,
        postgresProfile,
        subjects,
        gatewayEnvironment:
          options.gatewayNodeOptions === undefined ? {} : { current: { NODE_OPTIONS: options.gatewayNodeOptions } },
        ...(target === null ? {} : { target }),
      },
      registrationPrefix: target === null ? '' : `gatebench-${folder.id.replace(/\D+/g, '')}-`,
      monitoring: config.monitoring.enabled && options.skipMonitoring !== true,
      command: repeatCommand(plan, options),
      folder,
    };
    const { result, failure } = await run(request, progress, interruption.signal);
    if (baseline !== null) {
      const force = options.forceCompare === true;
      keepComparedWith(folder.path, { name: options.compareWith ?? '', force, result: baseline });
    }
    return await finish(options, config, folder, result, failure, baseline, (Date.now() - startedAt) / 1000);
  } finally {
    stopListening();
  }
}

async function finish(
  options: RunOptions,
  config: PerfConfig,
  folder: RunFolder,
  result: RunResult,
  failure: HarnessError | null,
  baseline: RunResult | null,
  elapsedSeconds: number,
): Promise<number> {
  const analysis = analyze(result, {
    config,
    force: options.forceCompare === true,
    ...(baseline === null ? {} : { baseline, baselineName: options.compareWith ?? '' }),
  });
  writeCsvFiles(result, folder.path);
  const reporting = config.reporting.enabled && options.skipReport !== true;
  if (reporting) await writeReports(analysis, folder);
  process.stderr.write(`\n${renderTerminal(analysis)}\n`);
  // The table's lines are cut at the terminal's width; what differs has to be read in full.
  const refusal = analysis.verdict.reasons.find((reason) => reason.startsWith('COMPARISON_REFUSED'));
  if (refusal !== undefined) process.stderr.write(`\n${refusal}\n`);
  if (failure !== null) process.stderr.write(`\n${failure.message}\nHint: ${failure.hint}\n`);
  if (options.baseline !== undefined) keepWhole(result, baselineName(options.baseline));
  process.stderr.write(`\nRun folder  ${folder.path}\n`);
  if (reporting) process.stdout.write(`Report      ${folder.reportFile}\n`);
  if (options.output !== undefined) await writeOutput(analysis, folder, resolve(options.output));
  if (options.json === true) {
    const summary = {
      runFolder: folder.path,
      report: reporting ? folder.reportFile : null,
      verdict: analysis.verdict.status,
      exitCode: analysis.verdict.exitCode,
      elapsedSeconds: Math.round(elapsedSeconds * 10) / 10,
    };
    process.stdout.write(`${JSON.stringify(summary)}\n`);
  }
  if (options.open === true && reporting) await openInBrowser(folder.reportFile);
  return analysis.verdict.exitCode;
}

/** A run with holes would leave its successors nothing to compare with, in place of a baseline that was whole. */
function keepWhole(result: RunResult, name: string): void {
  const missing = result.trials.filter((trial) => trial.status !== 'ran').length;
  if (result.status === 'complete' && missing === 0) {
    process.stderr.write(`\nBaseline    ${keepBaseline(result, name)}\n`);
    return;
  }
  const why =
    result.status === 'complete'
      ? `${missing} of ${result.trials.length} trials did not run`
      : `the run ${result.status === 'failed' ? 'failed' : 'was interrupted'}`;
  process.stderr.write(`\nNOT KEPT as baseline '${name}': ${why}\n`);
}

/** The report beside the run folder; Markdown, CSV and JUnit in it. Also what `harness analyze` does again. */
export async function writeReports(analysis: Analysis, folder: RunFolder): Promise<void> {
  writeWhole(folder.reportFile, await reporters.html.render(analysis));
  for (const id of ['markdown', 'csv', 'junit'] as const) {
    const reporter = reporters[id];
    writeWhole(join(folder.path, `report.${reporter.extension}`), await reporter.render(analysis));
  }
}

async function writeOutput(analysis: Analysis, folder: RunFolder, file: string): Promise<void> {
  const extension = extname(file).slice(1);
  if (extension === 'json') {
    writeWhole(file, readFileSync(join(folder.path, 'result.json'), 'utf8'));
    return;
  }
  const reporter = Object.values(reporters).find((one) => one.extension === extension);
  if (reporter !== undefined) writeWhole(file, await reporter.render(analysis));
}

/** Before the load what is known then; the pinned cores are looked at after it. @throws COMPARISON_REFUSED, K6_MISSING */
async function refuseBaseline(
  baseline: RunResult,
  plan: Plan,
  scenarios: Scenario[],
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  await progress.step('does the baseline fit?', null, async (update) => {
    const [tools] = await prepareDrivers(plan, update, signal);
    const environment = await readEnvironment({ harness: version, ...tools });
    refuseMismatches(baseline, { id: 'this run', environment, plan, scenarios });
    return [undefined, baseline.id];
  });
}

async function prepareSubjects(
  options: RunOptions,
  progress: Progress,
  signal: AbortSignal,
): Promise<SubjectRequest[]> {
  const current: SubjectRequest = { name: 'current', folder: repository, build: await describeBuild(repository) };
  const ref = options.against;
  if (ref === undefined) return [current];
  const reference = await progress.step(`build ${ref}`, 15, async (update) => {
    const built = await buildWorktree({ ref, report: update, signal });
    return [built, built.build];
  });
  return [current, { name: 'reference', folder: reference.folder, build: reference.build }];
}

/** Ctrl-C and SIGTERM stop the run in order; the second one gives up waiting. */
function listenForInterrupt(interruption: AbortController): () => void {
  const onSignal = () => {
    if (interruption.signal.aborted) process.exit(130);
    process.stderr.write('\nstopping: what was started ends in order (again to leave at once)\n');
    interruption.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  return () => process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
}

/** A payload that is missing or a template that is wrong is bad input, and said before anything is started. @throws SCENARIO_INVALID */
function checkTemplates(scenarios: Scenario[]): void {
  const options = { names: directNames, count: 1, seed: 1, uniquePrefix: 'check', payloadFolder: folders.payloads };
  for (const scenario of scenarios)
    for (const request of scenario.requests) prepareRequests({ ...scenario, requests: [request] }, options);
}

function printPlan(plan: Plan): void {
  for (const trial of plan.trials) {
    const load =
      trial.ratePerSecond === null
        ? `${trial.requests} requests, ${trial.concurrency} connections, at most ${trial.durationSeconds} s`
        : `${trial.ratePerSecond}/s for ${trial.durationSeconds} s`;
    process.stdout.write(
      `${trial.id.padEnd(52)} ${trial.engine.padEnd(10)} ${load}${trial.note === null ? '' : `  (${trial.note})`}\n`,
    );
  }
  process.stdout.write(`\n${plan.trials.length} trials, expected time ${toMinutes(plan.expectedSeconds)}\n`);
}

async function openInBrowser(file: string): Promise<void> {
  if (!existsSync(file)) return;
  const opener = process.platform === 'darwin' ? 'open' : 'xdg-open';
  const { failed, shortMessage } = await execa(opener, [file], { reject: false });
  if (failed) process.stderr.write(`--open: ${shortMessage}; open it by hand: ${file}\n`);
}

function toPositiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError(`expected a whole number from 1 up, got '${text}'`);
  return value;
}

function toInteger(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value)) throw new InvalidArgumentError(`expected a whole number, got '${text}'`);
  return value;
}
