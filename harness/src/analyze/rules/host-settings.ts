import type { Rule } from '../rule.ts';

export const hostSettings: Rule = {
  id: 'host-settings',
  title: 'Settings of the machine',
  evaluate({ environment }) {
    if (environment.advice.length === 0) return [];
    return [
      {
        rule: 'host-settings',
        priority: 'low',
        title: `${environment.advice.length} setting${environment.advice.length === 1 ? '' : 's'} of this machine can disturb a measurement`,
        evidence: environment.advice,
        next: ['change them where you may, then keep a new baseline: figures before and after are not comparable'],
        scenario: null,
      },
    ];
  },
};
