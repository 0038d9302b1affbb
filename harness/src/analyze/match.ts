// What two results have to share before their figures may be laid side by side, and what differs between them on purpose.
import { isDeepStrictEqual } from 'node:util';
import { HarnessError } from '../errors.ts';
import type { PlannedTrial } from '../plan/plan.ts';
import type { RunResult, Subject } from '../result/result.ts';
import type { Comparison } from './analysis.ts';
import { scenariosOf } from './scenarios-of.ts';

type Difference = Comparison['subject'][number];

/** What of a run decides whether another may be laid beside it: all known before its load, but for the pinned cores. */
export type Setup = Pick<RunResult, 'id' | 'environment' | 'plan' | 'scenarios'> & Partial<Pick<RunResult, 'pinning'>>;

const GIB = 1024 ** 3;
/** What generates and measures the load. Node and PostgreSQL belong to the subject. */
const tools = ['k6', 'autocannon', 'harness'];

function difference(what: string, before: unknown, after: unknown): Difference[] {
  if (isDeepStrictEqual(before, after)) return [];
  const text = (value: unknown): string =>
    value === undefined || value === null ? 'none' : typeof value === 'string' ? value : JSON.stringify(value);
  return [{ what, before: text(before), after: text(after) }];
}

/** Machine, load profile, scenarios, engines, tool versions: what differs here makes any change of a figure mean nothing. */
export function findMismatches(before: Setup, after: Setup): Difference[] {
  const machines = [before.environment.machine, after.environment.machine] as const;
  return [
    ...(['cpuModel', 'cores', 'kernel', 'os', 'virtualization', 'hostnameHash'] as const).flatMap((name) =>
      difference(`machine: ${name}`, machines[0][name], machines[1][name]),
    ),
    ...difference(
      'machine: memory in GiB',
      Math.round(machines[0].memoryBytes / GIB),
      Math.round(machines[1].memoryBytes / GIB),
    ),
    ...(before.pinning === undefined || after.pinning === undefined
      ? []
      : difference('pinned cores', coresOf(before.pinning), coresOf(after.pinning))),
    ...difference('load profile', before.plan.profile, after.plan.profile),
    ...difference('scenarios', [...before.plan.scenarios].sort(), [...after.plan.scenarios].sort()),
    ...scenarioMismatches(before, after),
    ...loadMismatches(before, after),
    ...tools.flatMap((tool) =>
      difference(`tool: ${tool}`, before.environment.tools[tool], after.environment.tools[tool]),
    ),
  ];
}

/** @throws COMPARISON_REFUSED with everything that differs */
export function refuseMismatches(before: Setup, after: Setup): void {
  const mismatches = findMismatches(before, after);
  if (mismatches.length === 0) return;
  const lines = mismatches.map(({ what, before: was, after: is }) => `${what}: ${was} → ${is}`);
  throw new HarnessError('COMPARISON_REFUSED', {
    detail: `${before.id} and ${after.id} differ in\n${lines.join('\n')}`,
  });
}

function coresOf(pinning: RunResult['pinning']): string {
  return pinning.pinned ? `gateway ${pinning.gateway}, load ${pinning.load}, others ${pinning.others}` : 'not pinned';
}

/** Requests and load of the scenarios that both have; titles and SLOs may change. */
function scenarioMismatches(before: Setup, after: Setup): Difference[] {
  const earlier = new Map(scenariosOf(before).map((scenario) => [scenario.id, scenario]));
  return scenariosOf(after).flatMap((scenario) => {
    const other = earlier.get(scenario.id);
    if (other === undefined) return [];
    return [
      ...difference(`scenario ${scenario.id}: requests`, other.requests, scenario.requests),
      ...difference(`scenario ${scenario.id}: load`, other.load, scenario.load),
    ];
  });
}

/** How each scenario was loaded: a profile may have changed under the same name. */
function loadMismatches(before: Setup, after: Setup): Difference[] {
  const earlier = loadsOf(before);
  return [...loadsOf(after)].flatMap(([key, load]) =>
    earlier.has(key) ? difference(`load of ${key}`, earlier.get(key), load) : [],
  );
}

function loadsOf(result: Setup): Map<string, string> {
  return new Map(
    result.plan.trials
      .filter((trial) => trial.subject === 'current')
      .map((trial) => [`${trial.scenario}, ${trial.loop} loop`, describeLoad(trial)]),
  );
}

function describeLoad(trial: PlannedTrial): string {
  const rate = trial.ratePerSecond === null ? `${trial.concurrency} connections` : `${trial.ratePerSecond}/s`;
  const turns = trial.turnSeconds === null ? '' : `, in turns of ${trial.turnSeconds} s`;
  return `${trial.engine}, ${trial.requests} requests, ${rate}, ${trial.durationSeconds} s${turns}`;
}

/** Build, settings, profiles, Node and PostgreSQL: the declared subject. */
export function subjectDifferences(before: Subject, after: Subject): Difference[] {
  const names = [...new Set([...Object.keys(before.settings), ...Object.keys(after.settings)])].sort();
  return [
    ...difference('build', before.build, after.build),
    ...difference('server profile', before.serverProfile, after.serverProfile),
    ...difference('Node', before.node, after.node),
    ...difference('PostgreSQL', before.postgres, after.postgres),
    ...names.flatMap((name) => difference(`setting ${name}`, before.settings[name], after.settings[name])),
  ];
}
