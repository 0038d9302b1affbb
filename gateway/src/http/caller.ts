// One JSON-RPC request on its way. It is aborted when its connection closes (we offer no way to fetch the answer later)
// or when its client cancels it.
import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import type { Caller, CallerIdentity, CancelSignal, ClientPeer } from '../mcp/ports.ts';
import { RpcError } from '../mcp/rpc-error.ts';

/** LSP's number for it; JSON-RPC has none. */
const REQUEST_CANCELLED = -32800;

/** Those whose answer goes out on this connection. */
const bySocket = new WeakMap<Socket, Set<RequestCaller>>();

/** Those that a client may cancel by their id: the session's. */
export type Cancellable = Map<string, RequestCaller>;

/** What every request that came in through one HTTP request shares. */
interface Origin {
  socket: Socket;
  serverId: string | undefined;
  identity: CallerIdentity;
  headers: IncomingHttpHeaders;
  cancellable: Cancellable | undefined;
}

export class RequestCaller implements Caller, CancelSignal {
  readonly serverId: string | undefined;
  readonly identity: CallerIdentity;
  readonly headers: IncomingHttpHeaders;
  readonly session = undefined;
  readonly peer: ClientPeer | undefined = undefined;
  aborted = false;
  reason: unknown;
  readonly #socket: Socket;
  readonly #idJson: string;
  readonly #cancellable: Cancellable | undefined;
  #listeners: (() => void)[] = [];
  #isKnown = false;

  constructor(idJson: string, { socket, serverId, identity, headers, cancellable }: Origin) {
    this.#socket = socket;
    this.#idJson = idJson;
    this.serverId = serverId;
    this.identity = identity;
    this.headers = headers;
    this.#cancellable = cancellable;
  }

  /** Asked for by what goes to an upstream; from then on the request can be found and aborted. */
  get signal(): CancelSignal {
    if (!this.#isKnown) {
      this.#isKnown = true;
      callersOf(this.#socket).add(this);
      this.#cancellable?.set(this.#idJson, this);
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

  /** Its answer is there. */
  end(): void {
    if (!this.#isKnown) return;
    bySocket.get(this.#socket)?.delete(this);
    if (this.#cancellable?.get(this.#idJson) === this) this.#cancellable.delete(this.#idJson);
  }
}

function callersOf(socket: Socket): Set<RequestCaller> {
  const known = bySocket.get(socket);
  if (known !== undefined) return known;
  const callers = new Set<RequestCaller>();
  bySocket.set(socket, callers);
  socket.once('close', () => {
    for (const caller of callers) caller.abort('the client closed the connection');
  });
  return callers;
}
