// The gate for real: two builds of the gateway, once the same and once with 20 % more CPU per call. `npm run prove:gate` does it more often.
import { rmSync } from 'node:fs';
import { afterAll, expect, it } from 'vitest';
import { type Proof, proveOnce } from '../../bench/gate.ts';
import { runFolderAt } from '../../src/result/run-folder.ts';

// Few scenarios have little to learn the noise from; more rounds make up for it.
const short = { scenarios: ['tools_call_simple', 'tools_list'], seed: 1, rounds: 7 };
const TEN_MINUTES = 600_000;
const proofs: Proof[] = [];

afterAll(() => {
  for (const { runFolder } of proofs) {
    rmSync(runFolder, { recursive: true, force: true });
    rmSync(runFolderAt(runFolder).reportFile, { force: true });
  }
});

it('finds no regression between a build and itself', { timeout: TEN_MINUTES }, async () => {
  const proof = await proveOnce({ ...short, slower: false });
  proofs.push(proof);
  expect(proof.regressions).toEqual([]);
  expect(Object.keys(proof.cpuRatios)).toEqual(short.scenarios);
});

it('catches 20 % more CPU per call', { timeout: TEN_MINUTES }, async () => {
  const proof = await proveOnce({ ...short, slower: true });
  proofs.push(proof);
  expect(proof.exitCode, proof.verdict).toBe(1);
  // With two scenarios and their noise one row may stay open; the gate is caught by the other.
  expect(proof.regressions.filter((row) => row.endsWith(' cpu.per_request')).length, proof.verdict).toBeGreaterThan(0);
});
