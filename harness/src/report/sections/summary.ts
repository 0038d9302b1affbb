// The first screen: the verdict, why, and the few figures that say how it went.
import type { Analysis } from '../../analyze/analysis.ts';
import { type ReportContext, usableTrials } from '../context.ts';
import { percentileOf, poolLatencies } from '../distribution.ts';
import { formatCount, formatMetric, formatNumber, formatPercent, formatPlural, LOST, NONE } from '../format.ts';
import { verdictStatuses } from '../status.ts';
import type { Tone } from '../table.ts';

export interface Card {
  title: string;
  value: string;
  unit: string;
  detail: string;
  tone?: Tone;
}

export interface Summary {
  status: { text: string; mark: string; tone: Tone };
  exitCode: number;
  reasons: string[];
  /** Folded away: a first screen has room for a few. */
  moreReasons: string[];
  cards: Card[];
}

export function summarize(context: ReportContext): Summary {
  const { verdict } = context.analysis;
  return {
    status: verdictStatuses[verdict.status],
    exitCode: verdict.exitCode,
    ...splitReasons(verdict.reasons),
    cards: [
      complianceCard(context.analysis),
      throughputCard(context),
      ...latencyCards(context),
      overheadCard(context),
      errorCard(context.analysis),
      regressionCard(context.analysis),
      trialCard(context.analysis),
    ],
  };
}

const MOST_REASONS = 4;

export function splitReasons(reasons: string[]): Pick<Summary, 'reasons' | 'moreReasons'> {
  return { reasons: reasons.slice(0, MOST_REASONS), moreReasons: reasons.slice(MOST_REASONS) };
}

/** Of those that could be judged or should have been: what did not run or is invalid counts as not met. */
export function complianceOf(analysis: Analysis): {
  met: number;
  due: number;
  percent: number | null;
  notJudged: number;
} {
  const due = analysis.slos.filter((slo) => slo.status !== 'not-judged');
  const met = due.filter((slo) => slo.status === 'met').length;
  return {
    met,
    due: due.length,
    percent: due.length === 0 ? null : (100 * met) / due.length,
    notJudged: analysis.slos.length - due.length,
  };
}

function complianceCard(analysis: Analysis): Card {
  const { met, due, percent, notJudged } = complianceOf(analysis);
  const rest = notJudged === 0 ? '' : `, ${notJudged} not judged`;
  return {
    title: 'SLO compliance',
    value: percent === null ? NONE : formatPercent(percent, percent > 99 && percent < 100 ? 1 : 0),
    unit: percent === null ? '' : '%',
    detail: `${met} of ${due} met${rest}`,
    ...(percent === null ? {} : { tone: met === due ? 'good' : 'bad' }),
  };
}

function throughputCard({ analysis, scenario, title }: ReportContext): Card {
  const figures = analysis.figures.filter(
    (each) =>
      each.metric === 'throughput' &&
      each.subject === 'current' &&
      each.valid &&
      scenario(each.scenario)?.target === 'gateway',
  );
  const values = figures.flatMap((each) => (each.value === null ? [] : [each.value]));
  if (values.length === 0) {
    return { title: 'Average throughput', value: NONE, unit: '', detail: 'no valid closed-loop trial' };
  }
  const slowest = figures.reduce((least, each) => ((each.value ?? 0) < (least.value ?? 0) ? each : least));
  return {
    title: 'Average throughput',
    value: formatNumber(values.reduce((sum, value) => sum + value, 0) / values.length, 0),
    unit: 'requests/s',
    detail: `mean of ${formatPlural(values.length, 'scenario')}, closed loop; least ${formatMetric('throughput', slowest.value)} (${title(slowest.scenario)})`,
  };
}

