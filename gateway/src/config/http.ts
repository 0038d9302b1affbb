// The HTTP server: where it listens, what it takes, what it sends.
import { Type } from 'typebox';
import type { Fault } from '../parse.ts';
import { count, flag } from './setting.ts';

export const httpSettings = {
  HOST: Type.String({ default: '127.0.0.1', minLength: 1, description: 'address to listen on' }),
  PORT: Type.Integer({
    default: 4444,
    minimum: 0,
    maximum: 65535,
    description: 'port to listen on; 0 lets the operating system choose',
  }),
  BACKLOG: count('connections that the system holds while the gateway has not taken them yet', {
    default: 2048,
    minimum: 1,
    maximum: 65_535,
    sourceNote: '2048 in its table, 4096 and 8192 in its examples; the kernel caps it at net.core.somaxconn',
  }),
  BACKPRESSURE: count(
    'requests at a time per worker; above it 503 at once. /health, /ready and /metrics always answer',
    {
      default: 512,
      minimum: 1,
      maximum: 1_000_000,
      live: true,
      sourceNote: '512 in its table, 64 and 2048 in its examples',
    },
  ),
  HTTP_VERSION: Type.Enum(['auto', '1', '2'], {
    default: 'auto',
    description:
      'versions of HTTP: auto is 1.1, with TLS also 2 (by ALPN); 1 is 1.1 only; 2 is 2 only, without TLS by prior knowledge',
  }),
  SSL: flag('serve with TLS, by CERT_FILE and KEY_FILE', false),
  CERT_FILE: Type.String({ default: '', description: 'certificate chain (PEM)' }),
  KEY_FILE: Type.String({ default: '', description: 'its private key (PEM)' }),
  KEY_FILE_PASSWORD: Type.String({ default: '', description: 'what decrypts the private key', secret: true }),
  MAX_REQUEST_BYTES: Type.Integer({
    default: 4 * 1024 * 1024,
    minimum: 1024,
    maximum: 64 * 1024 * 1024,
    description: 'largest request body (bytes)',
  }),
};

/** TLS needs both files. */
export function httpFaults(config: { SSL: boolean; CERT_FILE: string; KEY_FILE: string }): Fault[] {
  if (!config.SSL) return [];
  return (['CERT_FILE', 'KEY_FILE'] as const)
    .filter((name) => config[name] === '')
    .map((name) => ({ path: `/${name}`, message: 'must name a PEM file while SSL is on', seen: config[name] }));
}
