// The answer of a worker that has as many requests as it may: before routing, authentication and parsing, made of bytes that are ready.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { errors, GatewayError, toJsonRpcError } from '../errors.ts';

const always: ReadonlySet<string> = new Set(['/health', '/ready', '/metrics']);

/** Who asks whether the gateway lives must be told, most of all when it has much to do. */
export function alwaysAnswers(url: string | undefined): boolean {
  if (url === undefined) return false;
  const query = url.indexOf('?');
  return always.has(query === -1 ? url : url.slice(0, query));
}

/** Seconds. What runs is a matter of milliseconds; a client that waits for less only comes back to the same queue. */
const RETRY_AFTER = '1';

let forLimit = 0;
let restBody = '';
let rpcBody = '';

/** The same answers again and again: built when the limit changes. */
function build(limit: number): void {
  forLimit = limit;
  const error = new GatewayError('GW_OVERLOADED', { detail: `${limit} requests are running (BACKPRESSURE)` });
  const { code, detail, hint } = error;
  restBody = JSON.stringify({ code, message: errors[code].message, detail, hint });
  rpcBody = JSON.stringify({ jsonrpc: '2.0', id: null, error: toJsonRpcError(error) });
}

/** The body of the request is not read: Node discards it as it comes, and the connection stays good. */
export function refuseOverload(request: IncomingMessage, response: ServerResponse, limit: number): void {
  if (limit !== forLimit) build(limit);
  const body = isJsonRpc(request) ? rpcBody : restBody;
  response.writeHead(503, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'retry-after': RETRY_AFTER,
  });
  response.end(body);
}

/** The doors that speak JSON-RPC: /rpc, /, /mcp, /servers/:id/mcp and /servers/:id/message. */
function isJsonRpc({ method, url = '' }: IncomingMessage): boolean {
  if (method !== 'POST') return false;
  const path = url.split('?', 1)[0] ?? '';
  return path === '/' || path === '/rpc' || path.endsWith('/mcp') || path.endsWith('/message');
}
