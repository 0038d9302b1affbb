import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, realpathSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeBuild } from '../../src/infra/build-description.ts';
import { provideDependencies } from '../../src/infra/dependencies.ts';
import { buildWorktree, removeWorktree } from '../../src/infra/worktree.ts';
import { repository } from '../../src/paths.ts';
import { scratchFolder } from '../infra/processes.ts';

const { signal } = new AbortController();
const report = () => {};

function git(folder: string, ...args: string[]): string {
  const identity = ['-c', 'user.name=test', '-c', 'user.email=test@localhost', '-c', 'commit.gpgsign=false'];
  return execFileSync('git', [...identity, ...args], { cwd: folder, encoding: 'utf8' }).trim();
}

/**
 * A small repository whose gateway is one file. Its "compiler" is a package of its own, so that a real `npm ci` installs
 * it without any registry.
 */
function smallRepository(): string {
  const folder = join(scratchFolder(), 'checkout');
  mkdirSync(join(folder, 'gateway'), { recursive: true });
  mkdirSync(join(folder, 'compiler/bin'), { recursive: true });
  const write = (file: string, text: string) => writeFileSync(join(folder, file), text);
  write('.gitignore', 'node_modules/\ndist/\n');
  write('compiler/package.json', JSON.stringify({ name: 'typescript', version: '1.0.0' }));
  write(
    'compiler/bin/tsc',
    `const { cpSync, readFileSync } = require('node:fs');
     if (readFileSync('gateway/source.js', 'utf8').includes('broken')) { console.log('source.js: it is broken'); process.exit(1); }
     cpSync('gateway/source.js', 'gateway/dist/src/main.js');`,
  );
  write(
    'package.json',
    JSON.stringify({ name: 'small', version: '1.0.0', dependencies: { typescript: 'file:compiler' } }),
  );
  write('gateway/source.js', 'first');
  git(folder, 'init', '-q', '-b', 'main');
  execFileSync('npm', ['install', '--package-lock-only', '--offline', '--no-audit'], { cwd: folder, stdio: 'pipe' });
  git(folder, 'add', '.');
  git(folder, 'commit', '-q', '-m', 'first');
  return folder;
}

function commit(folder: string, source: string): void {
  writeFileSync(join(folder, 'gateway/source.js'), source);
  git(folder, 'commit', '-q', '-a', '-m', source);
}

const mainOf = (folder: string) => readFileSync(join(folder, 'gateway/dist/src/main.js'), 'utf8');

