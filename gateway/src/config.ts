// Every setting of the gateway, one file per section below config/. Property names are the environment names; the source's tuning
// guide spells most of them.
import { type Static, type TSchema, Type } from 'typebox';
import { aliases } from './config/aliases.ts';
import { authSettings } from './config/auth.ts';
import { cacheSettings } from './config/caches.ts';
import { compressionSettings } from './config/compression.ts';
import { databaseSettings } from './config/database.ts';
import { explain } from './config/explain.ts';
import { featureSettings } from './config/features.ts';
import { federationSettings } from './config/federation.ts';
import { httpFaults, httpSettings } from './config/http.ts';
import { loggingSettings } from './config/logging.ts';
import { redisFaults, redisSettings } from './config/redis.ts';
import { refuseUnbuilt } from './config/refused.ts';
import { registrationSettings } from './config/registration.ts';
import { registrySettings } from './config/registry.ts';
import { securitySettings } from './config/security.ts';
import { sessionSettings } from './config/sessions.ts';
import { telemetrySettings } from './config/telemetry.ts';
import { upstreamSettings } from './config/upstreams.ts';
import { workerSettings } from './config/workers.ts';
import { GatewayError } from './errors.ts';
import { type Fault, ParseError, parse } from './parse.ts';

export { aliases } from './config/aliases.ts';
export { meaningless } from './config/meaningless.ts';
export { refused } from './config/refused.ts';

/** By the heading of docs/settings.md. */
export const sections = {
  'HTTP server': httpSettings,
  Workers: workerSettings,
  Compression: compressionSettings,
  Database: databaseSettings,
  Authentication: authSettings,
  Security: securitySettings,
  'Upstream MCP servers': upstreamSettings,
  'Client sessions': sessionSettings,
  Registry: registrySettings,
  Registration: registrationSettings,
  Caches: cacheSettings,
  'Redis and what processes share': redisSettings,
  'Federation of gateways': federationSettings,
  'Logs and records': loggingSettings,
  Telemetry: telemetrySettings,
  Features: featureSettings,
};

export const Config = Type.Object(
  {
    ...httpSettings,
    ...workerSettings,
    ...compressionSettings,
    ...databaseSettings,
    ...authSettings,
    ...securitySettings,
    ...upstreamSettings,
    ...sessionSettings,
    ...registrySettings,
    ...registrationSettings,
    ...cacheSettings,
    ...redisSettings,
    ...federationSettings,
    ...loggingSettings,
    ...telemetrySettings,
    ...featureSettings,
  },
  { additionalProperties: false },
);
export type Config = Static<typeof Config>;

export type SettingName = keyof Config;

/** Values that no message may show. */
export const secrets: ReadonlySet<string> = new Set(
  Object.entries(Config.properties).flatMap(([name, schema]) => ('secret' in schema ? [name] : [])),
);

const SECRET_MIN_LENGTH = 32; // RFC 7518 section 3.2: an HS256 key has at least 256 bits.

/** Where values come from, by their environment names: `environment`, `.env`, `preset mcp-only`, `command line`. */
export interface ConfigSource {
  name: string;
  values: Record<string, string | undefined>;
}

export interface ResolvedConfig {
  config: Config;
  /** Where each value comes from: `default`, the name of its source, or that with the alias: `environment (GUNICORN_WORKERS)`. */
  origins: Record<SettingName, string>;
}

/** Reads the settings from environment variables. @throws GW_CONFIG_INVALID with every fault at once */
export function loadConfig(environment: Record<string, string | undefined>): Config {
  return resolveConfig([{ name: 'environment', values: environment }]).config;
}

/**
 * Reads the settings from several sources, the weakest first; an empty variable counts as not set.
 * @throws GW_CONFIG_INVALID with every fault at once
 */
export function resolveConfig(sources: readonly ConfigSource[]): ResolvedConfig {
  const given: Record<string, unknown> = {};
  const origins = Object.fromEntries(settingNames.map((name) => [name, 'default'])) as Record<SettingName, string>;
  const all: Record<string, string> = {};
  for (const { name: source, values } of sources) {
    for (const [alias, names] of Object.entries(aliases)) {
      for (const name of [names].flat()) if (take(given, name, values[alias])) origins[name] = `${source} (${alias})`;
    }
    for (const name of settingNames) if (take(given, name, values[name])) origins[name] = source;
    for (const [name, value] of Object.entries(values)) if (value !== undefined && value !== '') all[name] = value;
  }
  return { config: check(given, refuseUnbuilt(all), origins), origins };
}

