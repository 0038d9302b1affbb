// What MCP dispatch needs of the rest of the gateway. It does no I/O of its own.
import type { IncomingHttpHeaders } from 'node:http';
import type { RequestTrace } from '../telemetry/request-trace.ts';
import type { Viewer } from './viewer.ts';

export type ListKind = 'tools' | 'resources' | 'resourceTemplates' | 'prompts';
export type CallKind = 'tools' | 'resources' | 'prompts';

/** The part of an AbortSignal that a call needs. An AbortController per call was 4 % of the request path's CPU. */
export interface CancelSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** Who speaks: the part of the authenticated identity that matters below the HTTP edge. One object per verified token. */
export interface CallerIdentity {
  readonly sub: string;
  /** What it may do and see; undefined where nobody asks (tests below the HTTP edge), and for a token that was refused since. */
  readonly grant?: (Viewer & { readonly permissions: ReadonlySet<string> | undefined }) | undefined;
}

/**
 * The client, as an upstream reaches it: what the upstream says beside its answers is handed on as it stands. Behind it is the
 * stream of one request, or the standing stream of a session.
 */
export interface ClientPeer {
  /** Progress, log messages, updated resources, changed lists. Never throws; lost when the client has no stream open. */
  notify(method: string, paramsJson: string | undefined): void;
  /** Sampling, elicitation, roots. Rejects when the client goes away, when it takes too long, or with the signal's reason. */
  request(method: string, paramsJson: string | undefined, signal: CancelSignal): Promise<ForwardedAnswer>;
}

/** A stateful session of a client. It has upstream sessions of its own, which end with it. */
export interface McpSession {
  readonly id: string;
  readonly identity: CallerIdentity;
  /** As the client stated them in `initialize`: its upstream sessions state the same. */
  readonly clientCapabilities: Record<string, unknown>;
  /** What the client asked for with `logging/setLevel`; told to upstream sessions that open later. */
  logLevel: string | undefined;
  /** An upstream has taken (or ended) a subscription of this client. */
  subscribed?(uri: string, isOn: boolean): void;
  /** For messages that belong to no request of the client: they go out on the session's standing stream. */
  readonly peer: ClientPeer;
  /** Called once, when the session ends for whatever reason. What it returns is waited for: few sessions are ended at a time. */
  onEnd(listener: () => void | Promise<void>): void;
}

/** What a client of the stateless revision says of itself with a request: an upstream that speaks it is told the same. */
export interface StatedClient {
  readonly clientCapabilities: Record<string, unknown>;
  readonly logLevel: string | undefined;
}

/** Who asks, and for what part of the catalog. */
export interface Caller {
  /** The virtual server asked, or undefined for everything. */
  readonly serverId: string | undefined;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: CancelSignal;
  readonly identity: CallerIdentity;
  /** Of the HTTP request, for what is passed through to upstreams. */
  readonly headers: IncomingHttpHeaders;
  /** Undefined: the request stands alone, and pooled upstream sessions of the same identity serve it. */
  readonly session: McpSession | undefined;
  /** The way to the client while this request runs; undefined: it takes nothing but the answer. */
  readonly peer: ClientPeer | undefined;
  /** Undefined: the client speaks an older version, and can be asked in the middle of a request, if at all. */
  readonly stated?: StatedClient | undefined;
  /** What is known of the HTTP request for logs, timings and traces; undefined when all of that is off. */
  readonly trace?: RequestTrace | undefined;
  /** Called when its answer is there, unless that was there at once. */
  end?(): void;
}

/** One request to be handed to the upstream that serves `name`. */
export interface Forwarded {
  kind: CallKind;
  /** The public name (or the URI), as the client gave it. */
  name: string;
  method:
    | 'tools/call'
    | 'resources/read'
    | 'resources/subscribe'
    | 'resources/unsubscribe'
    | 'prompts/get'
    | 'completion/complete';
  /** The member of `params` that holds `name`; the upstream gets its own name there. */
  nameMember: 'name' | 'uri';
  /** The member of `params` that `nameMember` stands in, when it is not `params` itself. */
  within?: 'ref';
  params: Record<string, unknown>;
  paramsJson: string;
}

/** An upstream's answer; see `federation/upstream.ts`. */
export type ForwardedAnswer =
  | { ok: true; resultJson: string; isError?: true; resultType?: string }
  | { ok: false; error: { code: number; message: string; data?: unknown } };

/** One call of a tool, a resource or a prompt that is over. */
export interface Execution {
  entryId: string;
  kind: CallKind;
  durationMs: number;
  /** Undefined: it succeeded. Our code (`GW_UPSTREAM_TIMEOUT`), JSON-RPC's number, or `isError` for a tool that says so. */
  errorCode: string | undefined;
}

/** On the request path. Never throws. */
export type TellExecution = (execution: Execution, name: string, caller: Caller) => void;

/** Lists that may look different now: of one virtual server, or everywhere. */
export interface ListChange {
  kinds: readonly ('tools' | 'resources' | 'prompts')[];
  serverId: string | undefined;
}

/** All of them are called on the request path: answer without a promise where the answer is in memory. */
export interface McpPorts {
  /** A page of a list, serialised: `{"tools":[…],"nextCursor":"…"}`. @throws GW_INVALID_CURSOR */
  list(
    kind: ListKind,
    cursor: string | undefined,
    serverId: string | undefined,
    caller: Pick<Caller, 'headers' | 'identity'>,
  ): string | Promise<string>;
  /** Is there such an entry for this caller? */
  has(
    kind: CallKind,
    name: string,
    serverId: string | undefined,
    caller: Pick<Caller, 'identity'>,
  ): boolean | Promise<boolean>;
  /** @returns undefined when no entry has this name. @throws GW_UPSTREAM_… */
  forward(forwarded: Forwarded, caller: Caller): Promise<ForwardedAnswer | undefined>;
  /** Tells all upstream sessions of a client session. Never rejects. */
  broadcast(session: McpSession, method: string, paramsJson: string | undefined): Promise<void>;
  /**
   * Told of every failure, our own and the client's: counts it, and logs it unless it is JSON-RPC's to tell. `method` is the
   * MCP method, or the HTTP method and route where no message was read; `requestId` the request's (X-Correlation-ID).
   */
  failed(method: string, error: unknown, requestId?: string): void;
}
