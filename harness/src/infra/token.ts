// A token for a gateway whose secret is ours. The same as `gateway token` makes, without a process for it.
import { createHmac, randomUUID } from 'node:crypto';

/** Longer than any run: a soak of a weekend and then some. */
const LIFETIME_SECONDS = 7 * 24 * 3600;

/** What the gateway asks of a token: its settings JWT_AUDIENCE and JWT_ISSUER. Empty as not set: any will do. */
export interface TokenDemands {
  audience?: string | undefined;
  issuer?: string | undefined;
}

/** HS256, RFC 7519. `nowMs` is the time of issue. Audience and issuer default to those of `gateway token`. */
export function signToken(secret: string, nowMs: number, demands: TokenDemands = {}): string {
  const issuedAt = Math.floor(nowMs / 1000);
  const claims = {
    sub: 'harness',
    aud: demands.audience?.trim() || 'mcpgateway-api',
    iss: demands.issuer?.trim() || 'mcpgateway',
    jti: randomUUID(),
    iat: issuedAt,
    exp: issuedAt + LIFETIME_SECONDS,
  };
  const body = [{ alg: 'HS256', typ: 'JWT' }, claims].map(toBase64Url).join('.');
  return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`;
}

function toBase64Url(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
