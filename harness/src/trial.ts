// One trial: requests prepared, warm-up, ceiling, load under watch, validity, created rows removed.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { judgeTrial } from './analyze/validity.ts';
import { withDescendants } from './collect/proc/process.ts';
import { diffUsage, readUsage, type UsageReading } from './collect/usage.ts';
import type { Watch } from './collect/watch.ts';
import { HarnessError } from './errors.ts';
import type { RunningGateway, RunningInfrastructure } from './infra/infrastructure.ts';
import type { Registration } from './infra/registration.ts';
import { measureCeiling } from './load/ceiling.ts';
import type { LoadJob, PreparedRequest } from './load/driver.ts';
import { drivers } from './load/index.ts';
import { directNames, prepareRequests, type TargetNames } from './load/requests.ts';
import { Turns } from './load/turns.ts';
import { warmUp } from './load/warm-up.ts';
import { metrics } from './metrics.ts';
import type { LoadProfile } from './plan/load-profile.ts';
import type { PlannedTrial, SubjectName } from './plan/plan.ts';
import { folders } from './plan/read.ts';
import type { Scenario } from './plan/scenario.ts';
import { deriveSeed } from './random.ts';
import type { LoadResult, TrialResult } from './result/result.ts';

export interface TrialContext {
  runId: string;
  runFolder: string;
  seed: number;
  profile: LoadProfile;
  scenarios: Map<string, Scenario>;
  infrastructure: RunningInfrastructure;
  registrations: Map<SubjectName, Registration>;
  watch: Watch | null;
  /** The generator's ceiling by scenario: measured once in a run. */
  ceilings: Map<string, NonNullable<TrialResult['ceiling']>>;
  /** Processes of the generators that run now: collectors watch them. */
  loadPids: Set<number>;
  signal: AbortSignal;
}

/** An answer that takes longer is a failure. */
const TIMEOUT_MS = 10_000;
/** Different requests of a scenario; more would only cost memory. */
const DISTINCT_REQUESTS = 1000;
const REQUEST_FILE_BYTES = 8 * 1024 * 1024;
/** Different requests of the warm-up; where each may be sent once, all there are. */
const WARMUP_REQUESTS = 1000;
/** What this run creates under load begins so: another run on the same target keeps its own. */
function createdPrefix({ runId }: TrialContext): string {
  return `gatebench-load-${runId}-`;
}

/** A trial's place among those that take turns with it. */
interface Turn {
  /** Gives the turn away and resolves when the next one begins. */
  next(): Promise<void>;
  /** Takes no more, and resolves when nobody does. */
  finish(): Promise<void>;
}

/**
 * Runs one trial, or those that take turns: while they are prepared and loaded only one of them does anything, the others wait, warm
 * and connected.
 * @param report the phase that goes on, for the live display
 * @param onEnded a trial that has ended, also when another is interrupted then
 * @throws INTERRUPTED; everything else that goes wrong makes a trial that did not run, with its reason
 */
export async function runTrials(
  context: TrialContext,
  planned: readonly PlannedTrial[],
  report: (phase: string) => void,
  onEnded: (trial: TrialResult) => void,
): Promise<void> {
  const turns = new Turns(planned.length);
  const runs = planned.map(async (each, side) => {
    try {
      await turns.next(side);
      const turn: Turn = { next: () => turns.next(side), finish: () => turns.finish(side) };
      onEnded(await runTrial(context, each, turn, report));
    } finally {
      turns.leave(side);
    }
  });
  for (const run of await Promise.allSettled(runs)) if (run.status === 'rejected') throw run.reason;
}

async function runTrial(
  context: TrialContext,
  planned: PlannedTrial,
  turn: Turn,
  report: (phase: string) => void,
): Promise<TrialResult> {
  const result = emptyTrial(planned);
  try {
    const ran = await runInto(context, planned, result, turn, report).finally(() => removeCreated(context, planned));
    report('cool-down');
    // A Ctrl-C ends the pause, not the trial.
    await sleep(context.profile.cooldownSeconds * 1000, undefined, { signal: context.signal }).catch(() => undefined);
    return ran;
  } catch (error) {
    if (context.signal.aborted) throw new HarnessError('INTERRUPTED', { detail: planned.id, cause: error });
    return { ...result, status: 'not-run', reason: error instanceof Error ? error.message : String(error) };
  }
}

