// Where `gateway serve` takes its settings from, the weakest first: preset, .env file, environment, command line.
import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { type ConfigSource, type ResolvedConfig, resolveConfig } from '../config.ts';
import { GatewayError } from '../errors.ts';
import { isPreset, presets } from './presets.ts';

export interface ServeOptions {
  host?: string;
  port?: string;
  workers?: string;
  preset?: string;
  envFile?: string;
  http2?: boolean;
  dev?: boolean;
}

/** Reads the .env file each time: SIGHUP asks again. @throws GW_CONFIG_INVALID */
export function readSettings(options: ServeOptions, environment: Record<string, string | undefined>): ResolvedConfig {
  const { host, port, workers, preset, envFile, http2, dev } = options;
  const sources: ConfigSource[] = [];
  if (preset !== undefined) sources.push({ name: `preset ${preset}`, values: readPreset(preset) });
  if (envFile !== undefined) sources.push({ name: envFile, values: readEnvFile(envFile) });
  sources.push({ name: 'environment', values: environment });
  const isOn = (flag: boolean | undefined) => (flag === true ? 'true' : undefined);
  const values = {
    ...{ HOST: host, PORT: port, WORKERS: workers, SSL: isOn(http2), DEV_MODE: isOn(dev) },
    HTTP_VERSION: http2 === true ? 'auto' : undefined,
  };
  sources.push({ name: 'command line', values });
  return resolveConfig(sources);
}

/**
 * The environment without what Node itself has put there of the .env file: before version 22 Node takes `--env-file` for its own
 * wherever it stands. As part of the environment these values would be stronger than the file, and a change of it would not be seen.
 */
export function withoutFile(
  environment: Record<string, string | undefined>,
  envFile: string | undefined,
): Record<string, string | undefined> {
  if (envFile === undefined || !existsSync(envFile)) return environment;
  const ofFile = readEnvFile(envFile);
  return Object.fromEntries(Object.entries(environment).filter(([name, value]) => ofFile[name] !== value));
}

function readPreset(name: string): Record<string, string> {
  if (isPreset(name)) return presets[name];
  const known = Object.keys(presets).join(', ');
  throw new GatewayError('GW_CONFIG_INVALID', { detail: `--preset must be one of ${known}, got ${name}` });
}

function readEnvFile(path: string): Record<string, string | undefined> {
  try {
    return parseEnv(readFileSync(path, 'utf8'));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new GatewayError('GW_CONFIG_INVALID', { detail: `--env-file cannot be read: ${reason}`, cause: error });
  }
}
