// Public name → catalog entry → upstream. The upstream gets its own name and otherwise what the client wrote.
import { GatewayError } from '../errors.ts';
import { replaceInner, replaceMember } from '../mcp/json-text.ts';
import type { Caller, Forwarded, ForwardedAnswer, ListKind, McpPorts, TellExecution } from '../mcp/ports.ts';
import { type Viewer, viewerOf } from '../mcp/viewer.ts';
import type { UpstreamAddress } from './address.ts';
import type { CallRest, RestTool } from './rest-tool.ts';
import { tellExecution } from './tell-executions.ts';
import type { Upstreams } from './upstreams.ts';

interface Entry {
  id: string;
  name: string;
  originalName: string;
  gatewayId: string;
  rest?: RestTool | undefined;
  /** As its upstream lists it. */
  json?: string;
}

/** What is read of the registry (its `Catalog`, of which this is the part that routing needs). */
export interface Routes {
  /** Resource templates are found by a URI that expands them. */
  find(
    kind: ListKind,
    name: string,
    serverId?: string,
    viewer?: Viewer,
  ): Entry | undefined | Promise<Entry | undefined>;
  /** Is it registered as a resource of that gateway, shown or not? */
  hasResource(gatewayId: string, uri: string): boolean | Promise<boolean>;
  gateway(gatewayId: string): UpstreamAddress | undefined | Promise<UpstreamAddress | undefined>;
}

export type Router = Pick<McpPorts, 'has' | 'forward'>;

/** @param tell told of each execution when it is over; undefined: nobody wants to know */
export function createRouter(
  routes: Routes,
  upstreams: Pick<Upstreams, 'of'>,
  callRest: CallRest,
  tell?: TellExecution,
): Router {
  function call(entry: Entry, forwarded: Forwarded, caller: Caller, isTemplate: boolean): Promise<ForwardedAnswer> {
    if (entry.rest !== undefined) return callRest(entry.rest, forwarded.params['arguments'], caller.signal);
    const found = routes.gateway(entry.gatewayId);
    if (found instanceof Promise) return found.then((later) => callAt(later, entry, forwarded, caller, isTemplate));
    return callAt(found, entry, forwarded, caller, isTemplate);
  }

  function callAt(
    gateway: UpstreamAddress | undefined,
    entry: Entry,
    forwarded: Forwarded,
    caller: Caller,
    isTemplate: boolean,
  ): Promise<ForwardedAnswer> {
    if (gateway === undefined) return Promise.reject(toUnregistered(entry));
    const upstream = upstreams.of(gateway, caller);
    // The URI goes to the template's upstream as it stands.
    if (isTemplate) return upstream.request(forwarded.method, forwarded.paramsJson, caller);
    return upstream.request(forwarded.method, toSent(entry, forwarded), caller, entry);
  }

  function execute(entry: Entry, forwarded: Forwarded, caller: Caller, isTemplate: boolean): Promise<ForwardedAnswer> {
    if (tell === undefined) return call(entry, forwarded, caller, isTemplate);
    return tellExecution(tell, entry.id, forwarded, caller, () => call(entry, forwarded, caller, isTemplate));
  }

  async function forwardLater(
    found: undefined | Promise<Entry | undefined>,
    forwarded: Forwarded,
    caller: Caller,
  ): Promise<ForwardedAnswer | undefined> {
    const entry = await found;
    if (entry !== undefined) return execute(entry, forwarded, caller, false);
    const { kind, name } = forwarded;
    if (kind !== 'resources') return undefined;
    const template = await routes.find('resourceTemplates', name, caller.serverId, viewerOf(caller.identity));
    if (template === undefined) return undefined;
    // Registered and not found: switched off, no member, or not for who asks. A template must not show what the registry hides.
    if (await routes.hasResource(template.gatewayId, name)) return undefined;
    return execute(template, forwarded, caller, true);
  }

  return {
    async has(kind, name, serverId, { identity }) {
      return (await routes.find(kind, name, serverId, viewerOf(identity))) !== undefined;
    },
    // What is in memory costs no promise: each one is a turn of the microtask queue on every call.
    forward(forwarded, caller): Promise<ForwardedAnswer | undefined> {
      const found = routes.find(forwarded.kind, forwarded.name, caller.serverId, viewerOf(caller.identity));
      if (found === undefined || found instanceof Promise) return forwardLater(found, forwarded, caller);
      return execute(found, forwarded, caller, false);
    },
  };
}

/** The client's parameters with the upstream's own name. */
function toSent({ originalName }: Entry, { name, nameMember, within, params, paramsJson }: Forwarded): string {
  if (originalName === name) return paramsJson;
  return within === undefined
    ? replaceMember(paramsJson, params, nameMember, originalName)
    : replaceInner(paramsJson, params, within, nameMember, originalName);
}

function toUnregistered({ name }: Entry): GatewayError {
  return new GatewayError('GW_UPSTREAM_UNREACHABLE', { detail: `${name}: its gateway is not registered any more` });
}