/** Also after a failure and a Ctrl-C: what was created would burden the trials that follow, and stay with a target that is not ours. */
async function removeCreated(context: TrialContext, planned: PlannedTrial): Promise<void> {
  if (context.scenarios.get(planned.scenario)?.creates !== true) return;
  await context.registrations.get(planned.subject)?.removeCreated(createdPrefix(context));
}

export function emptyTrial(planned: PlannedTrial, reason: string | null = null): TrialResult {
  const { id, scenario, loop, subject, round } = planned;
  return {
    ...{ id, scenario, loop, subject, round, status: 'not-run', reason, startedAtMs: null, endedAtMs: null },
    ...{ warmup: null, ceiling: null, load: null, usage: null, validity: null, artifacts: {} },
  };
}

async function runInto(
  context: TrialContext,
  planned: PlannedTrial,
  result: TrialResult,
  turn: Turn,
  report: (phase: string) => void,
): Promise<TrialResult> {
  const { infrastructure, profile, signal } = context;
  const scenario = context.scenarios.get(planned.scenario);
  const gateway = infrastructure.gateways[planned.subject];
  if (scenario === undefined || gateway === undefined) throw new Error(`${planned.id}: no scenario or no gateway`);
  const target = targetOf(context, scenario, gateway, planned.subject);

  report('warm-up');
  const warmupRequests = prepare(context, planned, scenario, target.names, 'warm-up', WARMUP_REQUESTS);
  const warmup = await warmUp(
    {
      ...target,
      requests: warmupRequests,
      minimum: profile.warmupRequests,
      maxSeconds: profile.maxWarmupSeconds,
      concurrency: Math.min(10, profile.concurrency),
      timeoutMs: TIMEOUT_MS,
    },
    signal,
  );
  if (warmup.answer === null)
    throw new HarnessError('LOAD_FAILED', { detail: `every answer of the warm-up was wrong; ${warmup.fault}` });

  const requestsFile = join(context.runFolder, `${planned.id}.requests.json`);
  const requests = prepare(context, planned, scenario, target.names, 'load', planned.requests);
  writeFileSync(requestsFile, JSON.stringify(requests));
  const warmupFile = join(context.runFolder, `${planned.id}.warm-up.json`);
  // What the harness has sent already cannot be sent again where every request creates something.
  const unsent = scenario.unique ? warmupRequests.slice(warmup.record.requests) : warmupRequests;
  writeFileSync(warmupFile, JSON.stringify(unsent));
  const job: LoadJob = {
    id: planned.id,
    loop: planned.loop,
    baseUrl: target.baseUrl,
    token: target.token,
    requestsFile,
    ratePerSecond: planned.ratePerSecond,
    durationSeconds: planned.durationSeconds,
    requests: planned.requests,
    // Where every request creates something there are no more of them.
    minimumSeconds: scenario.unique ? 0 : profile.minClosedSeconds,
    turnSeconds: planned.turnSeconds,
    concurrency: planned.concurrency,
    timeoutMs: TIMEOUT_MS,
    cpus: infrastructure.pinning.load,
    folder: context.runFolder,
    warmup:
      planned.loop === 'closed' && unsent.length > 0
        ? {
            requestsFile: warmupFile,
            requests: scenario.unique ? unsent.length : Number.MAX_SAFE_INTEGER,
            seconds: profile.generatorWarmupSeconds,
          }
        : null,
  };
  const judged = planned.loop === 'closed' && planned.requests >= metrics.throughput.minimumSamples;
  const ceiling = judged ? await ceilingOf(context, planned, job, warmup.answer) : null;

  const readOwnUsage = () => readGatewayUsage(infrastructure, gateway, planned.subject);
  let before: UsageReading | undefined;
  let startedAtMs = Date.now();
  let endWatch: (() => Promise<TrialResult['artifacts']>) | undefined;
  let forgetGenerator = () => {};
  let load: LoadResult;
  try {
    load = await drivers[planned.engine].run(job, signal, {
      onProcess: (started) => {
        const forget = infrastructure.adopt('the load generator', started);
        context.loadPids.add(started);
        forgetGenerator = () => {
          context.loadPids.delete(started);
          forget();
        };
      },
      onReady: async () => {
        await turn.next();
        if (before !== undefined) return;
        endWatch = await context.watch?.watchTrial(planned);
        before = await readOwnUsage();
        startedAtMs = Date.now();
        report('load');
      },
    });
  } finally {
    forgetGenerator();
    for (const file of [requestsFile, warmupFile]) rmSync(file, { force: true }); // made again from the seed by whoever wants them
  }
  const endedAtMs = Date.now();
  const after = await readOwnUsage();
  await turn.finish(); // the others' last turns come before what ends this trial
  report('collect');
  const artifacts = (await endWatch?.()) ?? {};

  const usage = scenario.target === 'gateway' && before !== undefined ? diffUsage(before, after) : null;
  const ran: TrialResult = {
    ...result,
    status: 'ran',
    startedAtMs,
    endedAtMs,
    warmup: warmup.record,
    ceiling,
    load,
    usage,
    artifacts,
  };
  return { ...ran, validity: judgeTrial(ran, planned, infrastructure.pinning.load.length || undefined) };
}

