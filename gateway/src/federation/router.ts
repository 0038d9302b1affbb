// Public name → catalog entry → upstream. The upstream gets its own name and otherwise what the client wrote.
import { GatewayError } from '../errors.ts';
import { replaceMember } from '../mcp/json-text.ts';
import type { Caller, Forwarded, ForwardedAnswer, ListKind, McpPorts } from '../mcp/ports.ts';
import type { Upstream } from './upstream.ts';
import type { UpstreamAddress, Upstreams } from './upstreams.ts';
import { createUriMatcher } from './uri-template.ts';

interface Entry {
  name: string;
  originalName: string;
  gatewayId: string;
}

/** What is read of the registry (its `Catalog`, of which this is the part that routing needs). */
export interface Routes {
  find(kind: ListKind, name: string, serverId?: string): Entry | undefined | Promise<Entry | undefined>;
  list(kind: ListKind, cursor?: string, serverId?: string): string | Promise<string>;
  gateway(gatewayId: string): UpstreamAddress | undefined | Promise<UpstreamAddress | undefined>;
}

export type Router = Pick<McpPorts, 'has' | 'forward'>;

export function createRouter(routes: Routes, upstreams: Pick<Upstreams, 'of'>): Router {
  return {
    async has(kind, name, serverId) {
      return (await routes.find(kind, name, serverId)) !== undefined;
    },
    async forward(forwarded, caller): Promise<ForwardedAnswer | undefined> {
      const { kind, name, nameMember, params, paramsJson } = forwarded;
      // Awaiting what is not a promise would cost a turn of the microtask queue on every call.
      const found = routes.find(kind, name, caller.serverId);
      const entry = found instanceof Promise ? await found : found;
      if (entry === undefined)
        return kind === 'resources' ? readByTemplate(routes, upstreams, forwarded, caller) : entry;
      const upstream = await upstreamOf(routes, upstreams, entry);
      const own = entry.originalName;
      const sent = own === name ? paramsJson : replaceMember(paramsJson, params, nameMember, own);
      return upstream.request(forwarded.method, sent, caller.signal);
    },
  };
}

async function upstreamOf(routes: Routes, upstreams: Pick<Upstreams, 'of'>, entry: Entry): Promise<Upstream> {
  const found = routes.gateway(entry.gatewayId);
  const gateway = found instanceof Promise ? await found : found;
  if (gateway === undefined) {
    throw new GatewayError('GW_UPSTREAM_UNREACHABLE', {
      detail: `${entry.name}: its gateway is not registered any more`,
    });
  }
  return upstreams.of(gateway);
}

/** A URI that no resource has may still expand a template; the URI goes to the template's upstream as it stands. */
async function readByTemplate(
  routes: Routes,
  upstreams: Pick<Upstreams, 'of'>,
  forwarded: Forwarded,
  caller: Caller,
): Promise<ForwardedAnswer | undefined> {
  let cursor: string | undefined;
  do {
    const page = JSON.parse(await routes.list('resourceTemplates', cursor, caller.serverId)) as {
      resourceTemplates: { name: string; uriTemplate: string }[];
      nextCursor?: string;
    };
    for (const { name, uriTemplate } of page.resourceTemplates) {
      if (!createUriMatcher(uriTemplate)(forwarded.name)) continue;
      const entry = await routes.find('resourceTemplates', name, caller.serverId);
      if (entry === undefined) continue;
      const upstream = await upstreamOf(routes, upstreams, entry);
      return upstream.request(forwarded.method, forwarded.paramsJson, caller.signal);
    }
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return undefined;
}
