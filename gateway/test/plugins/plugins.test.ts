import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadPlugins, type Plugins } from '../../src/plugins/load-plugins.ts';
import type { Plugin } from '../../src/plugins/plugin.ts';
import { createTestApp, type TestAppOptions } from '../test-app.ts';

const rpc = (method: string, params: object) => ({ jsonrpc: '2.0', id: 1, method, params });
const callTool = (args: object, name = 'convert_time') => rpc('tools/call', { name, arguments: args });

async function load(file: object | string, modules: Record<string, string> = {}): Promise<Plugins> {
  const folder = await mkdtemp(join(tmpdir(), 'gatebench-plugins-'));
  try {
    for (const [name, text] of Object.entries(modules)) await writeFile(join(folder, name), text);
    const path = join(folder, 'plugins.yaml');
    await writeFile(path, typeof file === 'string' ? file : JSON.stringify(file));
    return await loadPlugins({ PLUGINS_CONFIG_FILE: path });
  } finally {
    await rm(folder, { recursive: true });
  }
}

const asLoaded = (plugin: Plugin, more: Partial<Plugins['list'][number]> = {}): Plugins['list'][number] => ({
  name: 'mine',
  mode: 'enforce',
  hooks: new Set(Object.keys(plugin) as never[]),
  conditions: [],
  plugin,
  ...more,
});
const of = (...list: Plugins['list']): Plugins => ({ list, timeoutMs: 50 });

async function ask(plugins: Plugins, message: object, options: TestAppOptions = {}, url = '/rpc') {
  await using gateway = createTestApp({ ...options, plugins });
  const answer = await gateway.post(url, message);
  return { json: answer.json(), asked: gateway.asked, logged: gateway.logged, errors: gateway.metrics.errors };
}

test.each([
  ['tool', callTool({ a: 1 }), 'tool_pre_invoke', 'tool_post_invoke'],
  [
    'prompt',
    rpc('prompts/get', { name: 'fast-time-greet-user', arguments: { a: '1' } }),
    'prompt_pre_fetch',
    'prompt_post_fetch',
  ],
  ['resource', rpc('resources/read', { uri: 'time://x' }), 'resource_pre_fetch', 'resource_post_fetch'],
] as const)(
  'before and after a %s is called, its hooks see it and may change it',
  async (kind, message, before, after) => {
    const seen: unknown[] = [];
    const plugin: Plugin = {
      [before]: (payload: { name: string; arguments: object }, { hook, user }: { hook: string; user: string }) => {
        seen.push([hook, user, payload.name, payload.arguments]);
        return { payload: { ...payload, arguments: { changed: 'yes' } } };
      },
      [after]: (payload: { result: object }, { hook }: { hook: string }) => {
        seen.push([hook]);
        return { payload: { ...payload, result: { ...payload.result, added: true } } };
      },
    };
    const { json, asked } = await ask(of(asLoaded(plugin)), message);
    expect(json.result.added).toBe(true);
    const name = kind === 'tool' ? 'fast-time-convert-time' : kind === 'prompt' ? 'fast-time-greet-user' : 'time://x';
    const given = kind === 'tool' ? { a: 1 } : kind === 'prompt' ? { a: '1' } : {};
    expect(seen).toEqual([[before, 'admin', name, given], [after]]);
    const sent = JSON.parse(asked[0]?.paramsJson ?? '');
    if (kind === 'resource') expect(sent).toEqual({ uri: 'time://x' });
    else expect(sent.arguments).toEqual({ changed: 'yes' });
  },
);

test('a plugin stops a call with its reason: the upstream is not asked, and in permissive mode only the log hears of it', async () => {
  const plugin: Plugin = { tool_pre_invoke: () => ({ stop: 'not on Sundays' }) };
  const stopped = await ask(of(asLoaded(plugin)), callTool({}));
  expect(stopped.json.error).toMatchObject({
    code: -32006,
    message: 'a plugin stopped the call: mine: not on Sundays',
    data: { code: 'GW_PLUGIN_STOPPED' },
  });
  expect(stopped.asked).toEqual([]);
  const passed = await ask(of(asLoaded(plugin, { mode: 'permissive' })), callTool({}));
  expect(passed.json.result).toBeDefined();
  expect(passed.logged).toMatchObject([{ code: 'GW_PLUGIN_STOPPED', detail: 'mine: not on Sundays' }]);
  expect(passed.errors.get('GW_PLUGIN_STOPPED')).toBe(1);
});

