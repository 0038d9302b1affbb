// The pipeline: infrastructure → registration → for each round and trial: warm-up, collectors, load, artifacts → result.
import { collectors } from './collect/index.ts';
import { startWatch, type Watch } from './collect/watch.ts';
import { HarnessError } from './errors.ts';
import { checkHealth, checkToken } from './infra/check-gateway.ts';
import { infrastructures } from './infra/index.ts';
import type { InfrastructureRequest, RunningInfrastructure } from './infra/infrastructure.ts';
import { type Registration, register } from './infra/registration.ts';
import { drivers } from './load/index.ts';
import type { PerfConfig } from './plan/config.ts';
import type { LoadProfile } from './plan/load-profile.ts';
import type { Plan, PlannedTrial, SubjectName } from './plan/plan.ts';
import type { Scenario } from './plan/scenario.ts';
import { type Progress, toMinutes } from './progress.ts';
import { readEnvironment } from './result/environment.ts';
import type { RunResult, TrialResult } from './result/result.ts';
import { type RunFolder, writeResult } from './result/run-folder.ts';
import { emptyTrial, runTrials, type TrialContext } from './trial.ts';
import { version } from './version.ts';

export interface RunRequest {
  plan: Plan;
  config: PerfConfig;
  scenarios: Scenario[];
  profile: LoadProfile;
  infrastructure: Omit<InfrastructureRequest, 'runFolder' | 'report'>;
  /** Keeps the names of what is registered apart from what the target already has; empty where the gateway is ours. */
  registrationPrefix: string;
  monitoring: boolean;
  command: string;
  folder: RunFolder;
}

/**
 * Runs the plan. Never throws for what happens on the way, be it a defect of ours: the result says what was reached, what failed and why, and lies
 * in the run folder. `failure` is the error to tell the user. When it returns, everything that was started is gone.
 */
export async function run(
  request: RunRequest,
  progress: Progress,
  signal: AbortSignal,
): Promise<{ result: RunResult; failure: HarnessError | null }> {
  const startedAtMs = Date.now();
  const result = await beginResult(request, startedAtMs, progress);
  let failure: HarnessError | null = null;
  try {
    await measure(request, result, progress, signal);
  } catch (error) {
    failure = toHarnessError(error, signal);
    result.status = failure.code === 'INTERRUPTED' ? 'interrupted' : 'failed';
    result.failure = { code: failure.code, message: failure.message };
  }
  const done = new Set(result.trials.map((trial) => trial.id));
  const why = failure === null ? null : failure.message;
  for (const planned of request.plan.trials) if (!done.has(planned.id)) result.trials.push(emptyTrial(planned, why));
  const places = new Map(request.plan.trials.map(({ id }, index) => [id, index]));
  result.trials.sort((a, b) => (places.get(a.id) ?? 0) - (places.get(b.id) ?? 0));
  result.elapsedSeconds = (Date.now() - startedAtMs) / 1000;
  writeResult(request.folder, result);
  return { result, failure };
}

