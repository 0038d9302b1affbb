// What every section reads: the analysis, with the look-ups that all of them need.
import { parse } from '@gatebench/gateway/parse';
import type { Analysis, ComparisonRow, Figure } from '../analyze/analysis.ts';
import { PerfConfig } from '../plan/config.ts';
import type { Loop, SubjectName } from '../plan/plan.ts';
import type { Scenario } from '../plan/scenario.ts';
import type { LoadResult, TrialResult } from '../result/result.ts';

export interface LoadedTrial extends TrialResult {
  load: LoadResult;
}

export interface ReportContext {
  analysis: Analysis;
  charts: boolean;
  /** Two builds in one run: tables then name the subject. */
  twoSubjects: boolean;
  scenario(id: string): Scenario | undefined;
  title(scenarioId: string): string;
  figure(scenario: string, subject: SubjectName, metric: string): Figure | undefined;
  trials(scenario: string, subject: SubjectName, loop: Loop): TrialResult[];
  comparisonRow(scenario: string, metric: string): ComparisonRow | undefined;
}

export function createContext(analysis: Analysis): ReportContext {
  const { result } = analysis;
  const config = parse(PerfConfig, result.config ?? {}, `${result.id} /config`);
  const scenarios = new Map(analysis.scenarios.map((scenario) => [scenario.id, scenario]));
  const figures = new Map(
    analysis.figures.map((figure) => [`${figure.scenario} ${figure.subject} ${figure.metric}`, figure]),
  );
  const rows = new Map(analysis.comparison?.rows.map((row) => [`${row.scenario} ${row.metric}`, row]));
  return {
    analysis,
    charts: config.reporting.charts,
    twoSubjects: result.subjects.length > 1,
    scenario: (id) => scenarios.get(id),
    title: (id) => scenarios.get(id)?.title ?? id,
    figure: (scenario, subject, metric) => figures.get(`${scenario} ${subject} ${metric}`),
    trials: (scenario, subject, loop) =>
      result.trials.filter((trial) => trial.scenario === scenario && trial.subject === subject && trial.loop === loop),
    comparisonRow: (scenario, metric) => rows.get(`${scenario} ${metric}`),
  };
}

export function hasLoad(trial: TrialResult): trial is LoadedTrial {
  return trial.status === 'ran' && trial.load !== null;
}

/** Valid trials; when there are none, those that ran: their figures are shown, marked as invalid. */
export function usableTrials(trials: TrialResult[]): LoadedTrial[] {
  const ran = trials.filter(hasLoad);
  const valid = ran.filter((trial) => trial.validity?.verdict === 'valid');
  return valid.length > 0 ? valid : ran;
}
