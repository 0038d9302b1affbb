import { Value } from 'typebox/value';
import { describe, expect, test } from 'vitest';
import { renderComparison, reporters } from '../../src/report/index.ts';
import { JsonReport } from '../../src/report/json.ts';
import { escapeXml } from '../../src/report/junit.ts';
import { escapeMarkdown } from '../../src/report/markdown.ts';
import { renderTerminal } from '../../src/report/terminal.ts';
import { createSample, hostile, withComparison } from './sample.ts';

const sample = withComparison(createSample());

describe('the Markdown report', () => {
  const text = reporters.markdown.render(sample) as string;

  test('begins with the verdict and fits a job summary', () => {
    expect(text).toMatch(/^# ✗ Error: results\\_light/);
    expect(text.length).toBeLessThan(12_000);
  });

  test('tells regressions and objectives that need attention, not what is in order', () => {
    expect(text).toContain('✗ regression');
    expect(text).toContain('+22.9 %');
    expect(text).toContain('⊘ not run');
    expect(text).not.toContain('✓ met');
    expect(text).not.toContain('= no change');
  });

  test('gives every row of a table as many cells as its head', () => {
    for (const block of text.split('\n\n').filter((part) => part.startsWith('|'))) {
      const widths = block.split('\n').map((line) => line.replaceAll('\\|', '').split('|').length);
      expect(new Set(widths).size).toBe(1);
    }
  });

  test('escapes markup, links and cell ends', () => {
    expect(escapeMarkdown('<b> [x](y) a|b `c`\nd')).toBe('&lt;b&gt; \\[x\\](y) a\\|b \\`c\\` d');
  });
});

describe('the JSON report', () => {
  test('fits its schema and holds neither series nor histograms', () => {
    const text = reporters.json.render(sample) as string;
    const value: unknown = JSON.parse(text);
    expect([...Value.Errors(JsonReport, value)]).toEqual([]);
    expect(text).not.toContain('"histogram"');
    expect(text).not.toContain('"series"');
  });
});

describe('the CSV report', () => {
  const lines = (reporters.csv.render(sample) as string).trim().split('\n');

  test('has the columns of the source first and one row per scenario, loop and subject', () => {
    expect(lines[0]).toMatch(/^Timestamp,Test,RPS,p50,p95,p99,Errors,/);
    expect(lines).toHaveLength(1 + 12);
    expect(lines[1]).toMatch(/^2026-11-20T13:45:00.000Z,health\.open,/);
  });

  test('keeps a scenario that did not run, with its reason', () => {
    expect(lines.find((line) => line.includes('prompts_get.open'))).toContain('not run,K6_MISSING');
  });

  test('disarms texts that a spreadsheet would run', () => {
    const formula = createSample();
    const [first] = formula.scenarios;
    if (first !== undefined) first.title = '=HYPERLINK("http://example.org")';
    expect(reporters.csv.render(formula)).toContain(`"'=HYPERLINK(`);
  });
});

describe('the JUnit report', () => {
  const text = reporters.junit.render(sample) as string;
  const count = (pattern: RegExp) => text.match(pattern)?.length ?? 0;

  test('fails missed objectives, errs on invalid and not-run ones, skips the rest with a reason', () => {
    const status = (name: string) => sample.slos.filter((slo) => slo.status === name).length;
    expect(count(/<testcase /g)).toBe(sample.slos.length + 5);
    expect(count(/<error type="not-run"/g)).toBe(status('not-run'));
    expect(count(/<error type="invalid"/g)).toBe(status('invalid'));
    expect(count(/<failure type="missed"/g)).toBe(status('missed'));
    expect(count(/<failure type="regression"/g)).toBe(1);
    expect(text).toContain('tests="23" failures="0" errors="4"');
  });

  test('writes nothing that XML forbids', () => {
    const escaped = escapeXml(`${hostile}\u0000\u001b[31m"'`);
    for (const forbidden of ['<', '>', '"', "'", '\u0000', '\u001b']) expect(escaped).not.toContain(forbidden);
    expect(escapeXml('a & b\n')).toBe('a &amp; b&#10;');
  });
});

describe('the table on the terminal', () => {
  const text = renderTerminal(sample, { colors: false });

  test('fits 100 columns', () => {
    for (const line of text.split('\n')) expect([...line].length, line).toBeLessThanOrEqual(100);
  });

  test('has one line per scenario and loop, and ends with the verdict', () => {
    expect(text).toMatch(/tools list +500\/s/);
    expect(text).toMatch(/tools list +20 conn .*! invalid/);
    expect(text).toMatch(/✗ Error {2}19 of 23 SLOs met, exit code 3/);
  });

  test('shows what did not run in red', () => {
    const colored = renderTerminal(sample, { colors: true });
    expect(colored.split('\n').find((line) => line.includes('NOT RUN'))).toSatisfy(
      (line: string) => line.startsWith('\u001b[31m') && line.endsWith('\u001b[39m'),
    );
    expect(text).not.toContain('\u001b');
  });

  test('lets no text of a server steer the terminal', () => {
    const analysis = createSample();
    analysis.verdict.reasons.unshift('the server said \u001b[2J\u0007');
    const shown = renderTerminal(analysis, { colors: false });
    for (const control of ['\u001b', '\u0007']) expect(shown).not.toContain(control);
  });
});

describe('the comparison of two runs', () => {
  test('heads with what differs on purpose and lists regressions first', () => {
    const page = renderComparison(sample, 'html');
    const order = [
      'What differs on purpose',
      'What should have been the same',
      'regression</span>',
      'no change</span>',
    ];
    const places = order.map((text) => page.indexOf(text));
    expect(places.every((place) => place >= 0)).toBe(true);
    expect([...places].sort((one, other) => one - other)).toEqual(places);
    expect(page).not.toContain('<script');
  });

  test('says in every format the smallest change that it could have seen', () => {
    expect(renderComparison(sample, 'html')).toContain('±6.2');
    expect(renderComparison(sample, 'markdown')).toContain('±6.2');
    expect(JSON.parse(renderComparison(sample, 'json'))).toMatchObject({ rows: sample.comparison?.rows });
  });

  test('is refused without a comparison', () => {
    expect(() => renderComparison({ ...sample, comparison: null }, 'html')).toThrow('compared with nothing');
  });
});
