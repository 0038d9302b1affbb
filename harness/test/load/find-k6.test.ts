import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { HarnessError } from '../../src/errors.ts';
import { archiveName, fetchRelease, listedChecksum } from '../../src/load/fetch-k6-release.ts';
import { findK6, isSupported, parseVersion } from '../../src/load/find-k6.ts';

const signal = new AbortController().signal;
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatebench-test-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function writeK6(version: string): void {
  writeFileSync(join(folder, 'k6'), `#!/bin/sh\necho "k6 v${version} (go1.26.8, linux/amd64)"\n`);
  chmodSync(join(folder, 'k6'), 0o755);
}

test('versions are read from what k6 prints, and compared by number', () => {
  expect(parseVersion('k6 v1.8.1 (go1.26.8, linux/amd64)')).toBe('1.8.1');
  expect(parseVersion('k6.exe v0.57.0 (commit/50afd82c18)')).toBe('0.57.0');
  expect(parseVersion('usage: k6')).toBeNull();
  expect(['0.57.0', '1.0.0', '1.8.1', '2.0.0', '10.0.0'].map(isSupported)).toEqual([false, true, true, true, true]);
});

describe('findK6', () => {
  test('takes the k6 of the cache', async () => {
    writeK6('1.8.1');
    const k6 = await findK6(() => undefined, signal, folder, ['.cache/k6']);
    expect(k6).toEqual({ command: join(folder, 'k6'), version: '1.8.1' });
  });

  test('refuses a k6 that is too old and says what was tried', async () => {
    writeK6('0.40.0');
    const failed = findK6(() => undefined, signal, folder, ['.cache/k6']);
    await expect(failed).rejects.toMatchObject({ code: 'K6_MISSING', exitCode: 3 });
    await expect(failed).rejects.toThrow(/\.cache\/k6: is 0\.40\.0, at least/);
    await expect(failed.catch((error: HarnessError) => error.hint)).resolves.toContain('--engine autocannon');
  });
});

describe('fetchRelease', () => {
  let server: Server;
  let base = '';
  const files = new Map<string, Buffer>();
  const name = archiveName('9.9.9', process.platform, process.arch) ?? '';
  const archive = `${name}.${process.platform === 'darwin' ? 'zip' : 'tar.gz'}`;
  const checksums = '/v9.9.9/k6-v9.9.9-checksums.txt';

  beforeEach(async () => {
    server = createServer((request, response) => {
      const file = files.get(request.url ?? '');
      response.writeHead(file === undefined ? 404 : 200).end(file);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'k6'), '#!/bin/sh\necho k6 v9.9.9\n');
    execFileSync('tar', ['-acf', archive, name], { cwd: folder });
    const bytes = readFileSync(join(folder, archive));
    files.set(`/v9.9.9/${archive}`, bytes);
    files.set(checksums, Buffer.from(`${createHash('sha256').update(bytes).digest('hex')}  ${archive}\n`));
  });
  afterEach(() => {
    server.close();
  });

  test('unpacks a release whose checksum is right, and shows its progress', async () => {
    const lines: string[] = [];
    await fetchRelease('9.9.9', join(folder, 'bin/k6'), (line) => lines.push(line), signal, base);
    expect(execFileSync(join(folder, 'bin/k6'), { encoding: 'utf8' })).toContain('v9.9.9');
    expect(lines.at(-1)).toMatch(/MB/);
  });

  test('refuses a release whose checksum is wrong, and leaves nothing', async () => {
    files.set(checksums, Buffer.from(`${'0'.repeat(64)}  ${archive}\n`));
    const failed = fetchRelease('9.9.9', join(folder, 'bin/k6'), () => undefined, signal, base);
    await expect(failed).rejects.toThrow(/has SHA-256 [0-9a-f]{64}, expected 0{64}/);
    expect(existsSync(join(folder, 'bin/k6'))).toBe(false);
  });

  test('names the address that does not answer as it should', async () => {
    files.delete(checksums);
    await expect(fetchRelease('9.9.9', join(folder, 'bin/k6'), () => undefined, signal, base)).rejects.toThrow(
      /checksums\.txt answered 404/,
    );
  });

  test('knows the archives of k6, and no other machine', () => {
    expect(archiveName('1.8.1', 'linux', 'x64')).toBe('k6-v1.8.1-linux-amd64');
    expect(archiveName('1.8.1', 'darwin', 'arm64')).toBe('k6-v1.8.1-macos-arm64');
    expect(archiveName('1.8.1', 'aix', 'ppc64')).toBeNull();
    expect(listedChecksum(`${'a'.repeat(64)}  other.tar.gz`, 'k6.tar.gz')).toBeNull();
  });
});
