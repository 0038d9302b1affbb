// Every setting of the gateway, one file per section below config/. Property names are the environment names; the source's tuning
// guide spells most of them.
import { type Static, type TSchema, Type } from 'typebox';
import { aliases } from './config/aliases.ts';
import { authSettings } from './config/auth.ts';
import { cacheSettings } from './config/caches.ts';
import { databaseSettings } from './config/database.ts';
import { federationSettings } from './config/federation.ts';
import { httpSettings } from './config/http.ts';
import { loggingSettings } from './config/logging.ts';
import { redisFaults, redisSettings } from './config/redis.ts';
import { refuseUnbuilt } from './config/refused.ts';
import { registrationSettings } from './config/registration.ts';
import { registrySettings } from './config/registry.ts';
import { securitySettings } from './config/security.ts';
import { sessionSettings } from './config/sessions.ts';
import { telemetrySettings } from './config/telemetry.ts';
import { upstreamSettings } from './config/upstreams.ts';
import { GatewayError } from './errors.ts';
import { type Fault, ParseError, parse } from './parse.ts';

export const sections = {
  'HTTP server': httpSettings,
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
};

export const Config = Type.Object(
  {
    ...httpSettings,
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
  },
  { additionalProperties: false },
);
export type Config = Static<typeof Config>;

export type SettingName = keyof Config;

/** Values that no message may show. */
const secrets: ReadonlySet<string> = new Set(
  Object.entries(Config.properties).flatMap(([name, schema]) => ('secret' in schema ? [name] : [])),
);

const SECRET_MIN_LENGTH = 32; // RFC 7518 section 3.2: an HS256 key has at least 256 bits.

/**
 * Reads the settings from environment variables; an empty variable counts as not set.
 * @throws GW_CONFIG_INVALID with every fault at once
 */
export function loadConfig(environment: Record<string, string | undefined>): Config {
  const given: Record<string, unknown> = {};
  for (const [alias, names] of Object.entries(aliases)) {
    for (const name of [names].flat()) take(given, name, environment[alias]);
  }
  for (const name of settingNames) take(given, name, environment[name]);
  let config: Config | undefined;
  const faults: Fault[] = [];
  try {
    config = parse(Config, given, 'environment');
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    faults.push(...error.faults);
  }
  faults.push(...refuseUnbuilt(environment), ...crossFaults(given, config));
  if (config === undefined || faults.length > 0) {
    const told = faults.map((fault) => (secrets.has(fault.path.slice(1)) ? { ...fault, seen: '<hidden>' } : fault));
    throw new GatewayError('GW_CONFIG_INVALID', { detail: new ParseError('environment', told).message, faults: told });
  }
  return config;
}

const settingNames = Object.keys(Config.properties) as SettingName[];

function take(given: Record<string, unknown>, name: SettingName, text: string | undefined): void {
  if (text === undefined || text === '') return;
  given[name] = fromText(Config.properties[name], text.trim());
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
  return faults;
}
