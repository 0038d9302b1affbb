// Where an upstream is, and what opens its door.
import { GatewayError } from '../errors.ts';
import { shownUrl } from '../shown-url.ts';

/** What is needed to reach an upstream: the part of `CatalogGateway` that matters here. */
export interface UpstreamAddress {
  id: string;
  url: string;
  transport: 'STREAMABLEHTTP' | 'SSE';
  headers: Record<string, string>;
  /** Names of the client's headers that go on to it; undefined: DEFAULT_PASSTHROUGH_HEADERS. */
  passthroughHeaders?: string[] | undefined;
}

export function isSameAddress(one: UpstreamAddress, other: UpstreamAddress): boolean {
  if (one === other) return true;
  return (
    one.url === other.url &&
    one.transport === other.transport &&
    one.passthroughHeaders?.join() === other.passthroughHeaders?.join() &&
    JSON.stringify(one.headers) === JSON.stringify(other.headers)
  );
}

/** @throws GW_INVALID_REQUEST */
export function parseUrl(text: string): URL {
  if (URL.canParse(text)) {
    const url = new URL(text);
    if (url.protocol === 'http:' || url.protocol === 'https:') return url;
  }
  throw new GatewayError('GW_INVALID_REQUEST', { detail: `url must be one of http or https, got ${shownUrl(text)}` });
}