test.each([
  ['throws', () => Promise.reject(new Error('a secret of its own'))],
  [
    'throws at once',
    () => {
      throw new Error('a secret of its own');
    },
  ],
  ['does not answer in time', () => new Promise<never>(() => undefined)],
  ['answers nonsense', () => ({ payload: { arguments: 7 } }) as never],
] as const)('a plugin that %s fails the call, and is passed over in permissive mode', async (_what, hook) => {
  const failed = await ask(of(asLoaded({ tool_pre_invoke: hook })), callTool({}));
  expect(failed.json.error).toMatchObject({ code: -32007, data: { code: 'GW_PLUGIN_FAILED' } });
  expect(JSON.stringify(failed.json)).not.toContain('secret');
  expect(failed.asked).toEqual([]);
  const passed = await ask(of(asLoaded({ tool_pre_invoke: hook }, { mode: 'permissive' })), callTool({ a: 1 }));
  expect(JSON.parse(passed.asked[0]?.paramsJson ?? '').arguments).toEqual({ a: 1 });
  expect(passed.errors.get('GW_PLUGIN_FAILED')).toBe(1);
});

test('the signal of a plugin that is late is aborted', async () => {
  let signal: AbortSignal | undefined;
  const plugin: Plugin = {
    tool_pre_invoke: (_payload, context) => {
      signal = context.signal;
      return new Promise(() => undefined);
    },
  };
  await ask(of(asLoaded(plugin)), callTool({}));
  expect(signal?.aborted).toBe(true);
});

test('a plugin that writes into its arguments changes nothing by that', async () => {
  const plugin: Plugin = {
    tool_pre_invoke: (payload) => {
      payload.arguments['a'] = 2;
      return undefined;
    },
  };
  const { asked } = await ask(of(asLoaded(plugin)), callTool({ a: 1 }));
  expect(JSON.parse(asked[0]?.paramsJson ?? '').arguments).toEqual({ a: 1 });
});

test('conditions choose calls by virtual server and tool, whatever name of the tool the client uses', async () => {
  const plugin: Plugin = { tool_pre_invoke: () => ({ stop: 'no' }) };
  const stops = async (condition: object, message: object, url = '/rpc') => {
    const { json } = await ask(of(asLoaded(plugin, { conditions: [condition] })), message, {}, url);
    return json.error !== undefined;
  };
  for (const tools of [['fast-time-convert-time'], ['convert_time']]) {
    expect(await stops({ tools }, callTool({}, 'convert_time'))).toBe(true);
    expect(await stops({ tools }, callTool({}, 'fast-time-convert-time'))).toBe(true);
    expect(await stops({ tools }, callTool({}, 'get_system_time'))).toBe(false);
  }
  expect(await stops({ server_ids: ['server-1'] }, callTool({}))).toBe(false);
  expect(await stops({ server_ids: ['server-1'] }, callTool({}), '/servers/server-1/mcp')).toBe(true);
  expect(await stops({ server_ids: ['other'] }, callTool({}), '/servers/server-1/mcp')).toBe(false);
});

test('plugins run by priority, then as the file has them; each sees what the one before made; a disabled one is not loaded', async () => {
  const append = `export default (letter) => ({ tool_pre_invoke: (payload) => ({
    payload: { ...payload, arguments: { text: (payload.arguments.text ?? '') + letter } } }) });`;
  const entry = { kind: './append.mjs', hooks: ['tool_pre_invoke'] };
  const plugins = await load(
    {
      plugins: [
        { ...entry, name: 'c', priority: 20, config: 'c' },
        { ...entry, name: 'a', priority: 10, config: 'a' },
        { ...entry, name: 'b', priority: 10, config: 'b' },
        { ...entry, name: 'd', kind: './missing.mjs', mode: 'disabled' },
      ],
    },
    { 'append.mjs': append },
  );
  const { asked } = await ask(plugins, callTool({}));
  expect(JSON.parse(asked[0]?.paramsJson ?? '').arguments).toEqual({ text: 'abc' });
});

