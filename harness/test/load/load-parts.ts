// What the end-to-end tests of the drivers share: the jobs, the raw files, and whether k6 is there.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LoadJob, PreparedRequest } from '../../src/load/driver.ts';
import { findK6 } from '../../src/load/find-k6.ts';

const signal = new AbortController().signal;

/** Only what is there already: a test does not fetch k6. @throws in CI, where no part may be missing */
export async function isK6There(): Promise<boolean> {
  try {
    await findK6(() => undefined, signal, undefined, ['k6 on PATH', '.cache/k6']);
    return true;
  } catch (error) {
    if (process.env['CI'] !== undefined) throw error;
    process.stderr.write('SKIPPED: k6 is neither on PATH nor in .cache/: npx harness fetch-k6\n');
    return false;
  }
}

export interface Bench {
  folder: string;
  job(more: Partial<LoadJob>): LoadJob;
  /** Latencies of the answers in the raw file, milliseconds, ascending. */
  latencies(id: string): number[];
}

export const TOKEN = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ0ZXN0In0.bm90LWEtcmVhbC1zaWduYXR1cmU';

const simple: PreparedRequest = {
  name: 'ok',
  method: 'POST',
  path: '/',
  headers: { 'content-type': 'application/json' },
  auth: true,
  body: '{}',
  rpcId: null,
  expect: { status: 200, jsonRpc: false, body: [{ path: 'ok', equals: true }] },
};

export function createBench(requests: PreparedRequest[] = [simple]): Bench & Disposable {
  // A checkout may lie in such a folder: k6's own options would stumble over it.
  const folder = mkdtempSync(join(tmpdir(), 'gatebench load, test-'));
  const requestsFile = join(folder, 'requests.json');
  writeFileSync(requestsFile, JSON.stringify(requests));
  return {
    folder,
    job: (more) => ({
      id: 'trial',
      loop: 'closed',
      baseUrl: '',
      token: TOKEN,
      requestsFile,
      ratePerSecond: null,
      durationSeconds: 60,
      requests: requests.length,
      concurrency: 2,
      timeoutMs: 5000,
      warmup: null,
      minimumSeconds: 0,
      turnSeconds: null,
      cpus: [],
      folder,
      ...more,
    }),
    latencies: (id) =>
      readFileSync(join(folder, `${id}.samples.csv`), 'utf8')
        .trim()
        .split('\n')
        .slice(1)
        .map((line) => line.split(',')[3] ?? '')
        .filter((text) => text !== '')
        .map(Number)
        .sort((a, b) => a - b),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Nearest rank. */
export function quantile(ascending: number[], q: number): number {
  return ascending[Math.max(0, Math.ceil(q * ascending.length) - 1)] ?? Number.NaN;
}
