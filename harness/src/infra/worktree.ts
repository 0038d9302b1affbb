// Another commit's gateway, built in a git worktree of its own below .cache/worktrees/, for `--against REF`. Built once
// per commit; the checkout that the harness runs in is never touched.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { HarnessError } from '../errors.ts';
import { cacheFolder, repository } from '../paths.ts';
import { git } from './build-description.ts';
import { takeLock } from './build-lock.ts';
import { toMessage } from './cleanup-stack.ts';
import { provideDependencies } from './dependencies.ts';
import { interrupted, throwIfAborted } from './wait.ts';

const run = promisify(execFile);

export interface WorktreeRequest {
  /** Anything that `git rev-parse` knows as a commit. */
  ref: string;
  signal: AbortSignal;
  report(line: string): void;
  /** The checkout whose history it is. */
  checkout?: string;
  /** Worktrees lie in here. */
  worktreesFolder?: string;
}

export interface BuiltWorktree {
  /** What `SubjectRequest.folder` wants. */
  folder: string;
  /** What `SubjectRequest.build` wants: the commit, 12 digits. */
  build: string;
  commit: string;
}

/** `npm ci` on a slow line and a cold compiler. */
const BUILD_DEADLINE_MS = 600_000;
/** Built commits that are kept, by last use; what was used within a day may be in use by another run and stays too. */
const KEPT = 5;
const IN_USE_MS = 24 * 3_600_000;

/**
 * Checks the commit out, gives it its dependencies and builds its gateway; a commit that was built before is used as it is. Commits
 * that nobody has compared with for long are removed.
 * @throws HarnessError GIT_REF_UNKNOWN when git does not know it or it does not build; INTERRUPTED
 */
export async function buildWorktree(request: WorktreeRequest): Promise<BuiltWorktree> {
  const { ref, signal, report, checkout = repository } = request;
  const worktreesFolder = request.worktreesFolder ?? join(cacheFolder, 'worktrees');
  const commit = await resolveCommit(checkout, ref);
  const folder = join(worktreesFolder, commit);
  const built = { folder, build: commit.slice(0, 12), commit };
  // Beside the worktree, not in it: there it would be a change.
  const mark = `${folder}.built`;
  mkdirSync(worktreesFolder, { recursive: true });
  const giveBack = await takeLock(`${folder}.lock`, { deadlineMs: BUILD_DEADLINE_MS, signal });
  try {
    if (existsSync(mark) && existsSync(join(folder, 'gateway/dist'))) {
      writeFileSync(mark, ''); // its time is that of the last use
      report(`${ref} (${built.build}) was built before`);
      return built;
    }
    const startedAt = performance.now();
    await checkOut(checkout, folder, commit);
    throwIfAborted(signal, `${ref} is built`);
    const how = await provideDependencies(folder, checkout, signal);
    await compile(folder, signal);
    writeFileSync(mark, '');
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    report(`${ref} (${built.build}) built, ${how} (${seconds} s)`);
    await removeOld(worktreesFolder, checkout);
    return built;
  } catch (cause) {
    if (signal.aborted) throw interrupted(`${ref} is built`);
    throw new HarnessError('GIT_REF_UNKNOWN', {
      detail: `${ref} (${built.build}) does not build: ${toOutput(cause)}`,
      hint: 'name a commit whose gateway `npm run build` builds',
      cause,
    });
  } finally {
    giveBack();
  }
}

/** Removes one built commit, or nothing when it is not there. */
export async function removeWorktree({ folder }: { folder: string }, checkout: string = repository): Promise<void> {
  rmSync(`${folder}.built`, { force: true });
  if (existsSync(folder)) await git(checkout, ['worktree', 'remove', '--force', folder]);
}

async function removeOld(worktreesFolder: string, checkout: string): Promise<void> {
  const marks = readdirSync(worktreesFolder)
    .filter((name) => name.endsWith('.built'))
    .map((name) => join(worktreesFolder, name))
    .map((mark) => ({ folder: mark.replace(/\.built$/, ''), usedAtMs: statSync(mark).mtimeMs }))
    .sort((a, b) => b.usedAtMs - a.usedAtMs);
  const old = marks.slice(KEPT).filter(({ usedAtMs }) => Date.now() - usedAtMs > IN_USE_MS);
  for (const worktree of old) await removeWorktree(worktree, checkout);
}

async function resolveCommit(checkout: string, ref: string): Promise<string> {
  try {
    return await git(checkout, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`]);
  } catch (cause) {
    const isShallow = (await git(checkout, ['rev-parse', '--is-shallow-repository']).catch(() => '')) === 'true';
    throw new HarnessError('GIT_REF_UNKNOWN', {
      detail: `git knows no commit ${JSON.stringify(ref)} in ${checkout}`,
      cause,
      ...(isShallow && { hint: 'this is a shallow clone: `git fetch --unshallow` brings its history' }),
    });
  }
}

/** What an interrupted build has left is thrown away. */
async function checkOut(checkout: string, folder: string, commit: string): Promise<void> {
  rmSync(`${folder}.built`, { force: true });
  rmSync(folder, { recursive: true, force: true });
  // Forced: git may still know a worktree there whose folder is gone.
  await git(checkout, ['worktree', 'add', '--force', '--force', '--detach', folder, commit]);
}

async function compile(folder: string, signal: AbortSignal): Promise<void> {
  const compiler = join(folder, 'node_modules/typescript/bin/tsc');
  const steps = [[compiler, '-b', 'gateway']];
  // Commits from before the bundle run what the compiler makes.
  const bundler = join(folder, 'gateway/bundle.js');
  if (existsSync(bundler)) steps.push([bundler]);
  for (const step of steps) await run(process.execPath, step, { cwd: folder, signal, maxBuffer: 64e6 });
}

/** The compiler and npm say on their output what was wrong. */
function toOutput(error: unknown): string {
  const output = [error].flatMap((one) =>
    typeof one === 'object' && one !== null
      ? ['stdout', 'stderr'].map((name) => String(Reflect.get(one, name) ?? '').trim())
      : [],
  );
  const lines = output.join('\n').trim().split('\n').slice(-12).join('\n');
  return lines === '' ? toMessage(error) : lines;
}