describe('the worktree of another commit', () => {
  it('has the bundle too, where the commit makes one', async () => {
    const checkout = smallRepository();
    const bundle =
      "import { cpSync } from 'node:fs'; cpSync('gateway/dist/src/main.js', 'gateway/dist/bundle/gateway.js');";
    writeFileSync(join(checkout, 'gateway/bundle.js'), bundle);
    writeFileSync(join(checkout, 'gateway/package.json'), '{"type":"module"}');
    git(checkout, 'add', '.');
    commit(checkout, 'bundled');
    const worktreesFolder = join(checkout, '../worktrees');
    const { folder } = await buildWorktree({ ref: 'HEAD', signal, report: () => undefined, checkout, worktreesFolder });
    expect(readFileSync(join(folder, 'gateway/dist/bundle/gateway.js'), 'utf8')).toBe('bundled');
  });

  it('is checked out and built, once per commit, and the checkout stays as it is', async () => {
    const checkout = smallRepository();
    commit(checkout, 'second');
    writeFileSync(join(checkout, 'gateway/source.js'), 'not committed');
    const worktreesFolder = join(checkout, '../worktrees');
    const lines: string[] = [];
    const request = { ref: 'HEAD~1', signal, checkout, worktreesFolder, report: (line: string) => lines.push(line) };
    const [one, other] = await Promise.all([buildWorktree(request), buildWorktree(request)]);
    expect(other).toEqual(one);
    expect(mainOf(one.folder)).toBe('first');
    expect(one.commit).toBe(git(checkout, 'rev-parse', 'HEAD~1'));
    expect(lines.filter((line) => line.includes('was built before'))).toHaveLength(1);
    expect(git(checkout, 'status', '--porcelain')).toBe('M gateway/source.js');

    await removeWorktree(one, checkout);
    expect(existsSync(one.folder)).toBe(false);
    expect(git(checkout, 'worktree', 'list').split('\n')).toHaveLength(1);
    expect((await buildWorktree(request)).folder).toBe(one.folder);
  });

  it('is removed when five others were used since, unless it was used within a day', async () => {
    const checkout = smallRepository();
    for (const source of ['second', 'third']) commit(checkout, source);
    const worktreesFolder = join(checkout, '../worktrees');
    const build = (ref: string) => buildWorktree({ ref, signal, checkout, worktreesFolder, report });
    const [old, recent] = [await build('HEAD~2'), await build('HEAD~1')];
    for (const name of ['a', 'b', 'c', 'd', 'e']) writeFileSync(join(worktreesFolder, `${name}.built`), '');
    const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000);
    utimesSync(`${old.folder}.built`, hoursAgo(48), hoursAgo(48));
    utimesSync(`${recent.folder}.built`, hoursAgo(12), hoursAgo(12));
    await build('HEAD');
    expect(existsSync(old.folder)).toBe(false);
    expect(existsSync(recent.folder)).toBe(true);
    expect(git(checkout, 'worktree', 'list')).not.toContain(old.commit.slice(0, 7));
  });

  it('is built anew when its building was interrupted', async () => {
    const checkout = smallRepository();
    const request = { ref: 'main', checkout, worktreesFolder: join(checkout, '../worktrees'), report };
    const interrupted = buildWorktree({ ...request, signal: AbortSignal.timeout(150) });
    await expect(interrupted).rejects.toMatchObject({ code: 'INTERRUPTED', exitCode: 130 });
    expect(mainOf((await buildWorktree({ ...request, signal })).folder)).toBe('first');
  });

  it('is refused with the compiler’s words when it does not build, and when git does not know it', async () => {
    const checkout = smallRepository();
    commit(checkout, 'broken');
    const request = { signal, checkout, worktreesFolder: join(checkout, '../worktrees'), report };
    const building = buildWorktree({ ...request, ref: 'main' });
    await expect(building).rejects.toThrow(/GIT_REF_UNKNOWN.*main.*does not build: source.js: it is broken/);
    const unknown = buildWorktree({ ...request, ref: '--force' });
    await expect(unknown).rejects.toMatchObject({ code: 'GIT_REF_UNKNOWN', exitCode: 2 });
  });

  it('takes our node_modules when the lockfiles are the same, with its own packages in it', async () => {
    const checkout = scratchFolder();
    for (const file of ['package.json', 'package-lock.json']) {
      writeFileSync(join(checkout, file), readFileSync(join(repository, file)));
    }
    for (const name of ['gateway', 'harness']) mkdirSync(join(checkout, name));
    expect(await provideDependencies(checkout, repository, signal)).toBe('dependencies linked');
    expect(realpathSync(join(checkout, 'node_modules/@gatebench/gateway'))).toBe(
      realpathSync(join(checkout, 'gateway')),
    );
    expect(realpathSync(join(checkout, 'node_modules/typescript'))).toBe(
      realpathSync(join(repository, 'node_modules/typescript')),
    );
  });
});

describe('the name of a build', () => {
  it('is the commit, with a mark when something was changed since', async () => {
    const checkout = smallRepository();
    const head = git(checkout, 'rev-parse', '--short=12', 'HEAD');
    expect(await describeBuild(checkout)).toBe(head);
    writeFileSync(join(checkout, 'new-file'), '');
    expect(await describeBuild(checkout)).toBe(`${head}+changes`);
    expect(await describeBuild(scratchFolder())).toBe('no git');
  });
});
