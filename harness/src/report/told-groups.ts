// Trials of one scenario, loop and build with what the gateway told of itself on /metrics, and why it told nothing.
import { Value } from 'typebox/value';
import { isTold } from '../analyze/gateway-insight.ts';
import { PrometheusArtifact, REPORTED } from '../collect/prometheus.ts';
import type { Loop, SubjectName } from '../plan/plan.ts';
import { type ReportContext, usableTrials } from './context.ts';

export interface ToldGroup {
  scenario: string;
  loop: Loop;
  subject: SubjectName;
  /** "Tool list", or "Tool list (reference)" with two builds. */
  title: string;
  /** One per round. */
  artifacts: PrometheusArtifact[];
}

/** In the order of the scenarios; the MCP servers themselves tell nothing. */
export function toldGroups(context: ReportContext): ToldGroup[] {
  const { scenarios, result } = context.analysis;
  const subjects = [...new Set(result.trials.map(({ subject }) => subject))];
  return scenarios
    .filter(({ target }) => target !== 'upstream')
    .flatMap(({ id, title }) =>
      (['open', 'closed'] as const).flatMap((loop) =>
        subjects.flatMap((subject) => {
          const artifacts = usableTrials(context.trials(id, subject, loop)).flatMap(({ artifacts: { prometheus } }) =>
            prometheus?.available && Value.Check(PrometheusArtifact, prometheus.data) ? [prometheus.data] : [],
          );
          const name = context.twoSubjects ? `${title} (${subject})` : title;
          return artifacts.length === 0 ? [] : [{ scenario: id, loop, subject, title: name, artifacts }];
        }),
      ),
    );
}

/** Null when every build that was measured tells it. */
export function whyNotTold(context: ReportContext, groups: ToldGroup[], what: keyof typeof REPORTED): string | null {
  const silent = groups.filter(({ artifacts }) => !artifacts.some(isTold(what)));
  if (groups.length > 0 && silent.length === 0) return null;
  if (groups.length === 0) return `Not available, because ${whyNothing(context)}.`;
  const needed =
    what === 'layers'
      ? 'another gateway, an older build, or LAYER_TIMINGS_ENABLED is off'
      : 'another gateway, or an older build';
  const whose = context.twoSubjects ? ` of ${[...new Set(silent.map(({ subject }) => subject))].join(' and ')}` : '';
  const where = silent.length === groups.length ? '' : ` in ${silent.length} of ${groups.length} groups of trials`;
  return `Not available${where}, because /metrics${whose} has no ${REPORTED[what]} (${needed}).`;
}

function whyNothing({ analysis: { result } }: ReportContext): string {
  const collector = result.collectors.find(({ id }) => id === 'prometheus');
  if (collector !== undefined && !collector.available) return collector.reason ?? 'no reason was given';
  const failed = result.trials.flatMap(({ artifacts: { prometheus } }) =>
    prometheus !== undefined && !prometheus.available ? [prometheus.reason] : [],
  );
  return failed[0] ?? 'nobody read the /metrics of a gateway in this run';
}
