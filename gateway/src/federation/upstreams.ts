// The upstreams in use: what a call of a caller goes to.
import type { Config } from '../config.ts';
import type { Caller, McpSession } from '../mcp/ports.ts';
import { isSameAddress, parseUrl, type UpstreamAddress } from './address.ts';
import { ClientSessions } from './client-sessions.ts';
import { createDial, ownSession } from './dial.ts';
import { LoneUpstream } from './lone-upstream.ts';
import { Outbound, type OutboundConfig } from './outbound.ts';
import type { Upstream } from './upstream.ts';
import type { Observe } from './upstream-session.ts';

export type { UpstreamAddress } from './address.ts';

export interface Upstreams extends AsyncDisposable {
  /** A new one, the caller's own to dispose: for discovery. @throws GW_INVALID_REQUEST */
  connect(address: UpstreamAddress): Upstream;
  /** A pooled one, or the one of the caller's session; never the caller's to dispose. On the request path. */
  of(address: UpstreamAddress, caller: Pick<Caller, 'identity' | 'headers' | 'session'>): Upstream;
  /**
   * Told to all upstream sessions that a client session has open: `logging/setLevel` (those that open later get the session's
   * `logLevel`), `notifications/roots/list_changed`. Never rejects.
   */
  broadcast(session: McpSession, method: string, paramsJson: string | undefined): Promise<void>;
}

export type UpstreamsConfig = OutboundConfig &
  Pick<
    Config,
    'TOOL_TIMEOUT' | 'HTTPX_READ_TIMEOUT' | 'MCP_SESSION_POOL_CREATE_TIMEOUT' | 'MCP_SESSION_POOL_CLEANUP_TIMEOUT'
  >;

export interface UpstreamsOptions {
  config: UpstreamsConfig;
  observe?: Observe;
  /** A list of this gateway's upstream has changed: it told one of our sessions. */
  listChanged?: (gatewayId: string, kind: string) => void;
}

interface Pooled {
  address: UpstreamAddress;
  upstream: Upstream;
  isUsed: boolean;
}

/** An upstream that served nothing between two sweeps is let go: it may have been deleted. */
const SWEEP_MS = 5 * 60_000;

export function createUpstreams({ config, observe, listChanged }: UpstreamsOptions): Upstreams {
  const outbound = new Outbound(config);
  const dial = createDial({ outbound, config, observe, listChanged });
  const timeoutMs = () => config.TOOL_TIMEOUT * 1000;
  const goodbyeMs = () => config.MCP_SESSION_POOL_CLEANUP_TIMEOUT * 1000;
  const clients = new ClientSessions({ open: dial, timeoutMs, goodbyeMs, observe });
  const pooled = new Map<string, Pooled>();
  const retired = new Map<Upstream, NodeJS.Timeout>();

  const connect = (address: UpstreamAddress): Upstream => {
    parseUrl(address.url);
    const open = (leftMs: number) => dial(address, { ...ownSession, timeoutMs: leftMs });
    return new LoneUpstream({ url: address.url, open, timeoutMs, goodbyeMs, observe });
  };
  /** Calls that it has begun may end; no new ones reach it. */
  const retire = (id: string, upstream: Upstream): void => {
    pooled.delete(id);
    const timer = setTimeout(() => {
      retired.delete(upstream);
      void upstream[Symbol.asyncDispose]();
    }, timeoutMs());
    retired.set(upstream, timer.unref());
  };
  const sweep = (): void => {
    for (const [id, entry] of pooled) {
      if (!entry.isUsed) retire(id, entry.upstream);
      entry.isUsed = false;
    }
  };
  const sweeper = setInterval(sweep, SWEEP_MS).unref();

  return {
    connect,
    of(address, { session }) {
      if (session !== undefined) return clients.of(address, session, []);
      const known = pooled.get(address.id);
      if (known !== undefined) {
        known.isUsed = true;
        if (known.address === address || isSameAddress(known.address, address)) {
          known.address = address;
          return known.upstream;
        }
        retire(address.id, known.upstream);
      }
      const upstream = connect(address);
      pooled.set(address.id, { address, upstream, isUsed: true });
      return upstream;
    },
    broadcast: (session, method, paramsJson) => clients.broadcast(session, method, paramsJson),
    async [Symbol.asyncDispose]() {
      clearInterval(sweeper);
      const all = [...[...pooled.values()].map(({ upstream }) => upstream), ...retired.keys(), clients];
      for (const timer of retired.values()) clearTimeout(timer);
      pooled.clear();
      retired.clear();
      await Promise.allSettled(all.map((one) => one[Symbol.asyncDispose]()));
      await outbound[Symbol.asyncDispose]();
    },
  };
}
