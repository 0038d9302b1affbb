// Headers that tell browsers to be careful. They are worked out once.
import type { onRequestHookHandler } from 'fastify';
import type { Config } from '../config.ts';

type HeaderConfig = Pick<
  Config,
  | 'X_FRAME_OPTIONS'
  | 'X_CONTENT_TYPE_OPTIONS_ENABLED'
  | 'X_XSS_PROTECTION_ENABLED'
  | 'X_DOWNLOAD_OPTIONS_ENABLED'
  | 'HSTS_ENABLED'
  | 'HSTS_MAX_AGE'
  | 'HSTS_INCLUDE_SUBDOMAINS'
>;

/** A page that needs more (the documentation's scripts) sets its own `content-security-policy`, which replaces this one. */
export function toSecurityHeaders(config: HeaderConfig): [name: string, value: string][] {
  const frames = config.X_FRAME_OPTIONS.trim();
  const isFramed = frames === '' || /^(none|null)$/i.test(frames);
  const ancestors = /^sameorigin$/i.test(frames) ? "'self'" : "'none'";
  const policy = [
    "default-src 'self'",
    "object-src 'none'",
    "base-uri 'self'",
    "form-action 'self'",
    "img-src 'self' data:",
  ];
  const headers: [string, string][] = [
    ['referrer-policy', 'strict-origin-when-cross-origin'],
    ['content-security-policy', [...policy, ...(isFramed ? [] : [`frame-ancestors ${ancestors}`])].join('; ')],
  ];
  if (!isFramed) headers.push(['x-frame-options', frames]);
  if (config.X_CONTENT_TYPE_OPTIONS_ENABLED) headers.push(['x-content-type-options', 'nosniff']);
  if (config.X_XSS_PROTECTION_ENABLED) headers.push(['x-xss-protection', '0']);
  if (config.X_DOWNLOAD_OPTIONS_ENABLED) headers.push(['x-download-options', 'noopen']);
  return headers;
}

/** `strict-transport-security`, for what came by TLS; undefined: it is off. */
export function toTransportSecurity(config: HeaderConfig): string | undefined {
  if (!config.HSTS_ENABLED) return undefined;
  return `max-age=${config.HSTS_MAX_AGE}${config.HSTS_INCLUDE_SUBDOMAINS ? '; includeSubDomains' : ''}`;
}

/** An `onRequest` hook; put first, so that refusals have them too. */
export function createSecurityHeaders(config: HeaderConfig): onRequestHookHandler {
  const headers = toSecurityHeaders(config);
  const transportSecurity = toTransportSecurity(config);
  return function securityHeaders(request, reply, done) {
    for (const [name, value] of headers) reply.header(name, value);
    // RFC 6797 section 7.2: not over plain HTTP. A proxy that ends TLS says so.
    const isByTls = 'encrypted' in request.raw.socket || request.headers['x-forwarded-proto'] === 'https';
    if (transportSecurity !== undefined && isByTls) {
      reply.header('strict-transport-security', transportSecurity);
    }
    done();
  };
}
