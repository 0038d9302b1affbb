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

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** The ranges of ipaddr.js by who decides over them; `unicast` is the public rest. */
const privateRanges = new Set(['private', 'uniqueLocal', 'deprecatedSiteLocal', 'carrierGradeNat']);
const neverRanges = new Set(['unspecified', 'multicast', 'broadcast']);

/** Metadata services of clouds that are not link-local: AWS, Google, Alibaba, Azure, Oracle. */
const metadataNetworks = 'fd00:ec2::/32,fd20:ce::254/128,100.100.100.200/32,168.63.129.16/32,192.0.0.192/32';
/** RFC 6052: what a NAT64 gateway makes of public IPv4 addresses where a network has IPv6 alone. */
const nat64 = '64:ff9b::/96';
/** RFC 4291 section 2.4: all that was ever given out for the public. */
const globalUnicast = '2000::/3';

function whyRefused(config: SsrfConfig, text: string): string | undefined {
  const address = ipaddr.process(text); // IPv4 mapped into IPv6 is IPv4
  const inner = address instanceof ipaddr.IPv6 ? embeddedIn(address) : undefined;
  const forms = inner === undefined ? [address] : [address, inner];
  for (const form of forms) {
    const never = whyNever(form);
    if (never !== undefined) return never;
  }
  if (forms.some((form) => isInside(form, config.SSRF_BLOCKED_NETWORKS))) return 'is in one of SSRF_BLOCKED_NETWORKS';
  if (forms.some((form) => isInside(form, config.SSRF_ALLOWED_NETWORKS))) return undefined;
  const range = rangeOf(inner !== undefined && isInside(address, nat64) ? inner : address);
  if (range === 'unicast') return undefined;
  if (range === 'loopback') return config.SSRF_ALLOW_LOCALHOST ? undefined : 'is this machine (SSRF_ALLOW_LOCALHOST)';
  if (!privateRanges.has(range)) return `is a ${range} address (SSRF_ALLOWED_NETWORKS)`;
  return config.SSRF_ALLOW_PRIVATE_NETWORKS ? undefined : 'is in a private network (SSRF_ALLOW_PRIVATE_NETWORKS)';
}

function whyNever(address: Address): string | undefined {
  const range = address.range();
  if (range === 'linkLocal') return 'is link-local: metadata services of clouds are there';
  if (isInside(address, metadataNetworks)) return 'is a metadata service of a cloud';
  return neverRanges.has(range) ? `is a ${range} address` : undefined;
}

function rangeOf(address: Address): string {
  const range = address.range();
  const isPublic = address.kind() === 'ipv4' || isInside(address, globalUnicast);
  return range === 'unicast' && !isPublic ? 'reserved' : range;
}

/** The IPv4 address that a gateway on the way may make of this one. */
function embeddedIn(address: ipaddr.IPv6): ipaddr.IPv4 | undefined {
  const bytes = address.toByteArray();
  const last = bytes.slice(12);
  switch (address.range()) {
    case 'rfc6052':
    case 'rfc6145':
      return new ipaddr.IPv4(last);
    case '6to4':
      return new ipaddr.IPv4(bytes.slice(2, 6));
    case 'teredo':
      return new ipaddr.IPv4(last.map((byte) => byte ^ 0xff));
    default:
      // RFC 4291 section 2.5.5.1, "IPv4-compatible"; `::` and `::1` have ranges of their own.
      return address.range() === 'unicast' && isInside(address, '::/96') ? new ipaddr.IPv4(last) : undefined;
  }
}

function isInside(address: Address, networks: string): boolean {
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
