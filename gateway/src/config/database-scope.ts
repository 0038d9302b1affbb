// What tells one database from another, in one word. Gateways that share a Redis need not share a database: what one of them
// keeps there, and who leads, is for those of its own database.
import { createHash } from 'node:crypto';
import { hostname } from 'node:os';

/** Credentials and options make no difference. A file is this host's. */
export function toDatabaseScope(databaseUrl: string): string {
  const url = URL.canParse(databaseUrl) ? new URL(databaseUrl) : undefined;
  const isServer = url !== undefined && url.host !== '';
  const place = isServer ? `${url.hostname}:${url.port || '5432'}${url.pathname}` : `${hostname()} ${databaseUrl}`;
  return createHash('sha256').update(place).digest('hex').slice(0, 12);
}
