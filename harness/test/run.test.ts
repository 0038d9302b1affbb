import { describe, expect, it } from 'vitest';
import { HarnessError } from '../src/errors.ts';
import { toHarnessError } from '../src/run.ts';

const { signal } = new AbortController();
const refused = (code: string) => Object.assign(new Error(`${code}: no, open '/x'`), { code, syscall: 'open' });
const ours = new HarnessError('GATEWAY_FAILED', { detail: 'it ended' });

describe('what ends a run', () => {
  it('is told by the first failure, not by what failed while parts were stopped because of it', () => {
    // As `await using` makes it where there is no SuppressedError (Node 20).
    const suppressed = Object.assign(new Error('suppressed'), { suppressed: ours, error: new Error('cannot stop') });
    expect(toHarnessError(suppressed, signal)).toBe(ours);
    expect(toHarnessError(new AggregateError([new Error('one'), ours]), signal)).toBe(ours);
  });

  it.each([
    ['ENOSPC', 'DISK_FULL'],
    ['EDQUOT', 'DISK_FULL'],
    ['EACCES', 'SYSTEM_FAILED'],
    ['EROFS', 'SYSTEM_FAILED'],
  ])('is the system’s %s: %s, exit code 3, with what it said', (code, expected) => {
    expect(toHarnessError(refused(code), signal)).toMatchObject({ code: expected, exitCode: 3 });
    expect(toHarnessError(refused(code), signal).message).toContain("open '/x'");
  });

  it('is a defect of ours otherwise, with its stack, and never exit code 1, which says "slower"', () => {
    const defect = toHarnessError(new TypeError('x is not a function'), signal);
    expect(defect).toMatchObject({ code: 'INTERNAL', exitCode: 3 });
    expect(defect.message).toContain('run.test.ts');
  });

  it('is an interruption once that was asked for', () => {
    expect(toHarnessError(ours, AbortSignal.abort()).code).toBe('INTERRUPTED');
  });
});
