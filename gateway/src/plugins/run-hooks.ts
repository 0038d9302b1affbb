// Runs the plugins that a call is for, one after the other; each sees what the one before made of it.
import { GatewayError } from '../errors.ts';
import type { LoadedPlugin, Plugins } from './load-plugins.ts';
import type { HookName, Outcome, PluginContext } from './plugin.ts';

/** What a call is, as far as conditions look. */
export interface Target {
  /** Names that it goes by: the public one and the upstream's. */
  names: readonly string[];
  serverId: string | undefined;
  user: string;
}

/** Told of what a plugin did wrong, or would have stopped, when the call goes on. */
export type TellPassedOver = (error: GatewayError) => void;

const conditionOf = {
  tool_pre_invoke: 'tools',
  tool_post_invoke: 'tools',
  prompt_pre_fetch: 'prompts',
  prompt_post_fetch: 'prompts',
  resource_pre_fetch: 'resources',
  resource_post_fetch: 'resources',
} as const;

export function isFor({ conditions }: LoadedPlugin, hook: HookName, { names, serverId }: Target): boolean {
  if (conditions.length === 0) return true;
  return conditions.some((condition) => {
    const { server_ids } = condition;
    if (server_ids !== undefined && (serverId === undefined || !server_ids.includes(serverId))) return false;
    const wanted = condition[conditionOf[hook]];
    return wanted === undefined || names.some((name) => wanted.includes(name));
  });
}

/** @throws GW_PLUGIN_STOPPED, GW_PLUGIN_FAILED (enforce only) */
export async function runHooks<P extends object>(
  plugins: readonly LoadedPlugin[],
  hook: HookName,
  given: P,
  target: Target,
  { timeoutMs, tell }: { timeoutMs: Plugins['timeoutMs']; tell: TellPassedOver },
): Promise<P> {
  let payload = given;
  for (const loaded of plugins) {
    try {
      const outcome = await runOne(loaded, hook, payload, target, timeoutMs);
      if (outcome === undefined || outcome === null) continue;
      if ('stop' in outcome) {
        throw new GatewayError('GW_PLUGIN_STOPPED', { detail: `${loaded.name}: ${outcome.stop}` });
      }
      payload = checked(outcome.payload, payload);
    } catch (cause) {
      const error = toKnown(cause, `${loaded.name} (${hook})`);
      if (loaded.mode === 'enforce') throw error;
      tell(error);
    }
  }
  return payload;
}

function toKnown(cause: unknown, what: string): GatewayError {
  if (cause instanceof GatewayError) return cause;
  // What it threw is for the log, not for clients: it may hold anything.
  return new GatewayError('GW_PLUGIN_FAILED', { detail: `${what} failed`, cause });
}

async function runOne<P>(
  { name, plugin }: LoadedPlugin,
  hook: HookName,
  payload: P,
  { user, serverId }: Target,
  timeoutMs: number,
): Promise<Outcome<P>> {
  // Which payload a hook takes goes with its name.
  const run = plugin[hook] as (payload: P, context: PluginContext) => Outcome<P> | Promise<Outcome<P>>;
  const late = new AbortController();
  const outcome = run.call(plugin, payload, { hook, user, serverId, signal: late.signal });
  if (!(outcome instanceof Promise)) return outcome;
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const detail = `${name} (${hook}) has not answered within ${timeoutMs} ms`;
      const error = new GatewayError('GW_PLUGIN_FAILED', { detail });
      reject(error);
      late.abort(error);
    }, timeoutMs);
  });
  try {
    return await Promise.race([outcome, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** A plugin changes arguments or results, never which thing is called. */
function checked<P extends object>(changed: unknown, before: P): P {
  if (typeof changed !== 'object' || changed === null) throw new Error('the payload is no object');
  const member = 'result' in before ? 'result' : 'arguments';
  const value: unknown = Object.entries(changed).find(([name]) => name === member)?.[1];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${member} is no object`);
  return { ...before, [member]: value };
}
