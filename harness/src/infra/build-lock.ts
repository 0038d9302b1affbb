// One build at a time per folder, across processes. A lock whose owner is gone does not count.
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Value } from 'typebox/value';
import { hasCode, identifyProcess, isRunning, ProcessIdentity } from '../process-identity.ts';
import { waitFor } from './wait.ts';

/**
 * Waits until the lock is ours.
 * @returns what gives it back
 * @throws Error when another process holds it beyond the deadline; HarnessError INTERRUPTED
 */
export async function takeLock(
  file: string,
  options: { deadlineMs: number; signal: AbortSignal },
): Promise<() => void> {
  const mine = `${file}.${process.pid}`;
  writeFileSync(mine, JSON.stringify(identifyProcess(process.pid)));
  try {
    const taken = await waitFor('another run builds the same commit', () => tryLock(mine, file), {
      ...options,
      intervalMs: 100,
    });
    if (!taken) throw new Error(`${file} is held by another run for more than ${options.deadlineMs / 1000} s`);
  } finally {
    rmSync(mine, { force: true });
  }
  return () => rmSync(file, { force: true });
}

/** A link appears with its content, or not at all: nobody ever reads a half-written lock. */
function tryLock(mine: string, file: string): true | undefined {
  try {
    linkSync(mine, file);
    return true;
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  }
  if (!isHeld(file)) rmSync(file, { force: true });
  return undefined;
}

function isHeld(file: string): boolean {
  try {
    const owner: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return Value.Check(ProcessIdentity, owner) && isRunning(owner);
  } catch (error) {
    if (hasCode(error, 'ENOENT') || error instanceof SyntaxError) return false;
    throw error;
  }
}
