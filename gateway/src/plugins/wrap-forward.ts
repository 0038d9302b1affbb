// Calls with plugins before and after them. Put around the router only while PLUGINS_ENABLED is on and a plugin is loaded.
import type { Caller, Forwarded, ForwardedAnswer, McpPorts } from '../mcp/ports.ts';
import type { LoadedPlugin, Plugins } from './load-plugins.ts';
import type { HookName, Request, Result } from './plugin.ts';
import { isFor, runHooks, type Target, type TellPassedOver } from './run-hooks.ts';

/** What else is forwarded (completion, subscriptions) calls nothing. */
const stages: Partial<Record<Forwarded['method'], { before: HookName; after: HookName }>> = {
  'tools/call': { before: 'tool_pre_invoke', after: 'tool_post_invoke' },
  'prompts/get': { before: 'prompt_pre_fetch', after: 'prompt_post_fetch' },
  'resources/read': { before: 'resource_pre_fetch', after: 'resource_post_fetch' },
};

interface Named {
  name: string;
  originalName: string;
}

/** Finds what is called by whatever name the client used, so that no other name gets past a condition. */
export type FindNamed = (
  kind: Forwarded['kind'],
  name: string,
  caller: Caller,
) => Named | undefined | Promise<Named | undefined>;

export function withPlugins(
  forward: McpPorts['forward'],
  { list, timeoutMs }: Plugins,
  { find, tell }: { find: FindNamed; tell: TellPassedOver },
): McpPorts['forward'] {
  const byHook = new Map<HookName, LoadedPlugin[]>();
  for (const plugin of list) {
    for (const hook of plugin.hooks) byHook.set(hook, [...(byHook.get(hook) ?? []), plugin]);
  }
  const pluginsOf = (hook: HookName, target: Target) =>
    (byHook.get(hook) ?? []).filter((plugin) => isFor(plugin, hook, target));

  return async function forwardThroughPlugins(forwarded, caller): Promise<ForwardedAnswer | undefined> {
    const stage = stages[forwarded.method];
    if (stage === undefined || (!byHook.has(stage.before) && !byHook.has(stage.after)))
      return forward(forwarded, caller);
    const target = await toTarget(forwarded, caller, find);
    const options = { timeoutMs, tell };
    const [name = forwarded.name] = target.names;

    const before = pluginsOf(stage.before, target);
    const asked: Request = { name, arguments: argumentsOf(forwarded) };
    const wanted = await runHooks(before, stage.before, asked, target, options);
    const answer = await forward(wanted === asked ? forwarded : withArguments(forwarded, wanted), caller);

    const after = pluginsOf(stage.after, target);
    if (after.length === 0 || answer === undefined || !answer.ok) return answer;
    const given: Result = { name, result: JSON.parse(answer.resultJson) };
    const made = await runHooks(after, stage.after, given, target, options);
    return made === given ? answer : toAnswer(made);
  };
}

async function toTarget({ kind, name }: Forwarded, caller: Caller, find: FindNamed): Promise<Target> {
  const found = await find(kind, name, caller);
  const names = found === undefined ? [name] : [...new Set([found.name, found.originalName, name])];
  return { names: kind === 'resources' ? [name] : names, serverId: caller.serverId, user: caller.identity.sub };
}

function argumentsOf({ params }: Forwarded): Request['arguments'] {
  const given = params['arguments'];
  // A copy: a plugin that writes into it must not change the call behind the back of the others.
  return typeof given === 'object' && given !== null && !Array.isArray(given) ? structuredClone({ ...given }) : {};
}

function withArguments(forwarded: Forwarded, wanted: Request): Forwarded {
  if (forwarded.kind === 'resources') return forwarded;
  const params = { ...forwarded.params, arguments: wanted.arguments };
  return { ...forwarded, params, paramsJson: JSON.stringify(params) };
}

function toAnswer({ result }: Result): ForwardedAnswer {
  const resultJson = JSON.stringify(result);
  return result['isError'] === true ? { ok: true, resultJson, isError: true } : { ok: true, resultJson };
}