test('YAML is read too, with the time-out of all hooks', async () => {
  const plugins = await load(`
plugin_settings: { plugin_timeout: 0.5 }
plugins:
  - name: words
    kind: deny_filter
    hooks: [tool_pre_invoke]
    config: { words: [forbidden] }
`);
  expect(plugins.timeoutMs).toBe(500);
  expect((await ask(plugins, callTool({ deep: [{ text: 'a FORBIDDEN word' }] }))).json.error.code).toBe(-32006);
  expect((await ask(plugins, callTool({ text: 'forbidde n' }))).json.error).toBeUndefined();
});

test.each([
  ['a file that is not there', undefined, /ENOENT/],
  ['no YAML', 'plugins: [', /plugins\.yaml/],
  [
    'an unknown property',
    { plugins: [{ name: 'x', kind: 'deny_filter', hooks: ['tool_pre_invoke'], mod: 'x' }] },
    /mod/,
  ],
  ['an unknown hook', { plugins: [{ name: 'x', kind: 'deny_filter', hooks: ['tool_pre'] }] }, /hooks/],
  [
    'a module that is not there',
    { plugins: [{ name: 'x', kind: './no.mjs', hooks: ['tool_pre_invoke'] }] },
    /plugin x .*no\.mjs/,
  ],
  [
    'a configuration the plugin refuses',
    { plugins: [{ name: 'x', kind: 'deny_filter', hooks: ['tool_pre_invoke'] }] },
    /plugin x .*words/,
  ],
  [
    'a hook the plugin has not',
    {
      plugins: [
        {
          name: 'x',
          kind: 'regex_filter',
          hooks: ['resource_pre_fetch'],
          config: { words: [{ search: 'a', replace: 'b' }] },
        },
      ],
    },
    /no hook resource_pre_fetch/,
  ],
  [
    'a pattern that needs backtracking',
    {
      plugins: [
        {
          name: 'x',
          kind: 'regex_filter',
          hooks: ['tool_pre_invoke'],
          config: { words: [{ search: '(a)\\1', replace: '' }] },
        },
      ],
    },
    /linear time/,
  ],
  [
    'two of one name',
    {
      plugins: [1, 2].map(() => ({
        name: 'x',
        kind: 'deny_filter',
        hooks: ['tool_pre_invoke'],
        config: { words: ['a'] },
      })),
    },
    /two plugins are called x/,
  ],
] as const)('%s keeps the gateway from starting, with the reason', async (_what, file, message) => {
  const loading = file === undefined ? loadPlugins({ PLUGINS_CONFIG_FILE: '/nowhere/plugins.yaml' }) : load(file);
  await expect(loading).rejects.toMatchObject({ code: 'GW_PLUGIN_INVALID', message: expect.stringMatching(message) });
});

test('regex_filter searches and replaces in arguments and results', async () => {
  const plugins = await load({
    plugins: [
      {
        name: 'numbers',
        kind: 'regex_filter',
        hooks: ['tool_pre_invoke', 'tool_post_invoke'],
        config: { words: [{ search: '(\\d\\d\\d)-(\\d\\d)', replace: '$1-XX' }] },
      },
    ],
  });
  const answer = async () => ({ ok: true as const, resultJson: '{"content":[{"type":"text","text":"call 555-99"}]}' });
  const { json, asked } = await ask(plugins, callTool({ to: ['123-45', 7] }), { answer });
  expect(JSON.parse(asked[0]?.paramsJson ?? '').arguments).toEqual({ to: ['123-XX', 7] });
  expect(json.result.content[0].text).toBe('call 555-XX');
});

test('both filters take linear time on hostile text', async () => {
  const plugins = await load({
    plugins: [
      {
        name: 'r',
        kind: 'regex_filter',
        hooks: ['tool_pre_invoke'],
        config: { words: [{ search: '(a+)+$', replace: '' }] },
      },
      {
        name: 'w',
        kind: 'deny_filter',
        hooks: ['tool_pre_invoke'],
        config: { words: [`${'a'.repeat(500)}b`, `${'a'.repeat(900)}c`] },
      },
    ],
  });
  // Backtracking would take longer than the universe is old, naive search of the words a hundred million steps.
  const { json } = await ask(plugins, callTool({ text: `${'a'.repeat(100_000)}!` }));
  expect(json.error).toBeUndefined();
});
