// Tokens: HS256 and nothing else, so that neither side can be talked into another algorithm.
import { randomUUID } from 'node:crypto';
import { createSigner } from 'fast-jwt';

export interface TokenRequest {
  secret: string;
  /** Who the token speaks for; ContextForge's tokens name the user in `sub` and in `username`. */
  subject: string;
  /** 0: never expires. */
  expiresInMinutes: number;
  audience?: string;
  issuer?: string;
}

/** A signed token. Audience and issuer default to the ones that ContextForge's tokens carry. */
export function createToken(request: TokenRequest): string {
  const sign = createSigner({
    key: request.secret,
    algorithm: 'HS256',
    aud: request.audience ?? 'mcpgateway-api',
    iss: request.issuer ?? 'mcpgateway',
    jti: randomUUID(),
    ...(request.expiresInMinutes > 0 ? { expiresIn: request.expiresInMinutes * 60_000 } : {}),
  });
  return sign({ sub: request.subject, username: request.subject });
}
