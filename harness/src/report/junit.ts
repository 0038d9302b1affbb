// SLOs and compared figures as test cases, for whatever shows JUnit results: missed is a failure, invalid an error, not judged a skip.
import type { Analysis, ComparisonRow, SloResult } from '../analyze/analysis.ts';
import { formatChange, formatTarget, formatWithUnit, titleOf } from './format.ts';
import type { Reporter } from './reporter.ts';

type Outcome = { element: 'failure' | 'error' | 'skipped'; type: string; message: string } | null;

interface TestCase {
  classname: string;
  name: string;
  outcome: Outcome;
}

export const junit: Reporter = {
  id: 'junit',
  extension: 'xml',
  render(analysis) {
    const { comparison, result } = analysis;
    const suites = [
      suite('service-level objectives', analysis.slos.map(fromSlo), result),
      ...(comparison === null
        ? []
        : [suite(`comparison with ${comparison.before}`, comparison.rows.map(fromRow), result)]),
    ];
    return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="${escapeXml(result.id)}">\n${suites.join('')}</testsuites>\n`;
  },
};

function fromSlo(slo: SloResult): TestCase {
  const reason =
    slo.reason ?? `${formatWithUnit(slo.metric, slo.actual)}, target ${formatTarget(slo.metric, slo.target)}`;
  const outcomes: Record<SloResult['status'], Outcome> = {
    met: null,
    missed: { element: 'failure', type: 'missed', message: reason },
    invalid: { element: 'error', type: 'invalid', message: reason },
    'not-run': { element: 'error', type: 'not-run', message: reason },
    'not-judged': { element: 'skipped', type: 'not-judged', message: reason },
  };
  return {
    classname: slo.scenario,
    name: `${titleOf(slo.metric)} (target ${formatTarget(slo.metric, slo.target)})`,
    outcome: outcomes[slo.status],
  };
}

function fromRow(row: ComparisonRow): TestCase {
  const change = `${formatChange(row.ratio)}${row.reason === null ? '' : `: ${row.reason}`}`;
  const outcomes: Record<ComparisonRow['status'], Outcome> = {
    regression: { element: 'failure', type: 'regression', message: change },
    undecided: { element: 'skipped', type: 'undecided', message: change },
    'not-compared': { element: 'skipped', type: 'not-compared', message: row.reason ?? 'not compared' },
    improvement: null,
    'no-change': null,
  };
  return { classname: row.scenario, name: `${titleOf(row.metric)} is no worse`, outcome: outcomes[row.status] };
}

function suite(name: string, cases: TestCase[], result: Analysis['result']): string {
  const count = (element: string) => cases.filter((each) => each.outcome?.element === element).length;
  const head = [
    `name="${escapeXml(name)}"`,
    `tests="${cases.length}"`,
    `failures="${count('failure')}"`,
    `errors="${count('error')}"`,
    `skipped="${count('skipped')}"`,
    `time="${result.elapsedSeconds.toFixed(1)}"`,
    `timestamp="${new Date(result.startedAtMs).toISOString().slice(0, 19)}"`,
  ].join(' ');
  return `  <testsuite ${head}>\n${cases.map(toXml).join('')}  </testsuite>\n`;
}

function toXml({ classname, name, outcome }: TestCase): string {
  const head = `    <testcase classname="${escapeXml(classname)}" name="${escapeXml(name)}"`;
  if (outcome === null) return `${head}/>\n`;
  const { element, type, message } = outcome;
  const kind = element === 'skipped' ? '' : ` type="${escapeXml(type)}"`;
  return `${head}>\n      <${element}${kind} message="${escapeXml(message)}"/>\n    </testcase>\n`;
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };

/** Also drops the characters that XML 1.0 has no way to write: https://www.w3.org/TR/xml/#charsets */
export function escapeXml(text: string): string {
  return [...text]
    .filter((character) => {
      const code = character.codePointAt(0) ?? 0;
      return (
        code === 0x9 ||
        code === 0xa ||
        code === 0xd ||
        (code >= 0x20 && code !== 0xfffe && code !== 0xffff && (code < 0xd800 || code > 0xdfff))
      );
    })
    .map((character) => entities[character] ?? (character < ' ' ? `&#${character.codePointAt(0)};` : character))
    .join('');
}
