// Baselines: kept results, one JSON per name in baselines/, committed. Slimmed to what a comparison needs: every round's raw histograms stay.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { ParseError, parse } from '@gatebench/gateway/parse';
import { type Static, type TSchema, Type } from 'typebox';
import { HarnessError } from '../errors.ts';
import { repository } from '../paths.ts';
import { RunResult } from '../result/result.ts';
import { writeWhole } from '../result/run-folder.ts';

export const baselinesFolder = join(repository, 'baselines');

/** Without series, artifacts, seconds and raw files: these tell of one run, and no comparison looks at them. */
export function slimResult(result: RunResult): RunResult {
  return {
    ...result,
    steps: [],
    collectors: [],
    series: { columns: [], rows: [] },
    trials: result.trials.map((trial) => ({
      ...trial,
      artifacts: {},
      load:
        trial.load === null
          ? null
          : {
              ...trial.load,
              perSecond: [],
              rawFiles: [],
              errors: trial.load.errors.map((error) => ({ ...error, example: null })),
            },
    })),
  };
}

/** @throws USAGE for a name that is no file name */
export function checkBaselineName(name: string): void {
  if (/^[\w-][\w.-]*$/.test(name)) return;
  throw new HarnessError('USAGE', {
    detail: `a baseline's name has letters, digits, dots, hyphens and underscores, got '${name}'`,
  });
}

/** Writes baselines/<name>.json, whole or not at all, and returns its path. @throws USAGE for a name that is no file name, DISK_FULL */
export function keepBaseline(result: RunResult, name: string, folder = baselinesFolder): string {
  checkBaselineName(name);
  const file = join(folder, `${name}.json`);
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${file}.part`, `${JSON.stringify(slimResult(result), null, 1)}\n`);
    renameSync(`${file}.part`, file);
  } catch (cause) {
    throw new HarnessError('DISK_FULL', { detail: `${file} cannot be written: ${(cause as Error).message}`, cause });
  }
  return file;
}

/** Names in baselines/, sorted. */
export function listBaselines(folder = baselinesFolder): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => basename(name, '.json'))
    .sort();
}

/**
 * A baseline by its name, or any run: its folder (also as named below reports/) or a JSON file.
 * @throws BASELINE_UNKNOWN, BASELINE_INVALID
 */
export function readBaseline(nameOrFolder: string, folder = baselinesFolder): RunResult {
  const file = findFile(nameOrFolder, folder);
  if (file === undefined) {
    const names = listBaselines(folder);
    throw new HarnessError('BASELINE_UNKNOWN', {
      detail: `'${nameOrFolder}' is neither in ${relative(repository, folder) || folder}/ nor a run folder`,
      ...(names.length === 0 ? {} : { hint: `there are: ${names.join(', ')}` }),
    });
  }
  const result = readJson(RunResult, file);
  if (result.subjects.length === 0) {
    const why = result.failure?.message ?? 'its gateway never started';
    throw new HarnessError('BASELINE_INVALID', {
      detail: `${result.id} has measured no gateway: ${why}`,
      hint: 'name a run that came to its end',
    });
  }
  return result;
}

/** What a run was compared with, as it lies in the run's folder: `harness analyze` compares with the same in the same way. */
export const ComparedWith = Type.Object(
  {
    name: Type.String({ description: 'as it was asked for; heads the comparison' }),
    force: Type.Boolean({ description: 'compared although machine, profile, scenarios or tools differ' }),
    result: RunResult,
  },
  { additionalProperties: false },
);
export type ComparedWith = Static<typeof ComparedWith>;

const comparedWithFile = (runFolder: string): string => join(runFolder, 'baseline.json');

/** Writes `<run folder>/baseline.json`. @throws DISK_FULL */
export function keepComparedWith(runFolder: string, compared: ComparedWith): void {
  writeWhole(comparedWithFile(runFolder), JSON.stringify(compared));
}

/** Null when the run was compared with no other one. @throws BASELINE_INVALID */
export function readComparedWith(runFolder: string): ComparedWith | null {
  const file = comparedWithFile(runFolder);
  if (!existsSync(file)) return null;
  return readJson(ComparedWith, file, 'remove the file to rebuild the report without a comparison');
}

/** @throws BASELINE_INVALID */
function readJson<S extends TSchema>(schema: S, file: string, hint?: string): Static<S> {
  const source = relative(process.cwd(), file) || file;
  try {
    return parse(schema, JSON.parse(readFileSync(file, 'utf8')), source);
  } catch (cause) {
    const detail =
      cause instanceof ParseError ? shortenFaults(cause.message) : `${source}: ${(cause as Error).message}`;
    throw new HarnessError('BASELINE_INVALID', { detail, cause, ...(hint === undefined ? {} : { hint }) });
  }
}

function findFile(nameOrFolder: string, folder: string): string | undefined {
  const candidates = [
    join(folder, `${nameOrFolder}.json`),
    resolve(nameOrFolder, 'result.json'),
    join(repository, 'reports', nameOrFolder, 'result.json'),
    resolve(nameOrFolder),
  ];
  return candidates.find((file) => existsSync(file) && statSync(file).isFile());
}

function shortenFaults(message: string): string {
  const lines = message.split('\n');
  return lines.length > 8 ? [...lines.slice(0, 8), `and ${lines.length - 8} more faults`].join('\n') : message;
}
