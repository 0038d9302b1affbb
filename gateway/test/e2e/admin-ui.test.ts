// The admin pages of a running gateway in a real browser.
import { mkdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AxeResults } from 'axe-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { adminPassword } from './access-app.ts';
import { findChromium, startChromium } from './chromium.ts';
import { type GatewayProcess, startGateway } from './gateway-process.ts';
import { type SdkUpstream, startSdkUpstream } from './sdk-upstream.ts';

const executablePath = findChromium('the admin pages');
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** A folder for pictures of the pages, for whoever wants to look at them. */
const pictures = process.env['ADMIN_PICTURES'];

const desktop = { viewport: { width: 1280, height: 900 }, colorScheme: 'light' } as const;
const darkPhone = { viewport: { width: 360, height: 740 }, colorScheme: 'dark' } as const;

const pages = [
  '/admin',
  '/admin/registry/tools',
  '/admin/registry/gateways',
  '/admin/registry/prompts',
  '/admin/pool',
  '/admin/caches',
  '/admin/live',
  '/admin/log',
  '/admin/memory',
  '/admin/configuration',
  '/admin/registry/nonsense',
];

describe.skipIf(executablePath === undefined)('the admin pages in a browser', () => {
  let folder = '';
  let upstream: SdkUpstream;
  let gateway: GatewayProcess;
  let browser: Browser;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gatebench-admin-ui-'));
    upstream = await startSdkUpstream(true);
    gateway = await startGateway({
      DATABASE_URL: `sqlite:///${join(folder, 'admin.db')}`,
      SSRF_ALLOW_LOCALHOST: 'true',
      ENABLE_METRICS: 'true',
      MCPGATEWAY_UI_ENABLED: 'true',
      PLATFORM_ADMIN_PASSWORD: adminPassword,
      DISABLE_ACCESS_LOG: 'false',
    });
    browser = await startChromium(executablePath ?? '');
  });
  afterAll(async () => {
    await browser?.close();
    await gateway?.[Symbol.asyncDispose]();
    await upstream?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  /** A browser that is logged in; what it says on its console and what it asks of others is kept. */
  async function open(options: BrowserContextOptions) {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => {
      // Chromium tells of every answer that is an error.
      if (!message.text().includes('status of 404')) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => {
      if (!request.url().startsWith(`${gateway.url}/`) && !request.url().startsWith('data:'))
        complaints.push(request.url());
    });
    await page.goto(`${gateway.url}/admin`);
    expect(page.url(), 'who is not logged in is led to the login').toBe(`${gateway.url}/admin/login`);
    expect(await violationsOf(page)).toEqual([]);
    await page.getByLabel('Email').fill('admin@example.com');
    await page.getByLabel('Password').fill(adminPassword);
    await page.getByRole('button', { name: 'Log in', exact: true }).click();
    await page.waitForURL(`${gateway.url}/admin`);
    return { context, page, complaints };
  }

  const toolNames = async () => {
    const body = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} };
    const answer = await gateway.rest('POST', '/rpc', body);
    return (answer.body as { result: { tools: { name: string }[] } }).result.tools.map(({ name }) => name);
  };

  test('an upstream is registered, its tool tried and switched off, a cache dropped, a setting changed', async () => {
    const { context, page, complaints } = await open(desktop);
    await page.goto(`${gateway.url}/admin/registry/gateways`);
    await page.getByLabel('Name').fill('sdk');
    await page.getByLabel('URL of its MCP endpoint').fill(upstream.url);
    await page.getByRole('button', { name: 'Register' }).click();
    await page.getByRole('status').filter({ hasText: 'sdk is registered' }).waitFor();
    await page.getByRole('button', { name: 'Refresh sdk' }).click();
    await page.getByRole('status').filter({ hasText: 'sdk was asked again' }).waitFor();

    const [name = ''] = await toolNames();
    expect(name).not.toBe('');
    await page.goto(`${gateway.url}/admin/registry/tools`);
    await page.getByRole('link', { name: `Try ${name}` }).click();
    for (const input of await page.locator('form.card input[required], form.card input').all()) await input.fill('x');
    await page.getByRole('button', { name: 'Call' }).click();
    await page.getByText(/It answered after/).waitFor();
    expect(await violationsOf(page)).toEqual([]);
    await picture(page, 'try');

    await page.goto(`${gateway.url}/admin/registry/tools`);
    await page.getByRole('button', { name: `Disable ${name}` }).click();
    await page
      .getByRole('status')
      .filter({ hasText: `${name} was disabled` })
      .waitFor();
    expect(await toolNames()).not.toContain(name);
    await page.getByRole('button', { name: `Enable ${name}` }).click();
    await page
      .getByRole('status')
      .filter({ hasText: `${name} was enabled` })
      .waitFor();
    expect(await toolNames()).toContain(name);

    await gateway.rest('GET', '/tools');
    await page.goto(`${gateway.url}/admin/caches`);
    const entries = () => page.getByRole('row', { name: 'list_tools' }).getByRole('cell').nth(1).textContent();
    expect(await entries()).toBe('1');
    await page.getByRole('button', { name: 'Drop list_tools' }).click();
    await page.getByRole('status').filter({ hasText: 'the cache list_tools was dropped' }).waitFor();
    expect(await entries()).toBe('0');

    await page.goto(`${gateway.url}/admin/configuration`);
    await page.getByRole('textbox', { name: 'MAX_HEADER_COUNT' }).fill('0');
    await page.getByRole('button', { name: 'Set MAX_HEADER_COUNT' }).click();
    await page.getByRole('alert').filter({ hasText: 'MAX_HEADER_COUNT' }).waitFor();
    await page.goBack();
    await page.getByRole('textbox', { name: 'MAX_HEADER_COUNT' }).fill('77');
    await page.getByRole('button', { name: 'Set MAX_HEADER_COUNT' }).click();
    await page.getByRole('status').filter({ hasText: 'MAX_HEADER_COUNT is 77 now' }).waitFor();
    const row = page.getByRole('row', { name: /^MAX_HEADER_COUNT/ });
    expect(await row.getByRole('cell').last().textContent()).toBe('run time');
    const text = (await page.locator('main').textContent()) ?? '';
    expect(text).not.toContain(adminPassword);

    // The one complaint is the browser's about the refused value.
    expect(complaints.filter((complaint) => !complaint.includes('422'))).toEqual([]);
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.waitForURL(`${gateway.url}/admin/login`);
    await page.goto(`${gateway.url}/admin/pool`);
    expect(page.url()).toBe(`${gateway.url}/admin/login`);
    await context.close();
  });

  test('a wrong password is refused with a reason', async () => {
    const context = await browser.newContext(desktop);
    const page = await context.newPage();
    await page.goto(`${gateway.url}/admin/login`);
    await page.getByLabel('Email').fill('admin@example.com');
    await page.getByLabel('Password').fill('wrong');
    await page.getByRole('button', { name: 'Log in', exact: true }).click();
    await page.getByRole('alert').filter({ hasText: 'wrong email or password' }).waitFor();
    expect(await context.cookies()).toEqual([]);
    await context.close();
  });

  test.each([
    ['on a desktop', desktop],
    ['on a phone in the dark', darkPhone],
  ] as const)(
    'every page is shown without a complaint %s: axe finds nothing, nothing is wider than the screen',
    async (how, options) => {
      const { context, page, complaints } = await open(options);
      for (const path of pages) {
        await page.goto(`${gateway.url}${path}`);
        if (path === '/admin/live') await page.locator('[data-figure="rss"]').filter({ hasText: /^\d+$/ }).waitFor();
        await picture(page, `${how} ${path}`);
        expect(await violationsOf(page), path).toEqual([]);
        const width = await page.evaluate<number>('document.documentElement.scrollWidth');
        expect(width, path).toBeLessThanOrEqual(options.viewport.width);
      }
      expect(complaints).toEqual([]);
      await context.close();
    },
  );

  test('the log shows what is logged meanwhile', async () => {
    const { context, page } = await open(desktop);
    await page.goto(`${gateway.url}/admin/log`);
    await gateway.rest('GET', '/nothing-here');
    await page.locator('#log-lines li', { hasText: '/nothing-here' }).first().waitFor();
    const text = (await page.locator('#log-lines').textContent()) ?? '';
    expect(text).not.toMatch(/eyJ[\w-]+\./);
    await context.close();
  });

  test('the description of all routes can be read without a token, and nothing of it comes from elsewhere', async () => {
    const context = await browser.newContext(desktop);
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => {
      if (!request.url().startsWith(`${gateway.url}/`) && !request.url().startsWith('data:'))
        complaints.push(request.url());
    });
    await page.goto(`${gateway.url}/docs`);
    await page.locator('.opblock-tag', { hasText: 'Registry: tools' }).click();
    await page.locator('.opblock-summary-path', { hasText: '/tools/{id}' }).first().waitFor();
    await picture(page, 'docs');
    await context.close();
    expect(complaints).toEqual([]);
  });
});

async function violationsOf(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const { violations } = await page.evaluate<AxeResults>('axe.run(document)');
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`);
}

async function picture(page: Page, name: string): Promise<void> {
  if (pictures === undefined) return;
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `${name.replaceAll(/\W+/g, '-')}.png`), fullPage: true });
}
