// The run folder: everything that a run leaves behind. `result.json` is replaced as a whole, so that a killed run leaves the last good one.
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { ParseError, parse } from '@gatebench/gateway/parse';
import { HarnessError } from '../errors.ts';
import { repository } from '../paths.ts';
import { requireDiskSpace } from './disk-space.ts';
import { RunResult } from './result.ts';

export const reportsFolder = join(repository, 'reports');

/** What a run may write at most before a look at the disk is due; the largest seen is a heavy run’s raw samples. */
const NEEDED_BYTES = 500e6;

export interface RunFolder {
  /** results_medium_20261120_134500 */
  id: string;
  path: string;
  /** Where its report goes, beside it. */
  reportFile: string;
}

/** Creates `reports/results_<profile>_<YYYYMMDD_HHMMSS>/`, local time; a second run in the same second gets a suffix. @throws DISK_FULL */
export function createRunFolder(profile: string, now: Date, parent = reportsFolder): RunFolder {
  try {
    mkdirSync(parent, { recursive: true });
    requireDiskSpace(parent, NEEDED_BYTES);
    const stamp = toStamp(now);
    for (let suffix = 1; ; suffix++) {
      const folder = runFolderAt(join(parent, `results_${profile}_${stamp}${suffix === 1 ? '' : `_${suffix}`}`));
      if (tryMake(folder.path)) return folder;
    }
  } catch (cause) {
    if (cause instanceof HarnessError) throw cause;
    throw new HarnessError('DISK_FULL', { detail: `${parent} cannot be written: ${(cause as Error).message}`, cause });
  }
}

/** False when it is there already: another run of the same second was quicker. */
function tryMake(path: string): boolean {
  try {
    mkdirSync(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

export function runFolderAt(path: string): RunFolder {
  const id = basename(path);
  return { id, path, reportFile: join(dirname(path), `performance_report_${id.replace(/^results_/, '')}.html`) };
}

export function writeResult(folder: RunFolder, result: RunResult): void {
  writeWhole(join(folder.path, 'result.json'), `${JSON.stringify(result, null, 1)}\n`);
}

/** Writes a file so that it is there whole or not at all. @throws DISK_FULL */
export function writeWhole(file: string, content: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(`${file}.part`, content);
    renameSync(`${file}.part`, file);
  } catch (cause) {
    throw new HarnessError('DISK_FULL', { detail: `${file} cannot be written: ${(cause as Error).message}`, cause });
  }
}

/** Reads `<run folder>` or `<run folder>/result.json`. @throws RESULT_INVALID */
export function readResult(path: string): { folder: RunFolder; result: RunResult } {
  const given = resolve(path);
  const file = existsSync(given) && statSync(given).isDirectory() ? join(given, 'result.json') : given;
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return { folder: runFolderAt(dirname(file)), result: parse(RunResult, value, file) };
  } catch (cause) {
    const detail =
      cause instanceof ParseError
        ? cause.message.split('\n').slice(0, 5).join('\n')
        : `${file}: ${(cause as Error).message}`;
    throw new HarnessError('RESULT_INVALID', { detail, cause });
  }
}

function toStamp(date: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}${two(date.getMonth() + 1)}${two(date.getDate())}`;
  return `${day}_${two(date.getHours())}${two(date.getMinutes())}${two(date.getSeconds())}`;
}
