// What a plugin is: a module whose default export makes hooks from its part of PLUGINS_CONFIG_FILE. Hooks run on the request path of
// every call that they are for: be quick, and never block the event loop (a time-out cannot interrupt it).

export const hookNames = [
  'tool_pre_invoke',
  'tool_post_invoke',
  'prompt_pre_fetch',
  'prompt_post_fetch',
  'resource_pre_fetch',
  'resource_post_fetch',
] as const;
export type HookName = (typeof hookNames)[number];

export type JsonObject = Record<string, unknown>;

/** Before the call. `name` is the public name, of resources the URI: it says what is called and cannot be changed. */
export interface Request {
  readonly name: string;
  /** Of resources always empty, and not sent. */
  readonly arguments: JsonObject;
}

/** After the call: the result as MCP has it (`content`, `structuredContent`, `messages`, `contents` …). */
export interface Result {
  readonly name: string;
  readonly result: JsonObject;
}

export interface PluginContext {
  readonly hook: HookName;
  /** Who calls. */
  readonly user: string;
  /** The virtual server that was asked, if any. */
  readonly serverId: string | undefined;
  /** Aborted when the plugin's time is over. */
  readonly signal: AbortSignal;
}

/** Nothing: go on. `payload`: go on with this instead. `stop`: the call ends here, and its client is told the reason. */
export type Outcome<P> = undefined | { payload: P } | { stop: string };

export type Hook<P> = (payload: P, context: PluginContext) => Outcome<P> | Promise<Outcome<P>>;

export interface Plugin {
  tool_pre_invoke?: Hook<Request>;
  tool_post_invoke?: Hook<Result>;
  prompt_pre_fetch?: Hook<Request>;
  prompt_post_fetch?: Hook<Result>;
  resource_pre_fetch?: Hook<Request>;
  resource_post_fetch?: Hook<Result>;
}

/**
 * The default export of a plugin's module. Called once at the start of each worker.
 * @param config `config` of its entry, as it stands in the file: check it
 * @throws anything: the gateway does not start, and says what was thrown
 */
export type CreatePlugin = (config: unknown) => Plugin | Promise<Plugin>;
