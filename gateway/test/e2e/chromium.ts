// Chromium for the tests of both packages: CHROMIUM_PATH, or where distributions put it.
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** @param purpose what is skipped without it. @returns undefined, told on stderr, when there is none. @throws under CI, where nothing may be missing */
export function findChromium(purpose: string): string | undefined {
  const wanted = process.env['CHROMIUM_PATH'];
  const found = wanted !== undefined && wanted !== '' ? wanted : places.find(existsSync);
  if (found !== undefined && existsSync(found)) return found;
  const missing = `no Chromium at ${wanted ?? places.join(', ')}: install it (apt-get install chromium) or set CHROMIUM_PATH`;
  if (process.env['CI'] !== undefined) throw new Error(missing);
  process.stderr.write(`SKIPPED: ${purpose} in a real browser, because there is ${missing}\n`);
  return undefined;
}

export function startChromium(executablePath: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
