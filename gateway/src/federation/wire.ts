// The port to what carries the messages of one MCP session to an upstream and back. Implementations: http-wire.ts (Streamable
// HTTP), sse-wire.ts (HTTP with SSE, 2024-11-05). Knows HTTP, not what the messages mean.
import type { CancelSignal, ClientPeer } from '../mcp/ports.ts';

/** What came back. `text` is the JSON message that answers `id`; undefined when there was none. `value` is what it says, when it was read already. */
export interface WireAnswer {
  status: number;
  sessionId: string | undefined;
  text: string | undefined;
  value: unknown;
}

/** Takes what an upstream sends beside its answers. */
export interface Inbox {
  /**
   * A message that is no answer of the upstream: a notification or a request. Never throws.
   * @param peer of the request on whose stream it came; undefined: it belongs to none
   * @returns a promise while the client thinks about its answer: no deadline of ours runs meanwhile
   */
  take(message: Record<string, unknown>, text: string, peer: ClientPeer | undefined): Promise<void> | undefined;
}

export interface WireRequest {
  id: number;
  body: string;
  /** Instead of those that were passed on when the session was opened, as pairs behind each other; undefined: those. */
  headers: readonly string[] | undefined;
  /** From now to the last byte. */
  timeoutMs: number;
  /** Longest silence: from now to the head, and between two pieces. */
  silenceMs: number;
  signal: CancelSignal | undefined;
  inbox: Inbox;
  /** For whom: its `peer` is asked for when the upstream has something to say, and made then. */
  from: { readonly peer?: ClientPeer | undefined } | undefined;
}

export interface Wire {
  /** Can it carry no further request? */
  readonly isBroken: boolean;
  /**
   * @throws GW_UPSTREAM_UNREACHABLE when there is no connection or it breaks, GW_UPSTREAM_BUSY when no connection was free in
   * time, GW_UPSTREAM_TIMEOUT, GW_UPSTREAM_INVALID when the answer is cut off or none; the signal's reason when it aborts
   */
  request(request: WireRequest): Promise<WireAnswer>;
  /** A notification, or our answer to a request of the upstream. @returns the HTTP status */
  send(body: string, timeoutMs: number): Promise<number>;
  /** What `initialize` agreed on, for the headers of all that follows. */
  agree(sessionId: string | undefined, protocolVersion: string): void;
  /** Opens the standing stream, where the transport has one apart; it is opened again when it breaks. */
  listen(inbox: Inbox): void;
  /** Tells the upstream that the session is over, for at most so long; 0: does not tell. Never rejects. */
  close(goodbyeMs: number): Promise<void>;
}
