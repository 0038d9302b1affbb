// From scenarios and profiles to ordered trials. Pure.
import { createRandom, deriveSeed, shuffled } from '../random.ts';
import type { LoadProfile } from './load-profile.ts';
import type { Engine, Loop, Plan, PlannedTrial, SubjectName } from './plan.ts';
import type { Scenario } from './scenario.ts';

export interface PlanRequest {
  scenarios: Scenario[];
  profile: LoadProfile;
  infrastructure: string;
  serverProfile: string;
  engine: Engine | null;
  rounds: number;
  seed: number;
  against: string | null;
}

/** Process start, file writing and counter reading around a trial, seconds; measured on the build machine. */
const TRIAL_OVERHEAD_SECONDS = 0.6;
/** k6's shortest scenario, and what opening its connections takes before loads whose percentiles count. */
const K6_MINIMUM_SECONDS = 1;
const K6_CONNECT_SECONDS = 1.3;
const K6_CONNECT_FROM_REQUESTS = 200;
/** The ceiling's server and generator, started for it. */
const CEILING_OVERHEAD_SECONDS = 0.8;
/**
 * Two builds' closed loops take turns of so long: what the machine does to one it then does to the other. Shorter ones would
 * measure their own beginnings and ends (connections idle until the last answer is there).
 */
const TURN_SECONDS = 0.2;
/** Infrastructure up, registration and report; measured on the build machine. */
const RUN_OVERHEAD_SECONDS = 8;

/**
 * Every scenario runs in its loops, once per round and subject. Within a round the two subjects of a trial follow each
 * other directly; which goes first is random and balanced over the rounds. With several rounds the scenarios are in
 * another random order in each, so that a drift of the machine does not fall on the same ones.
 */
export function makePlan(request: PlanRequest): Plan {
  const subjects: SubjectName[] = request.against === null ? ['current'] : ['current', 'reference'];
  const trials: PlannedTrial[] = [];
  const currentFirst = new Map<string, boolean[]>();
  for (let round = 1; round <= request.rounds; round++) {
    const random = createRandom(deriveSeed(request.seed, 'order', round));
    const groups = groupPartners(request.scenarios);
    for (const scenario of (request.rounds === 1 ? groups : shuffled(random, groups)).flat()) {
      for (const loop of loopsOf(scenario)) {
        // The MCP servers themselves have no builds to compare.
        const compared = scenario.target === 'upstream' ? subjects.slice(0, 1) : subjects;
        const key = `${scenario.id}.${loop}`;
        const order = currentFirst.get(key) ?? balancedOrder(request.rounds, deriveSeed(request.seed, 'first', key));
        currentFirst.set(key, order);
        for (const subject of order[round - 1] ? compared : [...compared].reverse()) {
          trials.push(planTrial(scenario, loop, subject, round, request));
        }
      }
    }
  }
  return {
    profile: request.profile.id,
    infrastructure: request.infrastructure,
    serverProfile: request.serverProfile,
    engine: request.engine,
    rounds: request.rounds,
    seed: request.seed,
    against: request.against,
    scenarios: request.scenarios.map((scenario) => scenario.id),
    expectedSeconds: RUN_OVERHEAD_SECONDS + trials.reduce((sum, trial) => sum + trial.expectedSeconds, 0),
    trials,
  };
}

/** Scenarios that are subtracted from each other stand side by side: close in time, they share the machine's mood. */
function groupPartners(scenarios: Scenario[]): Scenario[][] {
  const groups = new Map<string, Scenario[]>();
  for (const scenario of scenarios) {
    const key = scenario.pairedWith ?? scenario.id;
    groups.set(key, [...(groups.get(key) ?? []), scenario]);
  }
  return [...groups.values()];
}

function loopsOf(scenario: Scenario): Loop[] {
  return [...(scenario.load.open ? (['open'] as const) : []), ...(scenario.load.closed ? (['closed'] as const) : [])];
}

/** For each round, whether `current` goes first: half of the rounds, in random order. */
function balancedOrder(rounds: number, seed: number): boolean[] {
  return shuffled(
    createRandom(seed),
    Array.from({ length: rounds }, (_, index) => index % 2 === 0),
  );
}

function planTrial(
  scenario: Scenario,
  loop: Loop,
  subject: SubjectName,
  round: number,
  request: PlanRequest,
): PlannedTrial {
  const { profile } = request;
  const common = { id: `${scenario.id}.${loop}.${subject}.r${round}`, scenario: scenario.id, loop, subject, round };
  const overhead = TRIAL_OVERHEAD_SECONDS + profile.cooldownSeconds;
  if (loop === 'closed') {
    // Three times the SLO rate is what a closed loop does on average on the build machine.
    const wanted = Math.max(profile.minClosedSeconds, profile.requests / (scenario.load.ratePerSecond * 3));
    const load = Math.min(profile.maxClosedSeconds, wanted);
    const ceiling =
      round === 1 ? profile.ceilingSeconds + profile.generatorWarmupSeconds + CEILING_OVERHEAD_SECONDS : 0;
    const expected = load + profile.generatorWarmupSeconds + (profile.requests < 500 ? 0 : ceiling);
    return {
      ...common,
      engine: 'autocannon',
      requests: profile.requests,
      concurrency: profile.concurrency,
      ratePerSecond: null,
      durationSeconds: profile.maxClosedSeconds,
      turnSeconds: request.against === null || scenario.target === 'upstream' ? null : TURN_SECONDS,
      expectedSeconds: round2(expected + overhead),
      note: null,
    };
  }
  const rate = scenario.load.ratePerSecond * profile.rateFactor;
  const wanted = profile.requests / rate;
  const limit = Math.max(profile.maxOpenSeconds, profile.minTailSamples / rate);
  const duration = round2(Math.min(wanted, limit));
  const requests = Math.max(1, Math.floor(duration * rate));
  const connecting = requests < K6_CONNECT_FROM_REQUESTS ? 0 : K6_CONNECT_SECONDS;
  return {
    ...common,
    engine: request.engine ?? 'k6',
    requests,
    concurrency: profile.concurrency,
    ratePerSecond: round2(rate),
    durationSeconds: duration,
    turnSeconds: null,
    expectedSeconds: round2(Math.max(K6_MINIMUM_SECONDS, duration) + connecting + overhead),
    note:
      requests < profile.requests
        ? `${requests} of ${profile.requests} requests: at ${round2(rate)}/s all of them would take ${Math.round(wanted)} s, the profile allows ${duration} s`
        : null,
  };
}

function round2(value: number): number {
  return Math.round(value * 100) / 100;
}