/** Averages of percentiles mean nothing: all open-loop requests to the gateway are pooled. */
function latencyCards(context: ReportContext): Card[] {
  const { analysis, scenario, title } = context;
  const pooled = poolLatencies(
    analysis.scenarios
      .filter((each) => each.target === 'gateway')
      .flatMap((each) => usableTrials(context.trials(each.id, 'current', 'open')))
      .filter((trial) => trial.validity?.verdict === 'valid')
      .map((trial) => trial.load.latency),
  );
  return (
    [
      ['p95', 0.95],
      ['p99', 0.99],
    ] as const
  ).map(([name, fraction]) => {
    const id = `latency.${name}`;
    if (pooled === undefined) {
      return { title: `Latency ${name}`, value: NONE, unit: '', detail: 'no valid open-loop trial' };
    }
    const worst = analysis.figures
      .filter(
        (each) =>
          each.metric === id &&
          each.subject === 'current' &&
          each.valid &&
          scenario(each.scenario)?.target === 'gateway',
      )
      .reduce<(typeof analysis.figures)[number] | undefined>(
        (most, each) =>
          most === undefined || (each.value ?? Number.POSITIVE_INFINITY) > (most.value ?? Number.POSITIVE_INFINITY)
            ? each
            : most,
        undefined,
      );
    const value = percentileOf(pooled, fraction);
    return {
      title: `Latency ${name}`,
      value: value === null ? LOST : formatMetric(id, value),
      unit: value === null ? '' : 'ms',
      detail: `all ${formatCount(pooled.total)} open-loop requests${worst === undefined ? '' : `; most ${formatMetric(id, worst.value)} (${title(worst.scenario)})`}`,
    };
  });
}

function overheadCard({ analysis, scenario, title }: ReportContext): Card {
  const rows = analysis.overheads.flatMap((overhead) =>
    overhead.subject !== 'current' || scenario(overhead.scenario)?.target !== 'gateway'
      ? []
      : overhead.rows.flatMap((row) =>
          row.metric === 'overhead.p95' && row.differenceMs !== null
            ? [{ name: title(overhead.scenario), value: row.differenceMs }]
            : [],
        ),
  );
  const [first] = rows;
  if (first === undefined) {
    return { title: 'Gateway overhead p95', value: NONE, unit: '', detail: 'no valid pair of scenarios ran' };
  }
  const most = rows.reduce((greatest, row) => (row.value > greatest.value ? row : greatest), first);
  return {
    title: 'Gateway overhead p95',
    value: formatMetric('overhead.p95', most.value),
    unit: 'ms',
    detail: `most of ${formatPlural(rows.length, 'pair')} (${most.name})`,
  };
}

function errorCard({ result }: Analysis): Card {
  const loads = result.trials.flatMap((trial) =>
    trial.subject === 'current' && trial.load !== null ? [trial.load] : [],
  );
  const failed = loads.reduce((sum, load) => sum + load.failed, 0);
  const total = loads.reduce((sum, load) => sum + load.failed + load.succeeded, 0);
  return {
    title: 'Errors',
    value: total === 0 ? NONE : formatPercent((100 * failed) / total, 3),
    unit: total === 0 ? '' : '%',
    detail: `${formatCount(failed)} of ${formatCount(total)} requests`,
    ...(total === 0 ? {} : { tone: failed === 0 ? 'good' : 'warn' }),
  };
}

function regressionCard({ comparison }: Analysis): Card {
  if (comparison === null) {
    return {
      title: 'Regressions',
      value: NONE,
      unit: '',
      detail: 'compared with nothing: --compare-with or --against',
    };
  }
  const count = (status: string) => comparison.rows.filter((row) => row.status === status).length;
  const regressions = count('regression');
  return {
    title: 'Regressions',
    value: formatCount(regressions),
    unit: '',
    detail: `against ${comparison.before}: ${count('improvement')} better, ${count('undecided')} undecided`,
    tone: regressions === 0 ? 'good' : 'bad',
  };
}

function trialCard({ result }: Analysis): Card {
  const valid = result.trials.filter((trial) => trial.validity?.verdict === 'valid').length;
  const notRun = result.trials.filter((trial) => trial.status === 'not-run').length;
  const invalid = result.trials.length - valid - notRun;
  return {
    title: 'Valid trials',
    value: `${valid}`,
    unit: `of ${result.trials.length}`,
    detail: `${invalid} invalid, ${notRun} not run`,
    tone: invalid + notRun === 0 ? 'good' : notRun > 0 ? 'bad' : 'warn',
  };
}
