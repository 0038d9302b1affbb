// An upstream's address → an open session there, over the transport that the address names.
import type { Config } from '../config.ts';
import type { ClientPeer } from '../mcp/ports.ts';
import { parseUrl, type UpstreamAddress } from './address.ts';
import { HttpWire } from './http-wire.ts';
import type { Outbound } from './outbound.ts';
import { openSseWire } from './sse-wire.ts';
import { type Observe, openSession, type UpstreamSession } from './upstream-session.ts';
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

export function createDial({ outbound, config, observe, listChanged }: DialOptions): Dial {
  return async (address, { clientCapabilities, peer, passed, silenceMs, timeoutMs }) => {
    const openTimeoutMs = Math.max(1, Math.min(timeoutMs, config.MCP_SESSION_POOL_CREATE_TIMEOUT * 1000));
    const wire = await connectWire(outbound, address, passed, openTimeoutMs);
    return await openSession(wire, {
      url: address.url,
      clientCapabilities,
      peer,
      silenceMs: silenceMs ?? (() => config.HTTPX_READ_TIMEOUT * 1000),
      openTimeoutMs,
      listChanged: listChanged && ((kind) => listChanged(address.id, kind)),
      observe,
    });
  };
}

function connectWire(
  outbound: Outbound,
  address: UpstreamAddress,
  passed: string[],
  timeoutMs: number,
): Wire | Promise<Wire> {
  const url = parseUrl(address.url);
  const own: string[] = [];
  for (const [name, value] of Object.entries(address.headers)) own.push(name, value);
  const origin = outbound.origin(url);
  if (address.transport === 'SSE') return openSseWire({ url, own, passed, origin, timeoutMs });
  return new HttpWire(url, own, passed, origin);
}
