// One JSON-RPC request on its way. It is aborted when its client cancels it, and when its connection closes unless the client
// can come back for the answer.
import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import type { Caller, CallerIdentity, CancelSignal, ClientPeer, McpSession } from '../mcp/ports.ts';
import { RpcError } from '../mcp/rpc-error.ts';
import type { RequestTrace } from '../telemetry/request-trace.ts';

/** LSP's number for it; JSON-RPC has none. */
const REQUEST_CANCELLED = -32800;

/** Those whose answer goes out on this connection. */
const bySocket = new WeakMap<Socket, Set<RequestCaller>>();

/** Those that a client may cancel by their id: the session's. */
export type Cancellable = Map<string, RequestCaller>;

/** What every request that came in through one HTTP request (or one socket) shares. */
export interface Origin {
  /** Its close says that nobody waits any more; undefined: the session's end does. */
  readonly socket: Socket | undefined;
  readonly serverId: string | undefined;
  readonly identity: CallerIdentity;
  readonly headers: IncomingHttpHeaders;
  readonly session: McpSession | undefined;
  readonly peer: ClientPeer | undefined;
  readonly cancellable: Cancellable | undefined;
  /** The client can fetch the answer when its connection is gone. */
  readonly isResumable: boolean;
  readonly trace?: RequestTrace | undefined;
}

export class RequestCaller implements Caller, CancelSignal {
  readonly serverId: string | undefined;
  readonly identity: CallerIdentity;
  readonly headers: IncomingHttpHeaders;
  readonly session: McpSession | undefined;
  readonly trace: RequestTrace | undefined;
  aborted = false;
  reason: unknown;
  readonly #origin: Origin;
  readonly #idJson: string;
  #listeners: (() => void)[] = [];
  #isKnown = false;

  constructor(idJson: string, origin: Origin) {
    this.#origin = origin;
    this.#idJson = idJson;
    this.serverId = origin.serverId;
    this.identity = origin.identity;
    this.headers = origin.headers;
    this.session = origin.session;
    this.trace = origin.trace;
  }

  /** Made when an upstream has something to say: most have not. */
  get peer(): ClientPeer | undefined {
    return this.#origin.peer;
  }

  /** Asked for by what goes to an upstream; from then on the request can be found and aborted. */
  get signal(): CancelSignal {
    if (!this.#isKnown) {
      this.#isKnown = true;
      const { socket, cancellable } = this.#origin;
      if (socket !== undefined) callersOf(socket).add(this);
      cancellable?.set(this.#idJson, this);
    }
    return this;
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.push(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    const at = this.#listeners.indexOf(listener);
    if (at !== -1) this.#listeners.splice(at, 1);
  }

  abort(reason: string): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = new RpcError(REQUEST_CANCELLED, `Request cancelled: ${reason}`);
    for (const listener of [...this.#listeners]) listener();
  }

  disconnect(): void {
    if (!this.#origin.isResumable) this.abort('the client closed the connection');
  }

  /** Its answer is there. */
  end(): void {
    if (!this.#isKnown) return;
    const { socket, cancellable } = this.#origin;
    if (socket !== undefined) bySocket.get(socket)?.delete(this);
    if (cancellable?.get(this.#idJson) === this) cancellable.delete(this.#idJson);
  }
}

function callersOf(socket: Socket): Set<RequestCaller> {
  const known = bySocket.get(socket);
  if (known !== undefined) return known;
  const callers = new Set<RequestCaller>();
  bySocket.set(socket, callers);
  socket.once('close', () => {
    for (const caller of callers) caller.disconnect();
  });
  return callers;
}