async function measure(request: RunRequest, result: RunResult, progress: Progress, signal: AbortSignal): Promise<void> {
  const { plan, folder } = request;
  progress.note(`${plan.trials.length} trials, expected time ${toMinutes(plan.expectedSeconds)}`);
  const tools = await progress.step('load generators', null, (update) => prepareDrivers(plan, update, signal));
  Object.assign(result.environment.tools, tools);

  await using infrastructure = await progress.step('infrastructure', 8, async (update) => {
    const lines: string[] = [];
    const report = (line: string) => {
      lines.push(line);
      update(line);
    };
    const kind = infrastructures[request.infrastructure.profile.kind];
    const running = await kind.start({ ...request.infrastructure, runFolder: folder.path, report }, signal);
    return [running, lines.join(' · ')];
  });
  result.pinning = infrastructure.pinning;
  result.subjects = Object.values(infrastructure.gateways).map(({ subject }) => subject);
  if (infrastructure.postgresVersion !== undefined) result.environment.tools.postgres = infrastructure.postgresVersion;

  const gateways = Object.values(infrastructure.gateways);
  await progress.step('health check', 1, async () => {
    const told = await Promise.all(gateways.map(({ url }) => checkHealth(url, signal)));
    return [undefined, told.join(', ')];
  });
  await progress.step('token', 1, async () => {
    await Promise.all(gateways.map(({ url, token }) => checkToken(url, token, signal)));
    return [undefined, 'accepted'];
  });
  const registrations = await progress.step('register upstreams and virtual server', 2, () =>
    registerAll(request, infrastructure, signal),
  );
  try {
    const loadPids = new Set<number>();
    await using watch = request.monitoring ? await watchOver(request, infrastructure, loadPids) : null;
    const context: TrialContext = {
      runId: folder.id.replace(/^results_/, ''),
      runFolder: folder.path,
      seed: plan.seed,
      profile: request.profile,
      scenarios: new Map(request.scenarios.map((scenario) => [scenario.id, scenario])),
      infrastructure,
      registrations,
      watch,
      ceilings: new Map(),
      loadPids,
      signal,
    };
    try {
      await runPlan(request, context, result, progress);
    } finally {
      if (watch !== null) {
        result.series = watch.series();
        result.collectors = watch.summary();
      }
    }
  } finally {
    for (const registration of registrations.values())
      if (request.registrationPrefix !== '') await registration.remove();
  }
}

async function runPlan(
  request: RunRequest,
  context: TrialContext,
  result: RunResult,
  progress: Progress,
): Promise<void> {
  const { trials } = request.plan;
  let round = 1;
  let done = 0;
  for (const group of groupTurns(trials)) {
    const [first] = group;
    if (first.round !== round) await beginRound(context, result, first.round, progress);
    round = first.round;
    const place = group.length === 1 ? `${done + 1}` : `${done + 1}–${done + group.length}`;
    const expected = group.reduce((sum, trial) => sum + trial.expectedSeconds, 0);
    await progress.step(`[${place}/${trials.length}] ${describe(group)}`, expected, async (update) => {
      const ended: TrialResult[] = [];
      await runTrials(context, group, update, (trial) => {
        ended.push(trial);
        result.trials.push(trial);
      });
      return [undefined, ended.map(summarize).join(' · ')];
    });
    done += group.length;
    writeResult(request.folder, result); // a killed run leaves what it had
  }
}

/** Trials that take turns stand side by side in the plan: same scenario, loop and round, another subject. */
function groupTurns(trials: readonly PlannedTrial[]): [PlannedTrial, ...PlannedTrial[]][] {
  const groups: [PlannedTrial, ...PlannedTrial[]][] = [];
  for (const trial of trials) {
    const group = groups.at(-1);
    const [last] = group ?? [];
    const together =
      trial.turnSeconds !== null &&
      last !== undefined &&
      last.turnSeconds === trial.turnSeconds &&
      last.scenario === trial.scenario &&
      last.round === trial.round;
    if (together) group?.push(trial);
    else groups.push([trial]);
  }
  return groups;
}

/** State is reset between rounds: every gateway of ours starts again, with empty caches. */
async function beginRound(context: TrialContext, result: RunResult, round: number, progress: Progress): Promise<void> {
  await progress.step(`round ${round}: restart the gateway`, 1, async () => {
    const names = Object.keys(context.infrastructure.gateways) as SubjectName[];
    for (const name of names) await context.infrastructure.restartGateway(name);
    return [undefined, names.join(', ')];
  });
  result.subjects = Object.values(context.infrastructure.gateways).map((gateway) => gateway.subject);
}

/** Finds or fetches the generators of the plan: their versions, and a line that names them. */
export async function prepareDrivers(
  plan: Plan,
  update: (line: string) => void,
  signal: AbortSignal,
): Promise<[Record<string, string>, string]> {
  const engines = [...new Set(plan.trials.map((trial) => trial.engine))];
  const tools: Record<string, string> = {};
  for (const engine of engines) tools[engine] = (await drivers[engine].prepare(update, signal)).version;
  return [
    tools,
    Object.entries(tools)
      .map((entry) => entry.join(' '))
      .join(' · '),
  ];
}

