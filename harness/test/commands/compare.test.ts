import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, expect, test } from 'vitest';
import { addCompareCommand } from '../../src/commands/compare.ts';
import { keepBaseline } from '../../src/gate/baselines.ts';
import { buildResult } from '../build-result.ts';

const folder = mkdtempSync(join(tmpdir(), 'gatebench-compare-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('a damaged result is bad input, and what is wrong in it is named', async () => {
  const file = keepBaseline(buildResult({ config: { gate: { alpha: 7 } } }), 'damaged', folder);
  const program = new Command();
  addCompareCommand(program);
  await expect(program.parseAsync(['compare', file, file], { from: 'user' })).rejects.toMatchObject({
    code: 'RESULT_INVALID',
    message: expect.stringContaining('/config /gate/alpha'),
  });
});
