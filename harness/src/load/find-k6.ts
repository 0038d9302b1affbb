// Finds k6, or fetches it: PATH, .cache/, `go install`, the pinned official release, the container image.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { HarnessError } from '../errors.ts';
import { cacheFolder } from '../paths.ts';
import { fetchRelease } from './fetch-k6-release.ts';

const execFileAsync = promisify(execFile);

/** What is fetched, and the k6 that the figures of docs/load-generators.md were measured with. */
export const PINNED_VERSION = '1.8.1';

/** Below it k6 runs no TypeScript without a build step. */
export const MINIMUM_VERSION = '1.0.0';

export interface K6 {
  command: string;
  version: string;
}

type Report = (line: string) => void;

interface Way {
  name: string;
  /** @returns why not, when this way does not lead to a k6 */
  take(report: Report, signal: AbortSignal, folder: string): Promise<K6 | string>;
}

const cachedFile = (folder: string): string => join(folder, process.platform === 'win32' ? 'k6.exe' : 'k6');

/** `k6 v1.8.1 (go1.26.8, linux/amd64)` → 1.8.1 */
export function parseVersion(output: string): string | null {
  return /k6(?:\.exe)? v?(\d+\.\d+\.\d+)/.exec(output)?.[1] ?? null;
}

export function isSupported(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  const [leastMajor = 0, leastMinor = 0, leastPatch = 0] = MINIMUM_VERSION.split('.').map(Number);
  if (major !== leastMajor) return major > leastMajor;
  return minor !== leastMinor ? minor > leastMinor : patch >= leastPatch;
}

async function asK6(command: string, signal: AbortSignal): Promise<K6 | string> {
  let output: string;
  try {
    output = (await execFileAsync(command, ['version'], { signal })).stdout;
  } catch (error) {
    return firstLine(error);
  }
  const version = parseVersion(output);
  if (version === null) return `says no version: ${output.trim().slice(0, 80)}`;
  if (!isSupported(version)) return `is ${version}, at least ${MINIMUM_VERSION} is needed`;
  return { command, version };
}

function firstLine(error: unknown): string {
  const { code, stderr, message } = error as NodeJS.ErrnoException & { stderr?: string };
  if (code === 'ENOENT') return 'not found';
  return (stderr?.trim() || message).split('\n')[0] ?? message;
}

const ways: Way[] = [
  { name: 'k6 on PATH', take: (_report, signal) => asK6('k6', signal) },
  {
    name: '.cache/k6',
    take: async (_report, signal, folder) =>
      existsSync(cachedFile(folder)) ? asK6(cachedFile(folder), signal) : 'nothing there',
  },
  { name: 'go install', take: goInstall },
  {
    name: 'official release',
    take: async (report, signal, folder) => {
      try {
        await fetchRelease(PINNED_VERSION, cachedFile(folder), report, signal);
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
      return asK6(cachedFile(folder), signal);
    },
  },
  { name: 'grafana/k6 image', take: dockerImage },
];

async function goInstall(report: Report, signal: AbortSignal, folder: string): Promise<K6 | string> {
  try {
    await execFileAsync('go', ['version'], { signal });
  } catch (error) {
    return firstLine(error);
  }
  report(`k6 ${PINNED_VERSION}: go install (once, one to three minutes)`);
  const startedMs = Date.now();
  const progress = setInterval(() => {
    report(`k6 ${PINNED_VERSION}: go install, ${Math.round((Date.now() - startedMs) / 1000)} s`);
  }, 5000);
  try {
    const env = { ...process.env, GOBIN: folder };
    await execFileAsync('go', ['install', `go.k6.io/k6@v${PINNED_VERSION}`], { env, signal, maxBuffer: 1 << 24 });
  } catch (error) {
    return firstLine(error);
  } finally {
    clearInterval(progress);
  }
  return asK6(cachedFile(folder), signal);
}

/** k6 is copied out of the image and runs as any other process: a container would have another network and another clock. */
async function dockerImage(report: Report, signal: AbortSignal, folder: string): Promise<K6 | string> {
  if (process.platform !== 'linux') return 'the k6 in the image runs on Linux only';
  const image = `grafana/k6:${PINNED_VERSION}`;
  const docker = async (...parameters: string[]): Promise<string> =>
    (await execFileAsync('docker', parameters, { signal })).stdout.trim();
  try {
    await docker('info', '--format', '{{.ServerVersion}}');
    report(`k6 ${PINNED_VERSION}: docker pull ${image}`);
    const container = await docker('create', image);
    await mkdir(folder, { recursive: true });
    try {
      await docker('cp', `${container}:/usr/bin/k6`, cachedFile(folder));
    } finally {
      await docker('rm', container);
    }
  } catch (error) {
    return firstLine(error);
  }
  return asK6(cachedFile(folder), signal);
}

/**
 * @param folder where a fetched k6 is kept
 * @param named for tests: only these ways
 * @throws K6_MISSING naming each way and why it failed; INTERRUPTED
 */
export async function findK6(
  report: Report,
  signal: AbortSignal,
  folder = join(cacheFolder, 'k6', `v${PINNED_VERSION}`),
  named: string[] = ways.map((way) => way.name),
): Promise<K6> {
  const tried: string[] = [];
  for (const way of ways.filter(({ name }) => named.includes(name))) {
    const taken = await way.take(report, signal, folder);
    if (signal.aborted) throw new HarnessError('INTERRUPTED', { detail: 'while k6 was looked for' });
    if (typeof taken !== 'string') return taken;
    tried.push(`${way.name}: ${taken}`);
  }
  throw new HarnessError('K6_MISSING', { detail: `tried ${tried.join('; ')}` });
}