async function registerAll(
  request: RunRequest,
  infrastructure: RunningInfrastructure,
  signal: AbortSignal,
): Promise<[Map<SubjectName, Registration>, string]> {
  const registrations = new Map<SubjectName, Registration>();
  const entries = Object.entries(infrastructure.gateways) as [
    SubjectName,
    NonNullable<RunningInfrastructure['gateways'][SubjectName]>,
  ][];
  for (const [name, gateway] of entries) {
    registrations.set(name, await register(gateway, infrastructure.upstreams, request.registrationPrefix, signal));
  }
  const [first] = registrations.values();
  return [registrations, `${first?.counts.gateways ?? 0} MCP servers, ${first?.counts.tools ?? 0} tools`];
}

function watchOver(
  request: RunRequest,
  infrastructure: RunningInfrastructure,
  loadPids: ReadonlySet<number>,
): Promise<Watch> {
  return startWatch(Object.values(collectors), {
    infrastructure,
    loadPids,
    runFolder: request.folder.path,
    intervalSeconds: request.config.monitoring.intervalSeconds,
  });
}

async function beginResult(request: RunRequest, startedAtMs: number, progress: Progress): Promise<RunResult> {
  return {
    schemaVersion: 1,
    id: request.folder.id,
    startedAtMs,
    elapsedSeconds: 0,
    status: 'complete',
    failure: null,
    command: request.command,
    plan: request.plan,
    config: request.config,
    scenarios: request.scenarios,
    subjects: [],
    environment: await readEnvironment({ harness: version }),
    pinning: { pinned: false, gateway: [], load: [], others: [], note: 'nothing was started' },
    steps: progress.steps,
    trials: [],
    series: { columns: [], rows: [] },
    collectors: [],
  };
}

function describe([planned, ...others]: [PlannedTrial, ...PlannedTrial[]]): string {
  const load =
    planned.ratePerSecond === null
      ? `${planned.concurrency} connections`
      : `${planned.ratePerSecond}/s for ${planned.durationSeconds} s`;
  const subjects = [planned, ...others].map((each) => each.subject).join(' and ');
  const round = planned.round > 1 || subjects !== 'current' ? ` · ${subjects} round ${planned.round}` : '';
  return `${planned.scenario} · ${planned.loop} · ${load}${round}`;
}

function summarize(trial: TrialResult): string {
  if (trial.load === null) return `NOT RUN: ${trial.reason}`;
  const failed = trial.validity?.checks.filter((check) => check.fatal && !check.passed).map((check) => check.id) ?? [];
  const validity = failed.length === 0 ? 'valid' : `INVALID (${failed.join(', ')})`;
  return `${trial.load.succeeded} right, ${trial.load.failed} wrong, ${trial.load.achievedRate.toFixed(0)}/s, ${validity}`;
}

/** What to tell the user of anything that was thrown. */
export function toHarnessError(error: unknown, signal: AbortSignal): HarnessError {
  if (signal.aborted) return new HarnessError('INTERRUPTED', { detail: 'stopped on request', cause: error });
  const known = causesOf(error).find((each) => each instanceof HarnessError);
  if (known !== undefined) return known;
  const system = causesOf(error).find(
    (each): each is NodeJS.ErrnoException => each instanceof Error && 'syscall' in each,
  );
  if (system !== undefined) {
    const code = system.code === 'ENOSPC' || system.code === 'EDQUOT' ? 'DISK_FULL' : 'SYSTEM_FAILED';
    return new HarnessError(code, { detail: system.message, cause: error });
  }
  return new HarnessError('INTERNAL', {
    detail: error instanceof Error ? (error.stack ?? error.message) : String(error),
  });
}

/** The error itself, or what it suppressed or gathered while parts were stopped because of it; the first failure first. */
function causesOf(error: unknown): unknown[] {
  // Node 20 has no class for it: `await using` then makes an Error with these members.
  if (error instanceof Error && 'suppressed' in error && 'error' in error)
    return [...causesOf(error.suppressed), ...causesOf(error.error)];
  if (error instanceof AggregateError) return error.errors.flatMap(causesOf);
  return [error];
}
