// Recommendations: what is wrong, how it shows, what to type next.
import type { Finding } from '../../analyze/rule.ts';
import type { ReportContext } from '../context.ts';
import type { Section } from '../section.ts';

const order: Finding['priority'][] = ['high', 'medium', 'low'];

export function findingsSection({ analysis, title }: ReportContext): Section {
  const sorted = [...analysis.findings].sort(
    (one, other) => order.indexOf(one.priority) - order.indexOf(other.priority),
  );
  return {
    id: 'recommendations',
    title: 'Recommendations',
    lead: 'By priority. Each names the figures it rests on and what to do next.',
    blocks:
      sorted.length === 0
        ? [{ kind: 'text', text: 'No rule found anything to recommend.' }]
        : sorted.map((finding) => ({
            kind: 'finding',
            finding,
            scenarioTitle: finding.scenario === null ? null : title(finding.scenario),
          })),
  };
}
