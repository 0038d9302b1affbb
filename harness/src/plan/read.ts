// Reads the YAML files of the plan: every fault of every file is reported at once, with file and path.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { ParseError, parse } from '@gatebench/gateway/parse';
import type { Static, TSchema } from 'typebox';
import { parse as parseYaml, YAMLParseError } from 'yaml';
import { type ErrorCode, HarnessError } from '../errors.ts';
import { repository } from '../paths.ts';
import { PerfConfig } from './config.ts';
import { InfrastructureProfile, PostgresProfile, ServerProfile } from './infrastructure-profile.ts';
import { LoadProfile } from './load-profile.ts';
import { Scenario } from './scenario.ts';

export const folders = {
  scenarios: join(repository, 'scenarios'),
  payloads: join(repository, 'scenarios/payloads'),
  loadProfiles: join(repository, 'scenarios/load-profiles'),
  infrastructure: join(repository, 'infra-profiles'),
  serverProfiles: join(repository, 'infra-profiles/server'),
  postgresProfiles: join(repository, 'infra-profiles/postgres'),
};

/** One YAML file, parsed and checked. @throws HarnessError(code) with every fault of the file */
export function readYaml<S extends TSchema>(schema: S, file: string, code: ErrorCode): Static<S> {
  const source = relative(process.cwd(), file) || file;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new HarnessError(code, { detail: `${source} cannot be read: ${(cause as Error).message}`, cause });
  }
  try {
    return parse(schema, parseYaml(text) ?? {}, source);
  } catch (cause) {
    if (cause instanceof ParseError) throw new HarnessError(code, { detail: cause.message, cause });
    if (cause instanceof YAMLParseError) {
      throw new HarnessError(code, { detail: `${source} is not YAML: ${cause.message}`, cause });
    }
    throw cause;
  }
}

/** Ids (file names without ending) of the YAML files in a folder, sorted. */
export function idsIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => basename(name, '.yaml'))
    .sort();
}

function readById<S extends TSchema>(schema: S, folder: string, id: string, what: string): Static<S> & { id: string } {
  const file = join(folder, `${id}.yaml`);
  if (!existsSync(file)) {
    throw new HarnessError('PROFILE_UNKNOWN', {
      detail: `${what} '${id}' is not in ${relative(repository, folder)}/`,
      hint: `there are: ${idsIn(folder).join(', ')}`,
    });
  }
  return { ...(readYaml(schema, file, 'PROFILE_INVALID') as Static<S> & object), id } as Static<S> & { id: string };
}

export const readLoadProfile = (id: string): LoadProfile =>
  readById(LoadProfile, folders.loadProfiles, id, 'load profile');
export const readInfrastructureProfile = (id: string): InfrastructureProfile =>
  readById(InfrastructureProfile, folders.infrastructure, id, 'infrastructure profile');
export const readServerProfile = (id: string): ServerProfile =>
  readById(ServerProfile, folders.serverProfiles, id, 'server profile');
export const readPostgresProfile = (id: string): PostgresProfile =>
  readById(PostgresProfile, folders.postgresProfiles, id, 'PostgreSQL profile');

export function readConfig(file: string): PerfConfig {
  return readYaml(PerfConfig, file, 'CONFIG_INVALID');
}

/** Every scenario of the folder, in the order of their ids. @throws SCENARIO_INVALID with the faults of all files */
export function readScenarios(folder = folders.scenarios): Scenario[] {
  const faults: string[] = [];
  const scenarios: Scenario[] = [];
  const ids = idsIn(folder);
  for (const id of ids) {
    try {
      const scenario = { id, ...readYaml(Scenario, join(folder, `${id}.yaml`), 'SCENARIO_INVALID') };
      if (scenario.pairedWith !== undefined && !ids.includes(scenario.pairedWith)) {
        faults.push(`scenarios/${id}.yaml /pairedWith names no scenario, got '${scenario.pairedWith}'`);
      }
      scenarios.push(scenario);
    } catch (error) {
      if (!(error instanceof HarnessError)) throw error;
      faults.push(error.message.replace(/^\w+: [^:]+: /, ''));
    }
  }
  if (faults.length > 0) throw new HarnessError('SCENARIO_INVALID', { detail: faults.join('\n') });
  return scenarios;
}

/**
 * The scenarios to run: those that the configuration enables, or exactly those named, with its SLO overrides applied.
 * A scenario's partner (`pairedWith`) is not added by itself: overhead is then not available.
 * @throws SCENARIO_UNKNOWN, CONFIG_INVALID when the configuration names a scenario that does not exist
 */
export function chooseScenarios(all: Scenario[], config: PerfConfig, named: string[]): Scenario[] {
  const known = new Set(all.map((scenario) => scenario.id));
  const misnamed = Object.keys(config.scenarios).filter((id) => !known.has(id));
  if (misnamed.length > 0) {
    throw new HarnessError('CONFIG_INVALID', { detail: `/scenarios names unknown scenarios: ${misnamed.join(', ')}` });
  }
  const unknown = named.filter((id) => !known.has(id));
  if (unknown.length > 0) {
    throw new HarnessError('SCENARIO_UNKNOWN', {
      detail: unknown.join(', '),
      hint: `there are: ${[...known].join(', ')}`,
    });
  }
  return all
    .filter((scenario) =>
      named.length > 0 ? named.includes(scenario.id) : (config.scenarios[scenario.id]?.enabled ?? true),
    )
    .map((scenario) => ({ ...scenario, slos: { ...scenario.slos, ...config.scenarios[scenario.id]?.slos } }));
}
