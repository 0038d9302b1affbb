// Which addresses the gateway may be made to call. A registration's URL is judged when it is registered, and again whenever a
// connection is opened, by the address that its name has then: a name that resolves elsewhere later gets nowhere.
import { type LookupAddress, type LookupOptions, lookup as systemLookup } from 'node:dns';
import { lookup as lookupAll } from 'node:dns/promises';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { Config } from './config.ts';
import { GatewayError } from './errors.ts';

export type SsrfConfig = Pick<
  Config,
  | 'SSRF_PROTECTION_ENABLED'
  | 'SSRF_ALLOW_LOCALHOST'
  | 'SSRF_ALLOW_PRIVATE_NETWORKS'
  | 'SSRF_ALLOWED_NETWORKS'
  | 'SSRF_BLOCKED_NETWORKS'
  | 'SSRF_BLOCKED_HOSTS'
>;

type LookupDone = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void;

export interface AddressGuard {
  /** Judges a URL that somebody wants to register. @throws GW_ADDRESS_REFUSED */
  check(url: string): Promise<void>;
  /** Judges a URL whose host is an address; names are judged by `lookup`. @throws GW_ADDRESS_REFUSED */
  checkLiteral(url: URL): void;
  /** For `connect`: resolves as the system does, and fails with GW_ADDRESS_REFUSED. */
  lookup(hostname: string, options: LookupOptions, done: LookupDone): void;
}

/** Settings are read at each use: they may change while the gateway runs. */
export function createAddressGuard(config: SsrfConfig): AddressGuard {
  /** @throws GW_ADDRESS_REFUSED */
  function judge(address: string, host: string): void {
    const reason = whyRefused(config, address);
    if (reason === undefined) return;
    const seen = address === host ? address : `${host} (${address})`;
    throw new GatewayError('GW_ADDRESS_REFUSED', { detail: `${seen} ${reason}` });
  }

  function checkLiteral(url: URL): void {
    if (!config.SSRF_PROTECTION_ENABLED) return;
    const host = hostOf(url);
    if (listOf(config.SSRF_BLOCKED_HOSTS).includes(host.toLowerCase())) {
      throw new GatewayError('GW_ADDRESS_REFUSED', { detail: `${host} is one of SSRF_BLOCKED_HOSTS` });
    }
    if (isIP(host) !== 0) judge(host, host);
  }

  return {
    checkLiteral,
    async check(text) {
      if (!config.SSRF_PROTECTION_ENABLED) return;
      const url = new URL(text);
      checkLiteral(url);
      const host = hostOf(url);
      if (isIP(host) !== 0) return;
      let addresses: LookupAddress[];
      try {
        addresses = await lookupAll(host, { all: true });
      } catch (cause) {
        throw new GatewayError('GW_ADDRESS_REFUSED', { detail: `${host} cannot be resolved`, cause });
      }
      for (const { address } of addresses) judge(address, host);
    },
    lookup(hostname, options, done) {
      systemLookup(hostname, options, (error: NodeJS.ErrnoException | null, found, family) => {
        if (error !== null || !config.SSRF_PROTECTION_ENABLED) return done(error, found, family);
        try {
          const addresses: string[] = Array.isArray(found) ? found.map(({ address }) => address) : [found];
          for (const address of addresses) judge(address, hostname);
        } catch (refused) {
          return done(refused instanceof Error ? refused : new Error(String(refused)), '', 0);
        }
        done(null, found, family);
      });
    },
  };
}

/** The ranges of ipaddr.js by who decides over them; `unicast` is the public rest. */
const privateRanges = new Set(['private', 'uniqueLocal', 'carrierGradeNat']);

function whyRefused(config: SsrfConfig, text: string): string | undefined {
  const address = ipaddr.process(text); // IPv4 inside IPv6 is judged as IPv4
  const range = address.range();
  if (range === 'linkLocal') return 'is link-local: metadata services of clouds are there';
  if (range === 'unspecified' || range === 'multicast' || range === 'broadcast') return `is a ${range} address`;
  if (isInside(address, config.SSRF_BLOCKED_NETWORKS)) return 'is in one of SSRF_BLOCKED_NETWORKS';
  if (isInside(address, config.SSRF_ALLOWED_NETWORKS)) return undefined;
  if (range === 'loopback') return config.SSRF_ALLOW_LOCALHOST ? undefined : 'is this machine (SSRF_ALLOW_LOCALHOST)';
  if (privateRanges.has(range) && !config.SSRF_ALLOW_PRIVATE_NETWORKS) {
    return 'is in a private network (SSRF_ALLOW_PRIVATE_NETWORKS)';
  }
  return undefined;
}

function isInside(address: ipaddr.IPv4 | ipaddr.IPv6, networks: string): boolean {
  return listOf(networks).some((network) => {
    if (!ipaddr.isValidCIDR(network)) return false;
    const [base, bits] = ipaddr.parseCIDR(network);
    return base.kind() === address.kind() && address.match(base, bits);
  });
}

function listOf(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim().toLowerCase())
    .filter((item) => item !== '');
}

/** Without the brackets that a URL has around IPv6. */
function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}
