// Plugins at the start: the file is read, modules are imported, every fault is told with the plugin's name.
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import { ParseError, parse } from '../parse.ts';
import { builtIn } from './index.ts';
import type { CreatePlugin, HookName, Plugin } from './plugin.ts';
import { type Conditions, type PluginEntry, PluginFile } from './plugin-file.ts';

export interface LoadedPlugin {
  name: string;
  mode: 'enforce' | 'permissive';
  hooks: ReadonlySet<HookName>;
  conditions: readonly Conditions[];
  plugin: Plugin;
}

export interface Plugins {
  /** In the order in which they run. */
  list: readonly LoadedPlugin[];
  timeoutMs: number;
}

/** @throws GW_PLUGIN_INVALID */
export async function loadPlugins({
  PLUGINS_CONFIG_FILE: file,
}: Pick<Config, 'PLUGINS_CONFIG_FILE'>): Promise<Plugins> {
  const { plugins, plugin_settings } = await readPluginFile(file);
  const names = new Set<string>();
  const list: LoadedPlugin[] = [];
  // A stable sort: of equal priorities the first in the file comes first.
  for (const entry of plugins.toSorted((left, right) => left.priority - right.priority)) {
    const { name, mode, hooks, conditions } = entry;
    if (names.has(name)) throw invalid(`${file}: two plugins are called ${name}`);
    names.add(name);
    if (mode === 'disabled') continue;
    const plugin = await open(entry, file);
    for (const hook of hooks) {
      if (typeof plugin[hook] !== 'function') throw invalid(`plugin ${name} has no hook ${hook}, which ${file} names`);
    }
    list.push({ name, mode, hooks: new Set(hooks), conditions, plugin });
  }
  return { list, timeoutMs: plugin_settings.plugin_timeout * 1000 };
}

async function readPluginFile(file: string) {
  try {
    const text = await readFile(file, 'utf8');
    // YAML 1.2 holds JSON. Loaded only by who has plugins.
    const { parse: parseYaml } = await import('yaml');
    return parse(PluginFile, parseYaml(text) ?? {}, file);
  } catch (error) {
    const detail = error instanceof ParseError ? error.message : `${file}: ${toMessage(error)}`;
    throw invalid(detail, error);
  }
}

async function open({ name, kind, config }: PluginEntry, file: string): Promise<Plugin> {
  try {
    const create = Object.hasOwn(builtIn, kind) ? builtIn[kind] : await importModule(kind, file);
    if (typeof create !== 'function') throw new Error(`${kind} has no function as its default export`);
    const plugin: unknown = await create(config);
    if (typeof plugin !== 'object' || plugin === null) throw new Error(`${kind} made no object of hooks`);
    return plugin;
  } catch (error) {
    throw invalid(`plugin ${name} (${kind}) cannot be loaded: ${toMessage(error)}`, error);
  }
}

async function importModule(kind: string, file: string): Promise<CreatePlugin | undefined> {
  const isPath = kind.startsWith('.') || kind.startsWith('/');
  const module: { default?: CreatePlugin } = await import(
    isPath ? pathToFileURL(resolve(dirname(file), kind)).href : kind
  );
  return module.default;
}

function invalid(detail: string, cause?: unknown): GatewayError {
  return new GatewayError('GW_PLUGIN_INVALID', { detail, cause });
}

function toMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
