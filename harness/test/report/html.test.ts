import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { analyze } from '../../src/analyze/index.ts';
import { toInlineJson } from '../../src/report/html.ts';
import { reporters } from '../../src/report/index.ts';
import { createLargeResult, createSample, hostile, withComparison, withFindings } from './sample.ts';

const megabytes = (text: string) => Buffer.byteLength(text) / 1e6;
const withoutScripts = (page: string) => page.replace(/<script[\s\S]*?<\/script>/g, '');

describe('the HTML report', () => {
  const page = reporters.html.render(withComparison(createSample())) as string;

  test('has every section, the comparison right after the verdict', () => {
    const ids = [...page.matchAll(/<section id="([^"]+)"/g)].map((match) => match[1]);
    expect(ids).toEqual([
      'verdict',
      'comparison',
      'slos',
      'results',
      'overhead',
      'layers',
      'caches',
      'sessions',
      'timeline',
      'postgresql',
      'recommendations',
      'quality',
      'environment',
    ]);
  });

  test('names no address that a browser would ask for', () => {
    const outside = withoutScripts(page).replace(/<code>[\s\S]*?<\/code>/g, '');
    expect(outside).not.toMatch(/\b(?:src|srcset|action|data|poster)\s*=\s*["'](?!data:)/);
    expect(outside).not.toMatch(/url\(|@import|<link|<iframe|<object/);
    expect([...outside.matchAll(/href="([^"]*)"/g)].every(([, target]) => target?.startsWith('#'))).toBe(true);
    expect(page).not.toContain('sourceMappingURL');
  });

  test('allows by its policy exactly the style and scripts that it holds', () => {
    const policy = page.match(/Content-Security-Policy" content="([^"]+)"/)?.[1] ?? '';
    const decoded = policy.replaceAll('&#x27;', "'").replaceAll('&#x3D;', '=');
    expect(decoded).toContain("default-src 'none'");
    const inline = [
      ...page.matchAll(/<style>([\s\S]*?)<\/style>/g),
      ...page.matchAll(/<script>([\s\S]*?)<\/script>/g),
    ].map((match) => match[1] ?? '');
    expect(inline).toHaveLength(3);
    for (const text of inline) {
      expect(decoded).toContain(`'sha256-${createHash('sha256').update(text).digest('base64')}'`);
    }
    expect(decoded).not.toContain('unsafe');
    expect(withoutScripts(page)).not.toMatch(/ style="| on\w+="/);
  });

  test('escapes what servers, databases and logs say', () => {
    expect(page).not.toContain('<img src=x');
    expect(page).not.toContain('<script>alert');
    expect(page).toContain('&lt;script&gt;alert(1)');
    expect(page.match(/<script\b/g)).toHaveLength(3);
  });

  test('keeps inlined JSON inside its script element', () => {
    const text = toInlineJson({ text: hostile });
    expect(text).not.toMatch(/[<>&\u2028]/);
    expect(JSON.parse(text)).toEqual({ text: hostile });
  });

  test('shows a scenario that did not run as not run, in red, with its reason', () => {
    expect(page).toMatch(/class="is-bad"><span class="badge"><span aria-hidden="true">⊘<\/span> prompts get: not run/);
    expect(page).toContain('K6_MISSING: k6 could not be found or fetched');
  });

  test('marks an invalid trial and says which check failed', () => {
    expect(page).toContain('tools list: invalid');
    expect(page).toContain('steal: 7.5 % of the machine’s CPU time');
  });

  test('never puts the two loops into one table', () => {
    const captions = [...page.matchAll(/<span class="cap">([^<]+)/g)].map((match) => match[1] ?? '');
    expect(captions.filter((caption) => caption.includes('under the open loop'))).not.toHaveLength(0);
    expect(captions.filter((caption) => caption.includes('under the closed loop'))).not.toHaveLength(0);
    expect(new Set(captions).size).toBe(captions.length);
  });

  test('says what is not available and why', () => {
    expect(page).toContain('because /metrics answered 404');
  });

  test('leaves scripts out when the configuration wants no charts', () => {
    const sample = createSample({ config: { reporting: { charts: false } } });
    const plain = reporters.html.render(sample) as string;
    expect(plain).not.toContain('<script');
    expect(plain).not.toContain('<canvas');
    expect(plain).toContain('Health: latency under the open loop');
  });

  test('of two builds that took turns draws each by itself and says what covers both', () => {
    const both = 'where two builds took turns, for both of them';
    const turns = reporters.html.render(createSample({ subjects: ['current', 'reference'] })) as string;
    for (const text of ['right, reference', 'p95, current', both, 'the rate of answers is that of a trial’s own turns'])
      expect(turns).toContain(text);
    for (const text of ['right, current', both, 'took turns']) expect(page).not.toContain(text);
    expect(page).toContain('CPU of PostgreSQL: from just before the load to just after it.');
  });

  test('is the same for the same analysis', () => {
    expect(reporters.html.render(withComparison(createSample()))).toBe(page);
  });

  test('can tell of a run that failed before anything ran', () => {
    const sample = createSample();
    const { result } = sample;
    const trials = result.trials.map((trial) => ({
      ...trial,
      status: 'not-run' as const,
      reason: 'POSTGRES_FAILED: PostgreSQL did not start',
      startedAtMs: null,
      endedAtMs: null,
      warmup: null,
      ceiling: null,
      load: null,
      usage: null,
      validity: null,
      artifacts: {},
    }));
    const failed = analyze({
      ...result,
      status: 'failed',
      failure: { code: 'POSTGRES_FAILED', message: 'POSTGRES_FAILED: PostgreSQL did not start' },
      subjects: [],
      trials,
      series: { columns: [], rows: [] },
      collectors: [],
    });
    const text = reporters.html.render(failed) as string;
    expect(text).toContain('health: not run');
    expect(text).toContain('POSTGRES_FAILED');
  });
});

describe('the size of the HTML report', () => {
  test('of a medium run of 17 scenarios stays below 1.5 MB', () => {
    const analysis = withFindings(analyze(createLargeResult({ count: 17, samples: 6000 })));
    expect(analysis.scenarios).toHaveLength(17);
    expect(megabytes(reporters.html.render(analysis) as string)).toBeLessThan(1.5);
  });

  test('of 8 rounds of two builds stays below 1.5 MB', { timeout: 60_000 }, () => {
    const result = createLargeResult({ count: 17, samples: 1500, rounds: 8, subjects: ['current', 'reference'] });
    expect(result.trials.length).toBeGreaterThan(480);
    expect(megabytes(reporters.html.render(withComparison(analyze(result))) as string)).toBeLessThan(1.5);
  });
});
