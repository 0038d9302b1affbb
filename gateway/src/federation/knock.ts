import { connect, type LookupFunction } from 'node:net';

const KNOCK_TIMEOUT_MS = 900;

/** Does somebody take connections there? Sends nothing. Never rejects. */
export function knock(url: URL, lookup: LookupFunction): Promise<boolean> {
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  // An IPv6 address stands in brackets in a URL.
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return new Promise((resolve) => {
    const socket = connect({ host, port, lookup, timeout: KNOCK_TIMEOUT_MS });
    const end = (isOpen: boolean) => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.once('connect', () => end(true));
    socket.once('timeout', () => end(false));
    socket.once('error', () => end(false));
  });
}
