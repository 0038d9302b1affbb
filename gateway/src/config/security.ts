// The protection of the HTTP edge.
import { Type } from 'typebox';
import { count, flag, seconds } from './setting.ts';

export const securitySettings = {
  CORS_ENABLED: flag('let browsers on ALLOWED_ORIGINS use the gateway (CORS)', true),
  CORS_ALLOW_CREDENTIALS: flag('let those browsers send credentials', true),
  ALLOWED_ORIGINS: Type.String({
    default: '',
    description: 'origins a browser may send requests from, separated by commas; loopback origins always may',
  }),
  ALLOWED_HOSTS: Type.String({
    default: '',
    description:
      'names that the Host header may have, separated by commas, `*` for any; empty: loopback names while HOST is loopback, any otherwise',
  }),
  SECURITY_HEADERS_ENABLED: flag('send the security headers', true),
  X_FRAME_OPTIONS: Type.String({ default: 'DENY', description: 'X-Frame-Options; `none`: not sent' }),
  X_CONTENT_TYPE_OPTIONS_ENABLED: flag('send X-Content-Type-Options: nosniff', true),
  X_XSS_PROTECTION_ENABLED: flag('send X-XSS-Protection: 0', true),
  X_DOWNLOAD_OPTIONS_ENABLED: flag('send X-Download-Options: noopen', true),
  HSTS_ENABLED: flag('send Strict-Transport-Security over TLS', true),
  HSTS_MAX_AGE: seconds('how long browsers insist on TLS', { default: 31_536_000, minimum: 0, maximum: 315_360_000 }),
  HSTS_INCLUDE_SUBDOMAINS: flag('… for the names below this one too', true),
  RATE_LIMITING_ENABLED: flag('limit the requests of a user per minute', false, {
    sourceNote: 'on in the current ContextForge; the guides measure without it',
  }),
  RATE_LIMIT_CRITICAL_RPM: count('logins and registrations of one address per minute; always on', {
    default: 10,
    minimum: 1,
    maximum: 100_000,
    live: true,
  }),
  RATE_LIMIT_HIGH_RPM: count('requests of one user per minute to /admin, /tokens, /rbac and /auth', {
    default: 30,
    minimum: 1,
    maximum: 10_000_000,
    live: true,
  }),
  RATE_LIMIT_MEDIUM_RPM: count('requests of one user per minute to everything else', {
    default: 100,
    minimum: 1,
    maximum: 10_000_000,
    live: true,
  }),
  WELL_KNOWN_ENABLED: flag('serve /.well-known/robots.txt, /robots.txt and security.txt', true),
  WELL_KNOWN_ROBOTS_TXT: Type.String({
    default: 'User-agent: *\nDisallow: /\n',
    description: 'text of robots.txt',
  }),
  WELL_KNOWN_SECURITY_TXT: Type.String({
    default: '',
    description: 'text of security.txt (RFC 9116); empty: not served',
  }),
  WELL_KNOWN_CACHE_MAX_AGE: seconds('how long clients may keep these texts', {
    default: 3600,
    minimum: 0,
    maximum: 31_536_000,
  }),
  HEADER_SIZE_VALIDATION_ENABLED: flag('refuse requests with more than MAX_HEADER_COUNT headers', true),
  MAX_HEADER_TOTAL_SIZE_BYTES: count('size of all headers of a request together (bytes)', {
    default: 16_384,
    minimum: 1024,
    maximum: 1_048_576,
  }),
  MAX_HEADER_COUNT: count('headers of a request', { default: 100, minimum: 8, maximum: 2000, live: true }),
  HEADERS_TIMEOUT: seconds('a client that has not sent all headers by then is cut off', {
    default: 5,
    minimum: 0.1,
    maximum: 600,
  }),
  REQUEST_RECEIVE_TIMEOUT: seconds('a client that has not sent its whole request by then is cut off', {
    default: 9,
    minimum: 0.1,
    maximum: 3600,
  }),
  VALIDATION_MAX_JSON_DEPTH: count('levels of nesting in a JSON body', {
    default: 100,
    minimum: 4,
    maximum: 1000,
    live: true,
    sourceNote: '30 in ContextForge, for schemas only',
  }),
  VALIDATION_MIDDLEWARE_ENABLED: flag(
    'refuse paths and query parameters that are too long, too deep or hold control characters',
    false,
  ),
  MAX_PARAM_LENGTH: count('characters of a path segment or query parameter, with VALIDATION_MIDDLEWARE_ENABLED', {
    default: 10_000,
    minimum: 1,
    maximum: 1_000_000,
    live: true,
  }),
  MAX_PATH_DEPTH: count('segments of a path, with VALIDATION_MIDDLEWARE_ENABLED', {
    default: 10,
    minimum: 1,
    maximum: 1000,
    live: true,
  }),
};
