// The gateways that a request has come through, so that it never comes through one twice: gateways that are registered at each
// other would list each other's lists for ever, and send each other the same resource back and forth.
import type { IncomingHttpHeaders } from 'node:http';
import type { Caller } from '../mcp/ports.ts';
import type { Upstream } from './upstream.ts';
import type { UpstreamAddress } from './upstreams.ts';

/** Ids of gateways, the first one first; like HTTP's `Via` (RFC 9110 section 7.6.3), which proxies between us would change. */
export const HOPS_HEADER = 'x-gateway-via';
/** More gateways than these behind each other are a loop through gateways that do not say who they are. */
const MAX_HOPS = 8;

export function readHops(headers: IncomingHttpHeaders): string[] {
  const stated = headers[HOPS_HEADER];
  if (typeof stated !== 'string' || stated === '') return [];
  return stated.split(',', MAX_HOPS + 1).map((hop) => hop.trim());
}

export function isLoop(hops: string[], selfId: string): boolean {
  return hops.includes(selfId) || hops.length > MAX_HOPS;
}

type Of = (address: UpstreamAddress, caller: Caller) => Upstream;

/** Puts this gateway's id on every request to an upstream, behind those that the request brought. */
export function passHops(upstreams: { of: Of }, selfId: string): { of: Of } {
  return {
    of(address, caller) {
      const upstream = upstreams.of(address, caller);
      const before = caller.headers[HOPS_HEADER];
      const hops = typeof before === 'string' && before !== '' ? `${before},${selfId}` : selfId;
      return {
        discover: (signal) => upstream.discover(signal),
        [Symbol.asyncDispose]: () => upstream[Symbol.asyncDispose](),
        request(method, paramsJson, options, ...rest) {
          const upstreamHeaders = [...(options?.trace?.upstreamHeaders ?? []), HOPS_HEADER, hops];
          // A caller's properties are getters of its class: a copy would not have them.
          const { headers, peer, signal } = { headers: caller.headers, peer: options?.peer, signal: options?.signal };
          const trace = { upstreamHeaders };
          const sent = { headers, peer, trace, stated: options?.stated, ...(signal === undefined ? {} : { signal }) };
          return upstream.request(method, paramsJson, sent, ...rest);
        },
      };
    },
  };
}

/** The part of a gateway that is asked for what it offers. */
interface Address {
  url: string;
  headers: Record<string, string>;
}

/** The same for asking what it offers: it leaves out what it has from us. */
export function tellHop<A extends Address>(address: A, selfId: string): A {
  return { ...address, headers: { ...address.headers, [HOPS_HEADER]: selfId } };
}

/** Is this upstream one of the gateways that the request came through? What it offers is no news to them. */
export function isOfHop(upstreamUrl: string, hops: string[], peers: { id: string; url: string }[]): boolean {
  const origin = originOf(upstreamUrl);
  return origin !== undefined && peers.some(({ id, url }) => hops.includes(id) && originOf(url) === origin);
}

function originOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).origin : undefined;
}
