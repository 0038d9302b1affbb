// One row per figure set of a scenario, loop and subject, for spreadsheets; the raw series stand in the run folder.
import { stringify } from 'csv-stringify/sync';
import type { Analysis } from '../analyze/analysis.ts';
import { isTold, layers, toCacheUses, toLayerTimes, toSessionUse } from '../analyze/gateway-insight.ts';
import type { Loop, SubjectName } from '../plan/plan.ts';
import type { Scenario } from '../plan/scenario.ts';
import { createContext, hasLoad, type ReportContext, usableTrials } from './context.ts';
import type { Reporter } from './reporter.ts';
import { toldGroups } from './told-groups.ts';

const header = [
  'Timestamp',
  'Test',
  'RPS',
  'p50',
  'p95',
  'p99',
  'Errors',
  'Scenario',
  'Category',
  'Loop',
  'Subject',
  'Build',
  'Offered rate',
  'Connections',
  'p75',
  'p90',
  'p99.9',
  'Max',
  'Mean',
  'Failed',
  'Samples',
  'CPU per request (ms)',
  'Memory (MB)',
  'Overhead p95 (ms)',
  'Rounds',
  'Valid',
  'Reason',
  ...[...layers, 'unaccounted', 'total'].map((layer) => `Gateway ${layer} mean (ms)`),
  'Cache hits',
  'Cache misses',
  'Upstream sessions opened',
  'Upstream sessions used again',
];

/** Percentiles in milliseconds (open loop: from the intended start; closed loop: from the send), errors as a fraction. */
export const csv: Reporter = {
  id: 'csv',
  extension: 'csv',
  render(analysis) {
    const context = createContext(analysis);
    const rows = analysis.scenarios.flatMap((scenario) =>
      subjectsOf(analysis).flatMap((subject) =>
        (['open', 'closed'] as const).flatMap((loop) => toRow(context, scenario, subject, loop)),
      ),
    );
    return stringify([header, ...rows.map((row) => row.map(defuse))]);
  },
};

type Value = string | number | boolean | null;

function subjectsOf({ result }: Analysis): SubjectName[] {
  return result.subjects.length === 0 ? ['current'] : result.subjects.map((subject) => subject.name);
}

function toRow(context: ReportContext, scenario: Scenario, subject: SubjectName, loop: Loop): Value[][] {
  const { result } = context.analysis;
  const trials = context.trials(scenario.id, subject, loop);
  if (trials.length === 0) return [];
  const used = usableTrials(trials);
  const failed = used.reduce((sum, trial) => sum + trial.load.failed, 0);
  const total = used.reduce((sum, trial) => sum + trial.load.failed + trial.load.succeeded, 0);
  const seconds = used.reduce((sum, trial) => sum + trial.load.durationSeconds, 0);
  const figure = (metric: string): Value => context.figure(scenario.id, subject, metric)?.value ?? null;
  const percentile = (name: string): Value => figure(`${loop === 'open' ? 'latency' : 'service'}.${name}`);
  const closed = (metric: string): Value => (loop === 'closed' ? figure(metric) : null);
  const open = (metric: string): Value => (loop === 'open' ? figure(metric) : null);
  const plan = result.plan.trials.find((each) => each.id === trials[0]?.id);
  const valid = trials.every((trial) => trial.validity?.verdict === 'valid');
  return [
    [
      new Date(result.startedAtMs).toISOString(),
      `${scenario.id}.${loop}${result.subjects.length > 1 ? `.${subject}` : ''}`,
      seconds === 0 ? null : (total - failed) / seconds,
      percentile('p50'),
      percentile('p95'),
      percentile('p99'),
      total === 0 ? null : failed / total,
      scenario.title,
      scenario.category,
      loop,
      subject,
      result.subjects.find((each) => each.name === subject)?.build ?? null,
      plan?.ratePerSecond ?? null,
      loop === 'closed' ? (plan?.concurrency ?? null) : null,
      open('latency.p75'),
      open('latency.p90'),
      open('latency.p999'),
      open('latency.max'),
      open('latency.mean'),
      failed,
      total,
      closed('cpu.per_request'),
      figure('memory.rss'),
      open('overhead.p95') ?? overheadP95(context, scenario, subject, loop),
      used.length,
      trials.some(hasLoad) ? String(valid) : 'not run',
      reasonOf(trials),
      ...toInsight(context, scenario, subject, loop),
    ],
  ];
}

/** What the gateway told of itself; nothing where it did not. */
function toInsight(context: ReportContext, scenario: Scenario, subject: SubjectName, loop: Loop): Value[] {
  const group = toldGroups(context).find(
    (each) => each.scenario === scenario.id && each.subject === subject && each.loop === loop,
  );
  const artifacts = group?.artifacts ?? [];
  const times = toLayerTimes(artifacts);
  const caches = artifacts.some(isTold('caches')) ? toCacheUses(artifacts) : null;
  const sum = (what: 'hits' | 'misses') => caches?.reduce((total, use) => total + use[what], 0) ?? null;
  const sessions = toSessionUse(artifacts);
  return [
    ...layers.map((layer) => toNanoseconds(times?.ms[layer])),
    toNanoseconds(times?.unaccountedMs),
    toNanoseconds(times?.totalMs),
    sum('hits'),
    sum('misses'),
    sessions?.created ?? null,
    sessions?.reused ?? null,
  ];
}

/** The noise of subtracted sums, beyond a nanosecond, is left out. */
function toNanoseconds(ms: number | undefined): Value {
  return ms === undefined ? null : Math.round(ms * 1e6) / 1e6;
}

function overheadP95(context: ReportContext, scenario: Scenario, subject: SubjectName, loop: Loop): Value {
  if (loop !== 'open') return null;
  const overhead = context.analysis.overheads.find((each) => each.scenario === scenario.id && each.subject === subject);
  return overhead?.rows.find((row) => row.metric === 'overhead.p95')?.differenceMs ?? null;
}

function reasonOf(trials: ReturnType<ReportContext['trials']>): string {
  return trials
    .flatMap((trial) =>
      trial.status === 'not-run'
        ? [trial.reason ?? 'not run']
        : (trial.validity?.checks ?? [])
            .filter((check) => check.fatal && !check.passed)
            .map((check) => `${check.id}: ${check.seen}, expected ${check.expected}`),
    )
    .join('; ');
}

/** A text that a spreadsheet would run as a formula is quoted by an apostrophe. */
function defuse(value: Value): Value {
  return typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
}
