import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
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

/**
 * Does somebody answer there? A ping without a session or credentials: whatever is said to it, but by a proxy that it found nobody
 * behind. Never rejects.
 */
export function knockForAnswer(url: URL, lookup: LookupFunction): Promise<boolean> {
  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
  const send = url.protocol === 'https:' ? requestHttps : requestHttp;
  return new Promise((resolve) => {
    const request = send(url, { method: 'POST', headers, lookup, agent: false });
    const end = (isThere: boolean) => {
      clearTimeout(timer);
      request.destroy();
      resolve(isThere);
    };
    const timer = setTimeout(end, KNOCK_TIMEOUT_MS, false);
    request.once('response', ({ statusCode = 500 }) => end(statusCode < 500));
    request.on('error', () => end(false)); // also what destroying it says
    request.end('{"jsonrpc":"2.0","id":0,"method":"ping"}');
  });
}
