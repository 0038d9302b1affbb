import { chmodSync, cpSync, existsSync, lstatSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { locatePostgres, type PostgresPackage, preparePostgres } from '../../src/infra/postgres-binaries.ts';
import { listUnprivilegedUsers } from '../../src/infra/unprivileged-user.ts';
import { scratchFolder } from '../infra/processes.ts';

const isRoot = process.getuid?.() === 0;
const users = isRoot ? listUnprivilegedUsers().slice(0, 1) : undefined;

/** A copy of the installed package as npm leaves it without install scripts: no library links. */
async function withoutLinks(folder: string): Promise<PostgresPackage> {
  const installed = await locatePostgres();
  const copy = join(folder, 'native');
  cpSync(installed.folder, copy, { recursive: true, verbatimSymlinks: true });
  const library = join(copy, 'lib');
  for (const name of readdirSync(library)) {
    if (lstatSync(join(library, name)).isSymbolicLink()) rmSync(join(library, name));
  }
  return { folder: copy, version: installed.version };
}

/** As in root's home, where the server's user cannot enter; without root: programs that may not be run. */
function makeUnreachable(folder: string, installed: PostgresPackage): void {
  const programs = join(installed.folder, 'bin');
  if (isRoot) chmodSync(folder, 0o700);
  else for (const name of readdirSync(programs)) chmodSync(join(programs, name), 0o644);
}

describe('the PostgreSQL binaries', () => {
  it('run where they are installed, after their library links were made by us', async () => {
    const folder = scratchFolder();
    chmodSync(folder, 0o755);
    const installed = await withoutLinks(folder);
    const found = await preparePostgres(installed, '17', users, []);
    expect(found).toMatchObject({ folder: installed.folder, user: users?.[0] });
    expect(found.version).toMatch(/^17\.\d+$/);
  });

  it('are copied to where their user can reach them, once', async () => {
    const [closed, place] = [scratchFolder(), scratchFolder()];
    chmodSync(place, 0o755);
    const installed = await withoutLinks(closed);
    makeUnreachable(closed, installed);
    const first = await preparePostgres(installed, '17', users, [place]);
    expect(first.folder.startsWith(place)).toBe(true);
    const madeAt = lstatSync(first.folder).ctimeMs;
    const second = await preparePostgres(installed, '17', users, [place]);
    expect(second.folder).toBe(first.folder);
    expect(lstatSync(second.folder).ctimeMs).toBe(madeAt);
    expect(readdirSync(place)).toHaveLength(1);
  });

  it('are never run from a folder that others may write to', async () => {
    const [closed, place] = [scratchFolder(), scratchFolder()];
    chmodSync(place, 0o755);
    const installed = await withoutLinks(closed);
    makeUnreachable(closed, installed);
    const planted = join(place, `gatebench-postgres-${installed.version}-${process.getuid?.()}`);
    mkdirSync(join(planted, 'bin'), { recursive: true });
    chmodSync(planted, 0o777);
    const preparing = preparePostgres(installed, '17', users, [place]);
    await expect(preparing).rejects.toThrow(/POSTGRES_FAILED[\s\S]*is not safe to run from/);
  });

  it('of another major version are refused with both versions', async () => {
    const installed = await locatePostgres();
    const preparing = preparePostgres(installed, '15', users, []);
    await expect(preparing).rejects.toThrow(/PostgreSQL 15 is wanted, 17\.\d+ is installed/);
  });

  it('that nobody can run are told with what was tried', async () => {
    const empty = scratchFolder();
    const preparing = preparePostgres({ folder: empty, version: '17.1.0-x' }, '17', users, []);
    await expect(preparing).rejects.toThrow(/POSTGRES_FAILED.*cannot be run.*\n.*ENOENT/);
    expect(existsSync(empty)).toBe(true);
  });
});

describe('the user who runs PostgreSQL', () => {
  it('is nobody, or else another one of /etc/passwd, but never root', () => {
    const passwd =
      'root:x:0:0::/:/bin/sh\ntoor:x:0:0::/:/bin/sh\nada:x:1000:1000::/:/bin/sh\nnobody:x:65534:65534::/:/x\n';
    expect(listUnprivilegedUsers(passwd).map(({ name }) => name)).toEqual(['nobody', 'ada']);
  });
});
