// What requests of one client go to an upstream in: a session that was opened by `initialize` (initialized-session.ts), or the
// stateless revision's agreement that there is none (stateless-session.ts). Many requests at a time.
import type { ClientPeer } from '../mcp/ports.ts';
import { latestVersion } from '../mcp/versions.ts';
import type { RequestOptions, RequestTarget, UpstreamAnswer } from './upstream.ts';

export interface SessionOptions {
  /** The upstream as users know it. */
  url: string;
  /** What the client of this session can do; pooled sessions state nothing. */
  clientCapabilities: Record<string, unknown>;
  /** The client that has this session for itself. */
  peer: ClientPeer | undefined;
  /** Longest silence of a request. */
  silenceMs: () => number;
  /** For opening it, whatever it takes. */
  openTimeoutMs: number;
  listChanged: ((kind: string) => void) | undefined;
  /** Told of every message that goes out; on the request path. `code` is `ok`, `rpc-error` or the code of the failure. */
  observe: Observe | undefined;
}

export type Observe = (method: string, code: string, seconds: number) => void;

/** The upstream does not know the session any more, so the request was not carried out: it may be sent again. */
export const FORGOTTEN = Symbol('forgotten');

export abstract class UpstreamSession {
  serverInfo = { name: 'unknown', version: 'unknown' };
  protocolVersion: string = latestVersion;
  capabilities: Record<string, unknown> = {};
  /** Requests under way; kept by whoever hands sessions out. */
  inFlight = 0;
  openedAtMs = 0;
  usedAtMs = 0;
  /** It serves nobody any more: forgotten by the upstream, or its connection failed. */
  isLost = false;
  /** A request found no answer in time, and no other one did meanwhile: whoever hands sessions out asks first whether it is good. */
  isSuspect = false;
  /** It gets no further requests; kept by whoever hands sessions out. */
  isRetired = false;

  /** Answers so far. */
  protected heard = 0;

  abstract get isBroken(): boolean;

  /**
   * @param headers instead of those that were passed on when it was opened, as pairs behind each other
   * @param target what is asked for, as the upstream lists it
   * @throws as `Upstream.request`
   */
  abstract request(
    method: string,
    paramsJson: string | undefined,
    timeoutMs: number,
    options: RequestOptions | undefined,
    headers: readonly string[] | undefined,
    target?: RequestTarget,
  ): Promise<UpstreamAnswer | typeof FORGOTTEN>;

  abstract notify(method: string, paramsJson: string | undefined): void;

  /** What the upstream says without being asked; where there is a client that it can be told to. */
  abstract listen(): void;

  /** @param goodbyeMs how long telling the upstream may take; 0: it is not told */
  abstract close(goodbyeMs: number): Promise<void>;
}

export function toRequestText(id: number, method: string, paramsJson: string | undefined): string {
  return paramsJson === undefined
    ? `{"jsonrpc":"2.0","id":${id},"method":"${method}"}`
    : `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${paramsJson}}`;
}

export function toServerInfo(value: unknown): { name: string; version: string } {
  const { name, version } = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  return { name: toName(name), version: toName(version) };
}

function toName(value: unknown): string {
  return typeof value === 'string' ? value : 'unknown';
}
