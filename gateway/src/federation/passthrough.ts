// Which headers of a client's request go on to an upstream: none, unless ENABLE_HEADER_PASSTHROUGH is on, and then those that are
// named. The client's token for this gateway is no exception: it stays here unless `Authorization` is named.
import type { IncomingHttpHeaders } from 'node:http';
import type { Config } from '../config.ts';
import type { UpstreamAddress } from './address.ts';

export type PassthroughConfig = Pick<Config, 'ENABLE_HEADER_PASSTHROUGH' | 'DEFAULT_PASSTHROUGH_HEADERS'>;

/** The ones that say for whom a request is made: a session that was opened with them serves no others. */
const identifying: ReadonlySet<string> = new Set(['authorization', 'x-tenant-id', 'x-user-id', 'x-api-key', 'cookie']);
/** A client that has a token for the upstream itself sends it under this name, and it arrives as `Authorization`. */
const FOR_UPSTREAM = 'x-upstream-authorization';
/** HTTP's and MCP's own between us and the upstream. */
const never: ReadonlySet<string> = new Set([
  'accept',
  'accept-encoding',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'last-event-id',
  'mcp-method',
  'mcp-name',
  'mcp-protocol-version',
  'mcp-session-id',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
const MAX_VALUE_LENGTH = 4096;

/**
 * The headers that go on, as pairs behind each other. The upstream's stored credentials are stronger than what a client sends.
 * Named by the upstream itself, else for all upstreams, else by DEFAULT_PASSTHROUGH_HEADERS.
 * @param forAll what an administrator set for all upstreams
 */
export function passedHeaders(
  config: PassthroughConfig,
  headers: IncomingHttpHeaders | undefined,
  address: Pick<UpstreamAddress, 'headers' | 'passthroughHeaders'>,
  forAll?: () => readonly string[] | undefined,
): string[] {
  const passed: string[] = [];
  if (headers === undefined) return passed;
  const add = (name: string, value: string | string[] | undefined) => {
    if (value === undefined || name in address.headers || hasName(passed, name)) return;
    const text = Array.isArray(value) ? value.join(', ') : value;
    if (text.length <= MAX_VALUE_LENGTH) passed.push(name, text);
  };
  add('authorization', headers[FOR_UPSTREAM]);
  for (const name of address.passthroughHeaders ?? forAll?.() ?? namesOf(config.DEFAULT_PASSTHROUGH_HEADERS)) {
    const lower = name.toLowerCase();
    if (!never.has(lower) && !lower.startsWith('mcp-param-')) add(lower, headers[lower]);
  }
  return passed;
}

/** Not `includes`: a value may read like a name. */
function hasName(pairs: string[], name: string): boolean {
  for (let at = 0; at < pairs.length; at += 2) if (pairs[at] === name) return true;
  return false;
}

/** Of what is passed on, what says for whom; pairs behind each other. */
export function identifyingOf(passed: string[]): string[] {
  const found: string[] = [];
  for (let at = 0; at < passed.length; at += 2) {
    const name = passed[at] as string;
    if (identifying.has(name)) found.push(name, passed[at + 1] as string);
  }
  return found;
}

/** `A,B`, or a JSON list as the source writes it. */
let known = { text: '', names: [] as string[] };
export function namesOf(text: string): string[] {
  if (known.text !== text) {
    const names = text.replace(/[[\]"'\s]/g, '').split(',');
    known = { text, names: names.filter((name) => name !== '') };
  }
  return known.names;
}
