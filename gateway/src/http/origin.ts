// DNS rebinding: a page in a browser must not reach a gateway on this machine through a name of its own.
// https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#security-warning
import type { onRequestHookHandler } from 'fastify';
import { GatewayError } from '../errors.ts';

const loopbackHosts = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * An `onRequest` hook: GW_FORBIDDEN for an origin that is neither loopback nor allowed; no header is no browser.
 * @param allowedOrigins separated by commas
 */
export function createRefuseForeignOrigin(allowedOrigins: string): onRequestHookHandler {
  const allowed = new Set(
    allowedOrigins
      .split(',')
      .map((origin) => origin.trim())
      .filter((origin) => origin !== ''),
  );
  const isAllowed = (origin: string) =>
    allowed.has(origin) || (URL.canParse(origin) && loopbackHosts.has(new URL(origin).hostname));
  return function refuseForeignOrigin(request, _reply, done) {
    const { origin } = request.headers;
    if (origin === undefined || isAllowed(origin)) return done();
    const detail = `origin ${origin} may not use this gateway (ALLOWED_ORIGINS)`;
    done(new GatewayError('GW_FORBIDDEN', { detail }));
  };
}
