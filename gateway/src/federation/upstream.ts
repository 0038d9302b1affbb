// The port to one upstream MCP server. Implementation: session-upstream.ts.

import type { IncomingHttpHeaders } from 'node:http';
import type { CancelSignal, ClientPeer, StatedClient } from '../mcp/ports.ts';
import type { RequestTrace } from '../telemetry/request-trace.ts';

/** What an upstream offers, as it described itself (MCP shapes, untouched). */
export interface UpstreamCatalog {
  serverInfo: { name: string; version: string };
  protocolVersion: string;
  capabilities: Record<string, unknown>;
  tools: Record<string, unknown>[];
  resources: Record<string, unknown>[];
  resourceTemplates: Record<string, unknown>[];
  prompts: Record<string, unknown>[];
}

/**
 * The upstream's answer: `resultJson` is the text of `result`, checked to be JSON (`isError`: a tool says that it failed;
 * `resultType`: it is not complete, and this is what it is); or its JSON-RPC error.
 */
export type UpstreamAnswer =
  | { ok: true; resultJson: string; isError?: true; resultType?: string }
  | { ok: false; error: { code: number; message: string; data?: unknown } };

/** What goes with one request; a `Caller` is one. */
export interface RequestOptions {
  signal?: CancelSignal;
  /** Takes what the upstream sends on this request's stream before its answer. */
  peer?: ClientPeer | undefined;
  /** Its headers go with the request (correlation id, trace context). */
  trace?: Pick<RequestTrace, 'upstreamHeaders'> | undefined;
  /** Of the client's HTTP request: some may be passed on. */
  headers?: IncomingHttpHeaders;
  /** For an upstream that speaks the stateless revision as its client does. */
  stated?: StatedClient | undefined;
}

/** What is asked for, as the upstream lists it: its annotations say whether it may be asked for twice. */
export interface RequestTarget {
  json?: string;
}

export interface Upstream extends AsyncDisposable {
  /**
   * One MCP request on a pooled connection and in a session that is open; one is opened on first use and again when the upstream
   * has forgotten it. `params` is serialised JSON text, or undefined.
   * @throws GW_UPSTREAM_UNREACHABLE, GW_UPSTREAM_TIMEOUT, GW_UPSTREAM_INVALID (never a partial success), GW_UPSTREAM_BUSY,
   * GW_UPSTREAM_CIRCUIT_OPEN
   */
  request(
    method: string,
    paramsJson: string | undefined,
    options?: RequestOptions,
    target?: RequestTarget,
  ): Promise<UpstreamAnswer>;
  /** Lists everything, following cursors; kinds that the upstream has no capability for come back empty. */
  discover(signal?: CancelSignal): Promise<UpstreamCatalog>;
}
