// The upstreams in use: one pooled connection and session per registered gateway, made on its first call.
import { GatewayError } from '../errors.ts';
import type { Caller } from '../mcp/ports.ts';
import { HttpUpstream, type HttpUpstreamOptions } from './http-upstream.ts';
import type { Upstream } from './upstream.ts';

/** What is needed to reach an upstream: the part of `CatalogGateway` that matters here. */
export interface UpstreamAddress {
  id: string;
  url: string;
  transport: 'STREAMABLEHTTP' | 'SSE';
  headers: Record<string, string>;
}

export interface Upstreams extends AsyncDisposable {
  /** A new one, the caller's own to dispose: for discovery. @throws GW_INVALID_REQUEST */
  connect(address: UpstreamAddress): Upstream;
  /** A pooled one, or the one of the caller's session; never the caller's to dispose. On the request path. */
  of(address: UpstreamAddress, caller: Pick<Caller, 'identity' | 'headers' | 'session'>): Upstream;
}

interface Pooled {
  address: UpstreamAddress;
  upstream: Upstream;
  isUsed: boolean;
}

/** An upstream that served nothing between two sweeps is let go: it may have been deleted. */
const SWEEP_MS = 5 * 60_000;

export function createUpstreams(options: Omit<HttpUpstreamOptions, 'url' | 'headers'>): Upstreams {
  const pooled = new Map<string, Pooled>();
  const retired = new Map<Upstream, NodeJS.Timeout>();

  const connect = (address: UpstreamAddress): Upstream => {
    if (address.transport === 'SSE') {
      throw new GatewayError('GW_INVALID_REQUEST', {
        detail: `transport must be STREAMABLEHTTP, got ${address.transport} for ${address.url}`,
      });
    }
    return new HttpUpstream({ ...options, url: address.url, headers: address.headers });
  };
  /** Calls that it has begun may end; no new ones reach it. */
  const retire = (id: string, upstream: Upstream): void => {
    pooled.delete(id);
    const timer = setTimeout(() => {
      retired.delete(upstream);
      void upstream[Symbol.asyncDispose]();
    }, options.timeoutMs);
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
    of(address) {
      const known = pooled.get(address.id);
      if (known !== undefined) {
        known.isUsed = true;
        if (known.address === address || isSame(known.address, address)) {
          known.address = address;
          return known.upstream;
        }
        retire(address.id, known.upstream);
      }
      const upstream = connect(address);
      pooled.set(address.id, { address, upstream, isUsed: true });
      return upstream;
    },
    async [Symbol.asyncDispose]() {
      clearInterval(sweeper);
      const all = [...[...pooled.values()].map(({ upstream }) => upstream), ...retired.keys()];
      for (const timer of retired.values()) clearTimeout(timer);
      pooled.clear();
      retired.clear();
      const results = await Promise.allSettled(all.map((upstream) => upstream[Symbol.asyncDispose]()));
      const failures = results.filter((result) => result.status === 'rejected').map(({ reason }) => reason as unknown);
      if (failures.length > 0) throw new AggregateError(failures, `${failures.length} upstreams did not close`);
    },
  };
}

function isSame(one: UpstreamAddress, other: UpstreamAddress): boolean {
  return (
    one.url === other.url &&
    one.transport === other.transport &&
    JSON.stringify(one.headers) === JSON.stringify(other.headers)
  );
}
