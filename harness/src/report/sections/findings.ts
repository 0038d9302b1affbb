// Recommendations: what is wrong, how it shows, what to type next.
import type { Finding } from '../../analyze/rule.ts';
import type { ReportContext } from '../context.ts';
import type { Section } from '../section.ts';

const order: Finding['priority'][] = ['high', 'medium', 'low'];

/** Begins as something that is typed into a shell or a database does; everything else is prose. */
const command = /^(npm|npx|node|git|sudo|ulimit|sysctl|taskset|curl|EXPLAIN|SELECT|CREATE|ALTER|VACUUM|ANALYZE|SET)\b/;

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
            steps: finding.next.map((text) => ({ text, code: command.test(text) })),
          })),
  };
}
