// Heads of requests on the way to the process that has their session, and of its answers on the way back.
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/** The client's address. Believed at the private door alone; what a client sends under that name goes nowhere. */
export const ADDRESS_HEADER = 'x-gatebench-client-address';
/** Of one connection, or of how a body is framed there. */
const ownOfConnection = new Set([
  ADDRESS_HEADER,
  'connection',
  'content-length',
  'expect',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** All that the client sent, as it sent it, for a connection of its own. */
export function toOwner({ rawHeaders, headers, socket }: IncomingMessage, hasBody: boolean): string[] {
  const sent: string[] = [];
  const { remoteAddress } = socket;
  if (remoteAddress !== undefined) sent.push(ADDRESS_HEADER, remoteAddress);
  // HTTP/2 has a header of its own for it.
  if (headers.host === undefined) sent.push('host', String(headers[':authority'] ?? 'localhost'));
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    const key = name.toLowerCase();
    if (ownOfConnection.has(key) || key.startsWith(':') || (!hasBody && key === 'content-type')) continue;
    sent.push(name, rawHeaders[at + 1] ?? '');
  }
  return sent;
}

export function withoutConnection(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  const kept: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && (name === 'content-length' || !ownOfConnection.has(name))) kept[name] = value;
  }
  return kept;
}
