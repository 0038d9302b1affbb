// Fetches the pinned official release of k6 and checks it against the checksums of that release.
// The checksums come from the same place, over TLS: they show a broken or cut-off download, not a release that was replaced.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const execFileAsync = promisify(execFile);

const DEADLINE_MS = 300_000;

export const RELEASES = 'https://github.com/grafana/k6/releases/download';

/** Name of the archive for a machine, without its ending: `k6-v1.8.1-linux-amd64`. Null when k6 has none for it. */
export function archiveName(version: string, platform: string, arch: string): string | null {
  const system = { linux: 'linux', darwin: 'macos' }[platform];
  const machine = { x64: 'amd64', arm64: 'arm64' }[arch];
  return system === undefined || machine === undefined ? null : `k6-v${version}-${system}-${machine}`;
}

/** The SHA-256 of one file in a checksums file (`<hex>  <name>` per line); null when it is not listed. */
export function listedChecksum(checksums: string, file: string): string | null {
  for (const line of checksums.split('\n')) {
    const [hex, name] = line.trim().split(/\s+/);
    if (name?.replace(/^\*/, '') === file && hex !== undefined && /^[0-9a-f]{64}$/i.test(hex)) return hex.toLowerCase();
  }
  return null;
}

async function download(
  url: string,
  signal: AbortSignal,
  onBytes: (done: number, total: number) => void,
): Promise<Buffer> {
  const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(DEADLINE_MS)]) });
  if (!response.ok || response.body === null) throw new Error(`${url} answered ${response.status}`);
  const total = Number(response.headers.get('content-length') ?? 0);
  const chunks: Uint8Array[] = [];
  let done = 0;
  for await (const chunk of response.body) {
    chunks.push(chunk);
    done += chunk.length;
    onBytes(done, total);
  }
  return Buffer.concat(chunks);
}

/**
 * @param target the file that k6 becomes
 * @param base where releases lie; another one in tests
 * @throws Error saying what failed; nothing is left behind
 */
export async function fetchRelease(
  version: string,
  target: string,
  report: (line: string) => void,
  signal: AbortSignal,
  base: string = RELEASES,
): Promise<void> {
  const name = archiveName(version, process.platform, process.arch);
  if (name === null) throw new Error(`no release for ${process.platform} ${process.arch}`);
  const file = `${name}.${process.platform === 'darwin' ? 'zip' : 'tar.gz'}`;
  const checksums = await download(`${base}/v${version}/k6-v${version}-checksums.txt`, signal, () => undefined);
  const expected = listedChecksum(checksums.toString('utf8'), file);
  if (expected === null) throw new Error(`the checksums of the release do not list ${file}`);
  let reportedPercent = -10;
  const archive = await download(`${base}/v${version}/${file}`, signal, (done, total) => {
    const percent = total === 0 ? 0 : Math.floor((done / total) * 100);
    if (percent < reportedPercent + 10) return;
    reportedPercent = percent;
    report(`k6 ${version}: ${(done / 1e6).toFixed(1)} of ${(total / 1e6).toFixed(1)} MB`);
  });
  const seen = createHash('sha256').update(archive).digest('hex');
  if (seen !== expected) throw new Error(`${file} has SHA-256 ${seen}, expected ${expected}`);
  const scratch = await mkdtemp(join(tmpdir(), 'gatebench-k6-release-'));
  try {
    await writeFile(join(scratch, file), archive);
    // bsdtar, which is macOS's tar, reads zip as well.
    await execFileAsync('tar', ['-xf', file], { cwd: scratch, signal });
    await mkdir(dirname(target), { recursive: true });
    await chmod(join(scratch, name, 'k6'), 0o755);
    // Copied beside its place and renamed: a half-written k6 is never found.
    await execFileAsync('cp', [join(scratch, name, 'k6'), `${target}.new`], { signal });
    await rename(`${target}.new`, target);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