/** From /proc where the gateway is ours, else from its /metrics; a target without these is measured without CPU figures. */
function readGatewayUsage(
  infrastructure: RunningInfrastructure,
  gateway: RunningGateway,
  subject: SubjectName,
): Promise<UsageReading> {
  const ours = infrastructure.processes().filter((one) => one.role === 'gateway' && one.subject === subject);
  return readUsage(
    // A cluster's workers do the work; their primary only hands out connections.
    ours.flatMap((one) => withDescendants(one.pid)),
    gateway,
  );
}

interface Target {
  baseUrl: string;
  token: string;
  names: TargetNames;
}

function targetOf(context: TrialContext, scenario: Scenario, gateway: RunningGateway, subject: SubjectName): Target {
  if (scenario.target === 'upstream') {
    const direct = context.infrastructure.upstreams[0];
    if (direct === undefined)
      throw new HarnessError('TARGET_DOWN', {
        detail: 'there is no MCP server to load directly',
        hint: 'name one with --upstream-url',
      });
    return { baseUrl: direct.url, token: '', names: directNames };
  }
  const registration = context.registrations.get(subject);
  if (registration === undefined) throw new Error(`nothing is registered with the gateway '${subject}'`);
  const named = (names: Map<string, string>, what: string) => (name: string) => {
    const found = names.get(name);
    if (found === undefined)
      throw new HarnessError('SCENARIO_INVALID', {
        detail: `the target has no ${what} '${name}'; it has: ${[...names.keys()].join(', ')}`,
      });
    return found;
  };
  return {
    baseUrl: gateway.url,
    token: gateway.token,
    names: {
      serverId: registration.serverId,
      toolIds: registration.toolIds.slice(0, 5),
      tool: named(registration.tools, 'tool'),
      resource: named(registration.resources, 'resource'),
      prompt: named(registration.prompts, 'prompt'),
    },
  };
}

function prepare(
  context: TrialContext,
  planned: PlannedTrial,
  scenario: Scenario,
  names: TargetNames,
  phase: 'warm-up' | 'load',
  wanted: number,
): PreparedRequest[] {
  // The partner that is subtracted from this scenario, and the other subject, get the same sequence.
  const seed = deriveSeed(context.seed, scenario.pairedWith ?? scenario.id, planned.loop, planned.round, phase);
  const options = {
    names,
    seed,
    uniquePrefix: `${createdPrefix(context)}${planned.id}-${phase}`,
    payloadFolder: folders.payloads,
  };
  if (scenario.unique) return prepareRequests(scenario, { ...options, count: wanted });
  const [first] = prepareRequests(scenario, { ...options, count: 1 });
  const bytes = JSON.stringify(first).length;
  const count = Math.max(1, Math.min(wanted, DISTINCT_REQUESTS, Math.floor(REQUEST_FILE_BYTES / bytes)));
  return prepareRequests(scenario, { ...options, count });
}

async function ceilingOf(
  context: TrialContext,
  planned: PlannedTrial,
  job: LoadJob,
  answer: { status: number; contentType: string; body: string },
): Promise<NonNullable<TrialResult['ceiling']>> {
  const known = context.ceilings.get(planned.scenario);
  if (known !== undefined) return known;
  const measured = await measureCeiling(
    job,
    answer.body,
    {
      status: answer.status,
      headers: { 'content-type': answer.contentType },
      cpus: context.infrastructure.pinning.gateway,
      seconds: context.profile.ceilingSeconds,
    },
    context.signal,
  );
  context.ceilings.set(planned.scenario, measured);
  return measured;
}
