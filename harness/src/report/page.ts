// The whole report of a run as a page; html.ts turns it into a file.
import type { Analysis } from '../analyze/analysis.ts';
import { createContext } from './context.ts';
import { formatDuration, formatPlural, formatTime } from './format.ts';
import type { Page } from './html.ts';
import type { Section } from './section.ts';
import { sections } from './sections/index.ts';
import { summarize } from './sections/summary.ts';

export function createPage(analysis: Analysis): Page {
  const context = createContext(analysis);
  const { result } = analysis;
  const built = Object.values(sections).flatMap((build): Section[] => {
    const section = build(context);
    return section === null ? [] : [section];
  });
  return {
    title: 'Performance report',
    subtitle: result.id,
    facts: [
      { term: 'Started', text: formatTime(result.startedAtMs) },
      { term: 'Took', text: formatDuration(result.elapsedSeconds) },
      { term: 'Load profile', text: result.plan.profile },
      { term: 'Infrastructure', text: `${result.plan.infrastructure}, server profile ${result.plan.serverProfile}` },
      { term: 'Build', text: result.subjects.map((subject) => subject.build).join(' against ') || 'none started' },
      {
        term: 'Measured',
        text: `${formatPlural(analysis.scenarios.length, 'scenario')}, ${formatPlural(result.trials.length, 'trial')}, ${formatPlural(result.plan.rounds, 'round')}`,
      },
    ],
    summary: summarize(context),
    sections: built,
  };
}
