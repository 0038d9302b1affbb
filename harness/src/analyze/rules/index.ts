// All rules, in the order in which findings of the same priority are shown.
import type { RunResult } from '../../result/result.ts';
import type { SloResult } from '../analysis.ts';
import type { Finding, Rule } from '../rule.ts';

export const rules: Record<string, Rule> = {};

const priorities = ['high', 'medium', 'low'];

/** Findings of all rules, high ones first. */
export function evaluateRules(result: RunResult, _slos: SloResult[]): Finding[] {
  return Object.values(rules)
    .flatMap((rule) => rule.evaluate(result))
    .sort((a, b) => priorities.indexOf(a.priority) - priorities.indexOf(b.priority));
}