/** @throws GW_CONFIG_INVALID with every fault at once, those told already included, each with where its value comes from */
function check(given: Record<string, unknown>, told: Fault[], origins: Partial<Record<string, string>> = {}): Config {
  let config: Config | undefined;
  const faults: Fault[] = [];
  try {
    config = parse(Config, given, 'settings');
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    faults.push(...error.faults.map(explained));
  }
  faults.push(...told, ...crossFaults(given, config));
  if (config === undefined || faults.length > 0) {
    const shown = faults.map((fault) => (secrets.has(fault.path.slice(1)) ? { ...fault, seen: '<hidden>' } : fault));
    const lines = new ParseError('settings', shown).message.split('\n').map((line, at) => {
      const origin = origins[shown[at]?.path.slice(1) ?? ''];
      return origin === undefined || origin === 'default' ? line : `${line} (${origin})`;
    });
    throw new GatewayError('GW_CONFIG_INVALID', { detail: lines.join('\n'), faults: shown });
  }
  return config;
}

/**
 * What `changes` would make of the settings in force; these are left as they are.
 * @throws GW_CONFIG_INVALID with every fault at once: an unknown name, a value its schema refuses, what only a restart changes
 */
export function changeConfig(config: Config, changes: Record<string, unknown>): Config {
  const fixed = Object.keys(changes).flatMap((name): Fault[] => {
    const schema = Object.entries(Config.properties).find(([known]) => known === name)?.[1];
    if (schema === undefined || ('live' in schema && schema.live === true)) return [];
    return [
      { path: `/${name}`, message: 'cannot change while the gateway runs: set it and restart', seen: changes[name] },
    ];
  });
  return check({ ...config, ...changes }, fixed);
}

function explained(fault: Fault): Fault {
  const schema = Object.entries(Config.properties).find(([name]) => fault.path === `/${name}`)?.[1];
  return schema === undefined ? fault : { ...fault, message: explain(schema, fault.message) };
}

const settingNames = Object.keys(Config.properties) as SettingName[];

function take(given: Record<string, unknown>, name: SettingName, text: string | undefined): boolean {
  if (text === undefined || text === '') return false;
  given[name] = fromText(Config.properties[name], text.trim());
  return true;
}

const booleans: Record<string, boolean> = {
  true: true,
  '1': true,
  yes: true,
  on: true,
  false: false,
  '0': false,
  no: false,
  off: false,
};

/** What does not read as the wanted type stays text, so that the schema's message names it. */
function fromText(schema: TSchema, text: string): unknown {
  if (Type.IsBoolean(schema)) return booleans[text.toLowerCase()] ?? text;
  if (Type.IsNumber(schema) || Type.IsInteger(schema)) return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
  return text;
}

/** Faults that lie between settings; the secret is judged even when another setting is at fault. */
function crossFaults(given: Record<string, unknown>, config: Config | undefined): Fault[] {
  const faults: Fault[] = [];
  const secret = given['JWT_SECRET_KEY'];
  const isAuthRequired = given['AUTH_REQUIRED'] ?? true;
  if (isAuthRequired && (typeof secret !== 'string' || secret.length < SECRET_MIN_LENGTH)) {
    faults.push({
      path: '/JWT_SECRET_KEY',
      message: `must have at least ${SECRET_MIN_LENGTH} characters while AUTH_REQUIRED is on`,
      seen: secret,
    });
  }
  if (config !== undefined && config.PAGINATION_DEFAULT_PAGE_SIZE > config.PAGINATION_MAX_PAGE_SIZE) {
    faults.push({
      path: '/PAGINATION_DEFAULT_PAGE_SIZE',
      message: `must be at most PAGINATION_MAX_PAGE_SIZE (${config.PAGINATION_MAX_PAGE_SIZE})`,
      seen: config.PAGINATION_DEFAULT_PAGE_SIZE,
    });
  }
  if (config !== undefined) faults.push(...redisFaults(config));
  if (config !== undefined) faults.push(...httpFaults(config));
  return faults;
}
