// The gate on itself, in its short form: the same build twice, and the same build with 20 % more CPU per call. The full form
// (five of each in a row) is `npm run prove:gate`.
import { rmSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { proveOnce } from '../../bench/gate.ts';
import { runFolderAt } from '../../src/result/run-folder.ts';

const scenarios = ['tools_call_simple', 'tools_list'];
const made: string[] = [];
afterAll(() => {
  for (const path of made) rmSync(path, { recursive: true, force: true });
});

describe('the gate', () => {
  it('finds no regression between a build and itself', { timeout: 900_000 }, async () => {
    const proof = await proveOnce({ slower: false, scenarios, seed: 1 });
    made.push(proof.runFolder, runFolderAt(proof.runFolder).reportFile);
    expect(proof.regressions, proof.verdict).toEqual([]);
  });

  it('catches 20 % more CPU per call', { timeout: 900_000 }, async () => {
    const proof = await proveOnce({ slower: true, scenarios, seed: 1 });
    made.push(proof.runFolder, runFolderAt(proof.runFolder).reportFile);
    expect(proof.regressions, proof.verdict).toContain('tools_call_simple cpu.per_request');
    expect(proof.exitCode).toBe(1);
  });
});
