// The report in a real browser: silent, drawn, accessible, readable on a phone, in the dark, on paper and without script.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { findChromium, startChromium } from '@gatebench/gateway/chromium';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { analyze } from '../../src/analyze/index.ts';
import { renderComparison, reporters } from '../../src/report/index.ts';
import { axeViolations, blankCanvases, openFolds, printed, timeAxes, widths } from '../report/in-page.ts';
import { createLargeResult, createSample, withComparison, withFindings } from '../report/sample.ts';

const executablePath = findChromium('reports');
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const desktop = { viewport: { width: 1280, height: 900 }, colorScheme: 'light' } as const;
const dark = { viewport: { width: 1280, height: 900 }, colorScheme: 'dark' } as const;
const phone = { viewport: { width: 360, height: 740 }, colorScheme: 'light' } as const;
const darkPhone = { viewport: { width: 360, height: 740 }, colorScheme: 'dark' } as const;

interface Opened {
  page: Page;
  requests: string[];
  complaints: string[];
}

describe.skipIf(executablePath === undefined)('a report in Chromium', () => {
  let browser: Browser;
  let folder: string;
  const address = (name: string) => pathToFileURL(join(folder, `${name}.html`)).href;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'gatebench-report-'));
    const sample = withComparison(createSample());
    const large = withFindings(analyze(createLargeResult({ count: 17, samples: 4000 })));
    writeFileSync(join(folder, 'sample.html'), reporters.html.render(sample) as string);
    writeFileSync(join(folder, 'large.html'), reporters.html.render(large) as string);
    writeFileSync(join(folder, 'comparison.html'), renderComparison(sample, 'html'));
    browser = await startChromium(executablePath ?? '');
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function open(name: string, options: BrowserContextOptions): Promise<Opened> {
    const page = await (await browser.newContext(options)).newPage();
    const requests: string[] = [];
    const complaints: string[] = [];
    page.on('request', (request) => requests.push(request.url()));
    page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
    page.on('dialog', (dialog) => {
      complaints.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    await page.goto(address(name));
    return { page, requests, complaints };
  }

  test.each([
    ['sample', desktop],
    ['large', dark],
    ['comparison', desktop],
  ] as const)('%s asks nothing of any network and complains of nothing', async (name, options) => {
    const { page, requests, complaints } = await open(name, options);
    await page.mouse.move(700, 500);
    await page.evaluate('window.scrollTo(0, document.body.scrollHeight)');
    await page.waitForTimeout(200);
    expect(requests).toEqual([address(name)]);
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test.each([
    ['sample', desktop],
    ['sample', phone],
    ['large', dark],
  ] as const)('every chart of %s is drawn', async (name, options) => {
    const { page } = await open(name, options);
    expect(await page.evaluate<string[]>(blankCanvases)).toEqual([]);
    expect(await page.locator('canvas').count()).toBeGreaterThan(10);
    await page.context().close();
  });

  test('the panels of the time axis lie on the same time', async () => {
    const { page } = await open('sample', desktop);
    const areas = await page.evaluate<string[]>(timeAxes);
    expect(areas.length).toBeGreaterThanOrEqual(5);
    expect(new Set(areas).size).toBe(1);
    await page.context().close();
  });

  test.each([
    ['sample', 'light', desktop],
    ['sample', 'dark', dark],
    ['sample', 'on a phone', phone],
    ['sample', 'on a phone in the dark', darkPhone],
    ['large', 'light', desktop],
    ['comparison', 'light', desktop],
    ['comparison', 'on a phone in the dark', darkPhone],
  ] as const)('axe finds nothing in %s, %s', async (name, _how, options) => {
    const { page } = await open(name, options);
    await page.evaluate(openFolds);
    await page.evaluate(axe);
    expect(await page.evaluate<string[]>(axeViolations)).toEqual([]);
    await page.context().close();
  });

  test.each(['sample', 'large', 'comparison'])('%s never scrolls sideways at 360 px', async (name) => {
    const { page } = await open(name, phone);
    await page.evaluate(openFolds);
    const { page: pageWidth, tables } = await page.evaluate<{ page: number; tables: number }>(widths);
    expect(pageWidth).toBe(360);
    expect(tables).toBeGreaterThan(0);
    await page.context().close();
  });

  test('everything but the drawings can be read without script', async () => {
    const { page, complaints } = await open('sample', { ...desktop, javaScriptEnabled: false });
    expect(complaints).toEqual([]);
    for (const section of ['Service-level objectives', 'Results by category', 'PostgreSQL', 'Measurement quality']) {
      expect(await page.getByRole('heading', { name: section, exact: true }).isVisible()).toBe(true);
    }
    expect(await page.getByRole('table', { name: /^Tools: latency under the open loop/ }).textContent()).toContain(
      'tools list',
    );
    expect(await page.locator('.chart').first().isVisible()).toBe(false);
    await page.locator('summary', { hasText: 'Every check of every trial' }).click();
    expect(await page.getByRole('table', { name: 'Every check of every trial' }).isVisible()).toBe(true);
    await page.context().close();
  });

  test('paper shows everything, dark on white, also for a reader in the dark', async () => {
    const { page } = await open('sample', dark);
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    await page.waitForTimeout(200);
    expect(await page.evaluate(printed)).toEqual({
      background: 'rgb(255, 255, 255)',
      ink: 'rgb(27, 31, 36)',
      navigation: 'none',
      folded: 0,
      clipped: 0,
    });
    expect((await page.pdf()).byteLength).toBeGreaterThan(50_000);
    await page.context().close();
  });
});
