// How large and how slow a request may be. Node closes connections that are slower; what is larger is answered with 4xx.
import type { ServerOptions } from 'node:http';
import type { onRequestHookHandler } from 'fastify';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';

/** Node looks at its connections this often: a deadline may be missed by as much. */
const CHECK_EVERY_MS = 500;

/**
 * For `http.createServer`: 431 for larger headers, 408 for slower requests. As Fastify's `http` option the time for the whole
 * request would be lost: there Fastify sets its own, which is none.
 */
export function toServerLimits(
  config: Pick<Config, 'MAX_HEADER_TOTAL_SIZE_BYTES' | 'HEADERS_TIMEOUT' | 'REQUEST_RECEIVE_TIMEOUT'>,
): ServerOptions {
  const requestTimeout = config.REQUEST_RECEIVE_TIMEOUT * 1000;
  return {
    maxHeaderSize: config.MAX_HEADER_TOTAL_SIZE_BYTES,
    // Node refuses a longer time for the head than for the whole.
    headersTimeout: Math.min(config.HEADERS_TIMEOUT * 1000, requestTimeout),
    requestTimeout,
    connectionsCheckingInterval: Math.min(CHECK_EVERY_MS, requestTimeout),
  };
}

/** An `onRequest` hook: Node itself would drop headers beyond its number and say nothing. */
export function createRefuseManyHeaders(config: Pick<Config, 'MAX_HEADER_COUNT'>): onRequestHookHandler {
  return function refuseManyHeaders(request, _reply, done) {
    const count = request.raw.rawHeaders.length / 2;
    if (count <= config.MAX_HEADER_COUNT) return done();
    const detail = `${count} headers, at most ${config.MAX_HEADER_COUNT} are read`;
    done(new GatewayError('GW_HEADERS_TOO_LARGE', { detail }));
  };
}
