// Logging in: the same answer, and the same work, whether the user does not exist, is locked, is not active, or gave a wrong
// password.
import { setTimeout as wait } from 'node:timers/promises';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import { isPassword } from './passwords.ts';
import { createToken } from './token.ts';
import { isLocked, toRead, type UserRead, type UserRow, type Users } from './users.ts';

/** As ContextForge answers. */
export interface LoginAnswer {
  access_token: string;
  token_type: 'bearer';
  expires_in: number;
  user: UserRead;
}

/** @throws GW_UNAUTHORIZED, not before FAILED_LOGIN_MIN_RESPONSE_MS */
export async function login(users: Users, config: Config, email: string, password: string): Promise<LoginAnswer> {
  const startedAt = performance.now();
  const row = await users.find(email);
  const isRight = await isPassword(password, row?.password_hash);
  if (row === undefined || !isRight || row.is_active !== 1 || isLocked(row)) {
    await users.countFailure(email);
    await wait(Math.max(0, config.FAILED_LOGIN_MIN_RESPONSE_MS - (performance.now() - startedAt)));
    throw new GatewayError('GW_UNAUTHORIZED', { detail: 'wrong email or password' });
  }
  await users.countSuccess(row.email);
  return openSession(row, config);
}

export function openSession(row: UserRow, config: Config): LoginAnswer {
  const user = toRead(row);
  const access_token = createToken({
    secret: config.JWT_SECRET_KEY,
    audience: config.JWT_AUDIENCE,
    issuer: config.JWT_ISSUER,
    subject: row.email,
    expiresInMinutes: config.TOKEN_EXPIRY,
    claims: {
      user: { email: row.email, full_name: row.full_name ?? '', is_admin: user.is_admin, auth_provider: 'local' },
      token_use: 'session',
    },
  });
  return { access_token, token_type: 'bearer', expires_in: config.TOKEN_EXPIRY * 60, user };
}
