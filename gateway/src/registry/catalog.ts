// What the MCP side reads of the registry. Answers come from memory whenever they can: this is the request path.
import type { ListChange } from '../mcp/ports.ts';
import type { Viewer } from '../mcp/viewer.ts';

/** An upstream MCP server that is registered (REST: `/gateways`). */
export interface CatalogGateway {
  id: string;
  name: string;
  slug: string;
  url: string;
  transport: 'STREAMABLEHTTP' | 'SSE';
  /** Names of clients' headers that go on to it; undefined: DEFAULT_PASSTHROUGH_HEADERS. */
  passthroughHeaders?: string[] | undefined;
  /** Headers to send with every call (authorization of the upstream). */
  headers: Record<string, string>;
}

/** A tool that is an HTTP API. */
export interface RestTool {
  /** May hold `{argument}` in its path and query. */
  url: string;
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  headers: Record<string, string>;
  /** JSON Schema that arguments are checked against before anything is sent. */
  inputSchema: Record<string, unknown>;
}

/**
 * An entry that an upstream serves. `name` is the public one (`fast-time-convert-time`), `originalName` the upstream's. For
 * resources both are the URI, for resource templates the URI template (what a client asks for is then the URI itself).
 */
export interface CatalogEntry {
  id: string;
  name: string;
  originalName: string;
  gatewayId: string;
  /** The entry as MCP lists it (`Tool`, `Resource`, `ResourceTemplate`, `Prompt`), serialised once, public name inside. */
  json: string;
  /** How it is called when it is no upstream's. */
  rest?: RestTool | undefined;
}

/** A list answer, serialised: `{"tools":[…],"nextCursor":"…"}`. Ready to be put behind `"result":`. */
export type ListJson = string;

export type EntryKind = 'tools' | 'resources' | 'resourceTemplates' | 'prompts';

/**
 * Read side of the registry for MCP. `serverId` undefined means everything that is enabled; otherwise the members of that
 * virtual server. `viewer` is who asks: nothing is found or listed that is not for him, and without one only what is for everybody.
 * Never throws for an unknown name (answers undefined); throws GW_DATABASE_UNAVAILABLE when what is asked
 * for is not in memory and the database cannot be reached.
 */
export interface Catalog {
  /** Does this virtual server exist and is it enabled? */
  hasServer(serverId: string, viewer?: Viewer): boolean | Promise<boolean>;
  /**
   * By public name; failing that by the upstream's own name when exactly one enabled entry has it. Resources: by URI, the
   * one registered first when several have it. Resource templates: also by a URI that the template stands for.
   * Synchronous when in memory, so that the hot path has no extra turn of the event loop.
   */
  find(
    kind: EntryKind,
    name: string,
    serverId?: string,
    viewer?: Viewer,
  ): CatalogEntry | undefined | Promise<CatalogEntry | undefined>;
  /** Is it registered as a resource of that gateway, also when `find` does not show it (disabled, no member, not for who asks)? */
  hasResource(gatewayId: string, uri: string): boolean | Promise<boolean>;
  /** One page. @throws GW_INVALID_CURSOR */
  list(kind: EntryKind, cursor?: string, serverId?: string, viewer?: Viewer): ListJson | Promise<ListJson>;
  /** A page without what some gateways offer: for gateways that have it from there. Read of the database. */
  listWithout(
    isHidden: (gateway: CatalogGateway) => boolean,
    kind: EntryKind,
    cursor?: string,
    serverId?: string,
    viewer?: Viewer,
  ): Promise<ListJson>;
  /**
   * `listener` is told of each change that lists show. While nobody `isWanted`, a write is not read for what it changed.
   * @returns what takes it back
   */
  onListChanged(listener: (change: ListChange) => void, isWanted: () => boolean): () => void;
  gateway(gatewayId: string): CatalogGateway | undefined | Promise<CatalogGateway | undefined>;
}
