// An upstream's address → an open session there, over the transport that the address names, in the revision that it speaks.
import { LRUCache } from 'lru-cache';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import type { ClientPeer } from '../mcp/ports.ts';
import { RpcError } from '../mcp/rpc-error.ts';
import { shownUrl } from '../shown-url.ts';
import { parseUrl, type UpstreamAddress } from './address.ts';
import { UpstreamStatus } from './answer.ts';
import { HttpWire } from './http-wire.ts';
import { openSession } from './initialized-session.ts';
import type { Outbound } from './outbound.ts';
import { openSseWire } from './sse-wire.ts';
import { openStateless } from './stateless-session.ts';
import type { Observe, UpstreamSession } from './upstream-session.ts';
import type { Wire } from './wire.ts';

export interface DialOptions {
  outbound: Outbound;
  config: Pick<Config, 'HTTPX_READ_TIMEOUT' | 'MCP_SESSION_POOL_CREATE_TIMEOUT'>;
  observe: Observe | undefined;
  /** A list of this gateway's upstream has changed. */
  listChanged: ((gatewayId: string, kind: string) => void) | undefined;
}

/** For whom the session is opened. */
export interface SessionFor {
  clientCapabilities: Record<string, unknown>;
  peer: ClientPeer | undefined;
  /** Headers of the caller that go with every request of the session, as pairs behind each other. */
  passed: string[];
  /** Longest silence of a request; undefined: HTTPX_READ_TIMEOUT. */
  silenceMs?: () => number;
  timeoutMs: number;
}

/** Opens a session. @throws as `Upstream.request` */
export type Dial = (address: UpstreamAddress, session: SessionFor) => Promise<UpstreamSession>;

/** A session that nobody but the gateway itself uses. */
export const ownSession = { clientCapabilities: {}, peer: undefined, passed: [] };

/** Gateways come and go: what is remembered of those that are gone is bounded. */
const URLS_REMEMBERED = 10_000;
/** What a server says to `initialize` that does not have it. */
const refusals: ReadonlySet<number> = new Set([400, 404, 405]);

/**
 * Most upstreams speak a version with `initialize`, so that is tried first. One that refuses it is asked by `server/discover`; that
 * it speaks the stateless revision is a property of the server, and remembered until it answers otherwise.
 * https://modelcontextprotocol.io/specification/2026-07-28/basic/versioning#backward-compatibility-with-initialization-based-versions
 */
export function createDial({ outbound, config, observe, listChanged }: DialOptions): Dial {
  const stateless = new LRUCache<string, true>({ max: URLS_REMEMBERED });
  return async (address, { clientCapabilities, peer, passed, silenceMs, timeoutMs }) => {
    const { url } = address;
    const untilMs = performance.now() + Math.min(timeoutMs, config.MCP_SESSION_POOL_CREATE_TIMEOUT * 1000);
    const toOptions = () => ({
      url: shownUrl(url),
      clientCapabilities,
      peer,
      silenceMs: silenceMs ?? (() => config.HTTPX_READ_TIMEOUT * 1000),
      openTimeoutMs: Math.max(1, untilMs - performance.now()),
      listChanged: listChanged && ((kind: string) => listChanged(address.id, kind)),
      observe,
    });
    const connect = () => connectWire(outbound, address, passed, Math.max(1, untilMs - performance.now()));
    const askStateless = () => openStateless(connectHttp(outbound, address, passed), { ...toOptions(), passed });

    if (stateless.has(url)) {
      try {
        return await askStateless();
      } catch (error) {
        if (!isRefusal(error)) throw error;
        stateless.delete(url);
      }
    }
    try {
      return await openSession(await connect(), toOptions());
    } catch (error) {
      if (address.transport === 'SSE' || !isRefusal(error)) throw error;
      const session = await askStateless().catch(() => undefined);
      if (session === undefined) throw error;
      stateless.set(url, true);
      return session;
    }
  };
}

/** It answered, and does not want to be spoken to like that. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof GatewayError)) return false;
  const { cause } = error;
  return cause instanceof RpcError || (cause instanceof UpstreamStatus && refusals.has(cause.status));
}

function connectWire(
  outbound: Outbound,
  address: UpstreamAddress,
  passed: string[],
  timeoutMs: number,
): Wire | Promise<Wire> {
  if (address.transport !== 'SSE') return connectHttp(outbound, address, passed);
  const url = parseUrl(address.url);
  return openSseWire({ url, own: toPairs(address.headers), passed, origin: outbound.origin(url), timeoutMs });
}

function connectHttp(outbound: Outbound, address: UpstreamAddress, passed: string[]): HttpWire {
  const url = parseUrl(address.url);
  return new HttpWire(url, toPairs(address.headers), passed, outbound.origin(url));
}

function toPairs(headers: Record<string, string>): string[] {
  const pairs: string[] = [];
  for (const [name, value] of Object.entries(headers)) pairs.push(name, value);
  return pairs;
}
