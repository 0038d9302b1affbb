import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from '@gatebench/gateway/parse';
import { afterAll, describe, expect, test } from 'vitest';
import { compare } from '../../src/analyze/compare.ts';
import { HarnessError } from '../../src/errors.ts';
import {
  keepBaseline,
  keepComparedWith,
  listBaselines,
  readBaseline,
  readComparedWith,
} from '../../src/gate/baselines.ts';
import { PerfConfig } from '../../src/plan/config.ts';
import { buildResult } from '../build-result.ts';

const folder = mkdtempSync(join(tmpdir(), 'gatebench-baselines-'));
afterAll(() => rmSync(folder, { recursive: true }));

const result = buildResult({ rounds: 3, flawed: false });
const { gate } = parse(PerfConfig, {}, 'defaults');

function codeOf(action: () => unknown): [string, string] {
  try {
    action();
  } catch (error) {
    if (error instanceof HarnessError) return [error.code, `${error.message} ${error.hint}`];
    throw error;
  }
  return expect.unreachable();
}

describe('a baseline', () => {
  test('is read back and compares exactly as the run that it was kept from', () => {
    const file = keepBaseline(result, 'main', folder);
    const kept = readBaseline('main', folder);
    expect(compare(kept, result, gate)).toEqual(compare(result, result, gate));
    expect(statSync(file).size).toBeLessThan(JSON.stringify(result).length);
    expect(kept.trials.every((trial) => Object.keys(trial.artifacts).length === 0)).toBe(true);
  });

  test('is listed by its name, and found as a run folder or file too', () => {
    keepBaseline(result, 'v1.2', folder);
    expect(listBaselines(folder)).toEqual(['main', 'v1.2']);
    expect(readBaseline(join(folder, 'main.json'), folder).id).toBe(result.id);
  });

  test('that is not there is an error that names those that are', () => {
    const [code, text] = codeOf(() => readBaseline('mian', folder));
    expect(code).toBe('BASELINE_UNKNOWN');
    expect(text).toContain('main, v1.2');
  });

  test('that is corrupt is an error with the file and what is wrong in it', () => {
    const file = keepBaseline(result, 'broken', folder);
    writeFileSync(file, readFileSync(file, 'utf8').slice(0, 1000));
    expect(codeOf(() => readBaseline('broken', folder))).toEqual([
      'BASELINE_INVALID',
      expect.stringContaining('broken.json'),
    ]);
    writeFileSync(file, JSON.stringify({ ...result, schemaVersion: 7, trials: 'none' }));
    const [code, text] = codeOf(() => readBaseline('broken', folder));
    expect(code).toBe('BASELINE_INVALID');
    expect(text).toContain('/schemaVersion');
    expect(text).toContain('/trials');
    rmSync(file);
  });

  test('of a run that never had a gateway is refused with its reason, before anything is measured', () => {
    const failure = { code: 'POSTGRES_FAILED', message: 'POSTGRES_FAILED: it ended' };
    const file = keepBaseline({ ...result, status: 'failed', failure, subjects: [] }, 'empty', folder);
    expect(codeOf(() => readBaseline('empty', folder))).toEqual([
      'BASELINE_INVALID',
      expect.stringContaining('has measured no gateway: POSTGRES_FAILED: it ended'),
    ]);
    rmSync(file);
  });

  test('that a run was compared with is read back with its name and whether that was forced', () => {
    expect(readComparedWith(folder)).toBeNull();
    keepComparedWith(folder, { name: 'main', force: true, result });
    expect(readComparedWith(folder)).toEqual({ name: 'main', force: true, result });
    writeFileSync(join(folder, 'baseline.json'), JSON.stringify(result));
    const [code, text] = codeOf(() => readComparedWith(folder));
    expect(code).toBe('BASELINE_INVALID');
    expect(text).toContain('baseline.json');
    rmSync(join(folder, 'baseline.json'));
  });

  test('cannot be given a name that leads out of the folder', () => {
    expect(codeOf(() => keepBaseline(result, '../evil', folder))[0]).toBe('USAGE');
  });
});
