// Gives a worktree its node_modules: ours, linked, when both lockfiles are the same; else its own installation.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { inheritedEnvironment } from './inherited-environment.ts';

const run = promisify(execFile);

/** Our own packages: in a worktree these must lead to the worktree. */
const WORKSPACE_SCOPE = '@gatebench';

const workspaces = ['gateway', 'harness'];

/** @returns how it was done, for the live display */
export async function provideDependencies(worktree: string, ours: string, signal: AbortSignal): Promise<string> {
  const [theirLock, ourLock] = await Promise.all(
    [worktree, ours].map((folder) => readFile(join(folder, 'package-lock.json'), 'utf8')),
  );
  const hasOurs = existsSync(join(ours, 'node_modules'));
  if (theirLock === ourLock && hasOurs) {
    await linkDependencies(worktree, ours);
    return 'dependencies linked';
  }
  const environment = { ...inheritedEnvironment(), ...registrySettings() };
  await run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: worktree, env: environment, signal, maxBuffer: 64e6 });
  return 'dependencies installed';
}

/**
 * Links each package on its own: one link to the whole folder would make `@gatebench/gateway` lead back to our sources.
 */
async function linkDependencies(worktree: string, ours: string): Promise<void> {
  for (const part of ['.', ...workspaces]) {
    const from = join(ours, part, 'node_modules');
    if (!existsSync(from)) continue;
    const to = join(worktree, part, 'node_modules');
    await rm(to, { recursive: true, force: true });
    await mkdir(to, { recursive: true });
    for (const name of await readdir(from)) {
      // .bin, .package-lock.json, the caches of tools: of the installation, not of a package.
      if (!name.startsWith('.') && name !== WORKSPACE_SCOPE) await symlink(join(from, name), join(to, name));
    }
  }
  for (const workspace of workspaces.filter((name) => existsSync(join(worktree, name)))) {
    const link = join(worktree, 'node_modules', WORKSPACE_SCOPE, workspace);
    await mkdir(dirname(link), { recursive: true });
    await symlink(join('..', '..', workspace), link);
  }
}

/** npm's own settings from the environment (a registry, a proxy, a cache). */
function registrySettings(): Record<string, string> {
  const entries = Object.entries(process.env).filter(([name]) => /^npm_config_|^https?_proxy$|^no_proxy$/i.test(name));
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== undefined));
}
