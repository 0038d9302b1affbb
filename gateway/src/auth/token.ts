// Tokens: HS256 and nothing else, so that neither side can be talked into another algorithm.
import { randomUUID } from 'node:crypto';
import { createSigner } from 'fast-jwt';
import { GatewayError } from '../errors.ts';

export interface TokenRequest {
  secret: string;
  /** Who the token speaks for; ContextForge's tokens name the user in `sub` and in `username`. */
  subject: string;
  /** 0: never expires. */
  expiresInMinutes: number;
  /** An administrator's, as far as the users table does not say otherwise. */
  isAdmin?: boolean;
  audience?: string;
  issuer?: string;
  /** The token's id; by default a random one. */
  jti?: string;
  /** Further claims. */
  claims?: Record<string, unknown>;
}

/** A signed token. Audience and issuer default to the ones that ContextForge's tokens carry. */
export function createToken(request: TokenRequest): string {
  const sign = createSigner({
    key: request.secret,
    algorithm: 'HS256',
    aud: request.audience ?? 'mcpgateway-api',
    iss: request.issuer ?? 'mcpgateway',
    jti: request.jti ?? randomUUID(),
    ...(request.expiresInMinutes > 0 ? { expiresIn: request.expiresInMinutes * 60_000 } : {}),
  });
  const admin = request.isAdmin === true ? { is_admin: true } : {};
  return sign({ sub: request.subject, username: request.subject, ...admin, ...request.claims });
}

/**
 * A token for a gateway with these settings: JWT_SECRET_KEY, JWT_AUDIENCE and JWT_ISSUER, read as the gateway reads them.
 * @throws GW_CONFIG_INVALID without a key
 */
export function createTokenFor(
  environment: Record<string, string | undefined>,
  request: Pick<TokenRequest, 'subject' | 'expiresInMinutes' | 'isAdmin'>,
): string {
  const setting = (name: string) => environment[name]?.trim() ?? '';
  const secret = setting('JWT_SECRET_KEY');
  if (secret === '') {
    throw new GatewayError('GW_CONFIG_INVALID', { detail: 'a token needs --secret or JWT_SECRET_KEY, got neither' });
  }
  const audience = setting('JWT_AUDIENCE');
  const issuer = setting('JWT_ISSUER');
  return createToken({
    ...request,
    secret,
    ...(audience === '' ? {} : { audience }),
    ...(issuer === '' ? {} : { issuer }),
  });
}
