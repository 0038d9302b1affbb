// Where things lie. Works from the sources (tests) and from the build.
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

function findUp(marker: string): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, marker))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error(`no ${marker} above ${fileURLToPath(import.meta.url)}`);
    folder = parent;
  }
  return folder;
}

/** The repository: scenarios/, infra-profiles/, baselines/, reports/ lie here. */
export const repository = findUp('tsconfig.base.json');

/** Downloads and state of background processes; git-ignored. */
export const cacheFolder = join(repository, '.cache');

/** A file of the harness as built, for what runs as a process of its own: `builtFile('upstream/main.js')`. */
export function builtFile(path: string): string {
  return resolve(repository, 'harness/dist/src', path);
}

/** Schemas, templates and k6 scripts are read as they stand in the sources. */
export function sourceFile(path: string): string {
  return resolve(repository, 'harness/src', path);
}
