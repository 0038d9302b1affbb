// What may be registered as an upstream or a REST tool, and how its credentials are kept.
import { Type } from 'typebox';
import { flag } from './setting.ts';

export const registrationSettings = {
  SSRF_PROTECTION_ENABLED: flag(
    'refuse addresses that a registration must not make the gateway call (server-side request forgery)',
    true,
    { live: true },
  ),
  SSRF_ALLOW_LOCALHOST: flag('upstreams may be on this machine', true, {
    live: true,
    sourceNote:
      'ContextForge has this off; the gateway listens on loopback unless told otherwise, where upstreams are neighbours',
  }),
  SSRF_ALLOW_PRIVATE_NETWORKS: flag('upstreams may be in private networks (RFC 1918, RFC 4193)', false, { live: true }),
  SSRF_ALLOWED_NETWORKS: Type.String({
    default: '',
    description:
      'networks that are allowed whatever else is said, but for link-local ones and metadata services: `10.1.0.0/16,fd00::/8`',
    live: true,
  }),
  SSRF_BLOCKED_NETWORKS: Type.String({
    default: '',
    description: 'further networks that are refused; link-local ones and metadata services of clouds always are',
    live: true,
  }),
  SSRF_BLOCKED_HOSTS: Type.String({
    default: 'metadata.google.internal,metadata.internal',
    description: 'host names that are refused',
    live: true,
  }),
  AUTH_ENCRYPTION_SECRET: Type.String({
    default: '',
    description:
      'what the credentials of upstreams are encrypted with in the database (AES-256-GCM); empty: JWT_SECRET_KEY serves, and without that one they are stored as they are',
    secret: true,
  }),
};
