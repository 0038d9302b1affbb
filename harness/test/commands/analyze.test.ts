import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { analyze } from '../../src/analyze/index.ts';
import { analyzeCommand } from '../../src/commands/analyze.ts';
import { writeReports } from '../../src/commands/run.ts';
import { keepComparedWith } from '../../src/gate/baselines.ts';
import { createRunFolder, writeResult } from '../../src/result/run-folder.ts';
import { buildResult } from '../build-result.ts';

const parent = mkdtempSync(join(tmpdir(), 'gatebench-analyze-'));
afterAll(() => {
  rmSync(parent, { recursive: true });
  vi.restoreAllMocks();
});

test('a run that was compared by force gets the same report again, byte by byte', async () => {
  for (const stream of [process.stdout, process.stderr]) vi.spyOn(stream, 'write').mockReturnValue(true);
  const baseline = buildResult({ id: 'results_light_20261101_080000', rounds: 3, flawed: false });
  baseline.environment.machine.cores = 64;
  const folder = createRunFolder('light', new Date(), parent);
  const result = buildResult({ id: folder.id, rounds: 3, flawed: false, behaviour: { current: { cpu: 1.4 } } });
  writeResult(folder, result);
  keepComparedWith(folder.path, { name: 'main', force: true, result: baseline });
  const analysis = analyze(result, { baseline, baselineName: 'main', force: true });
  await writeReports(analysis, folder);
  const files = [folder.reportFile, ...['md', 'csv', 'xml'].map((type) => join(folder.path, `report.${type}`))];
  const written = files.map((file) => readFileSync(file, 'utf8'));
  expect(written[0]).toContain('64');
  for (const file of files) rmSync(file);

  expect(await analyzeCommand(folder.path)).toBe(analysis.verdict.exitCode);
  expect(files.map((file) => readFileSync(file, 'utf8'))).toEqual(written);
});
