// DNS rebinding: a page in a browser must not reach a gateway on this machine through a name of its own.
// https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#security-warning
import { GatewayError } from '../errors.ts';

const loopbackHosts = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * @param allowedOrigins separated by commas
 * @returns a check that throws GW_FORBIDDEN for an origin that is neither loopback nor allowed; no header is no browser
 */
export function createOriginCheck(allowedOrigins: string): (origin: string | undefined) => void {
  const allowed = new Set(
    allowedOrigins
      .split(',')
      .map((origin) => origin.trim())
      .filter((origin) => origin !== ''),
  );
  return (origin) => {
    if (origin === undefined || allowed.has(origin)) return;
    if (URL.canParse(origin) && loopbackHosts.has(new URL(origin).hostname)) return;
    throw new GatewayError('GW_FORBIDDEN', { detail: `origin ${origin} may not use this gateway (ALLOWED_ORIGINS)` });
  };
}
