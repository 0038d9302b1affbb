import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { watchFiles } from '../../src/cluster/watch-files.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatebench-watch-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

it('tells once of many files that are written together, also below the folder', async () => {
  mkdirSync(join(folder, 'deep'));
  const told: string[] = [];
  using _watching = watchFiles([folder], (file) => told.push(file));
  await sleep(50);
  for (let at = 0; at < 20; at++) writeFileSync(join(folder, 'deep', `${at}.js`), '');
  await vi.waitFor(() => expect(told).toHaveLength(1), 2000);
  await sleep(300);
  expect(told).toHaveLength(1);
});

it('follows a file that is replaced by another, and says nothing of its neighbours', async () => {
  const file = join(folder, '.env');
  writeFileSync(file, 'A=1');
  const told: string[] = [];
  using _watching = watchFiles([file, undefined], (changed) => told.push(changed));
  writeFileSync(join(folder, 'other'), '');
  await sleep(300);
  expect(told).toEqual([]);
  for (const count of [1, 2]) {
    writeFileSync(`${file}.new`, `A=${count}`);
    renameSync(`${file}.new`, file);
    await vi.waitFor(() => expect(told).toEqual(Array(count).fill('.env')), 2000);
  }
});
