import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { takeLock } from '../../src/infra/build-lock.ts';
import { scratchFolder } from './processes.ts';

const { signal } = new AbortController();

describe('a build lock', () => {
  it('is held by one at a time and leaves nothing when it is given back', async () => {
    const folder = scratchFolder();
    const file = join(folder, 'a.lock');
    const giveBack = await takeLock(file, { deadlineMs: 1_000, signal });
    await expect(takeLock(file, { deadlineMs: 150, signal })).rejects.toThrow('held by another run');
    giveBack();
    (await takeLock(file, { deadlineMs: 1_000, signal }))();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('does not count when its owner is gone', async () => {
    const file = join(scratchFolder(), 'a.lock');
    writeFileSync(file, JSON.stringify({ pid: process.pid, startedAt: '1' }));
    const giveBack = await takeLock(file, { deadlineMs: 1_000, signal });
    expect(existsSync(file)).toBe(true);
    giveBack();
  });
});
