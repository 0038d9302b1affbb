// What people do with their own account.
import type { FastifyPluginAsync } from 'fastify';
import { Type } from 'typebox';
import type { Access } from '../auth/access.ts';
import { anonymous } from '../auth/index.ts';
import { Password } from '../auth/users.ts';
import { GatewayError } from '../errors.ts';
import { readSecretBody } from './read-secret-body.ts';
import { acceptEmptyBodies } from './rest.ts';

const PasswordChange = Type.Object({ old_password: Password, new_password: Password });

export const accountRoutes: FastifyPluginAsync<{ access: Access }> = async (app, { access }) => {
  acceptEmptyBodies(app);
  const { users, tokens } = access;

  app.get('/auth/email/me', async (request) => {
    const identity = request.identity ?? anonymous;
    const row = await users.find(identity.sub);
    if (row !== undefined) return await users.read(identity.sub);
    return {
      email: identity.sub,
      full_name: null,
      is_admin: identity.grant?.isAdmin === true,
      is_active: true,
      auth_provider: 'token',
    };
  });

  app.post('/auth/email/change-password', async (request) => {
    const identity = request.identity ?? anonymous;
    if (identity.use === 'api') {
      throw new GatewayError('GW_FORBIDDEN', { detail: 'an API token cannot change a password: log in' });
    }
    const { old_password, new_password } = readSecretBody(PasswordChange, request.body);
    await users.changePassword(identity.sub, old_password, new_password);
    return { success: true, message: 'the password was changed; log in again' };
  });

  /** The token that asks is good no more. */
  app.post('/auth/logout', async (request) => {
    const { jti, sub, expiresAt } = request.identity ?? anonymous;
    if (jti === undefined) throw new GatewayError('GW_INVALID_REQUEST', { detail: 'the token has no id (jti)' });
    const end = expiresAt === undefined ? null : new Date(expiresAt * 1000).toISOString();
    await tokens.revokeId(jti, sub, 'logout', end);
    return { success: true, message: 'the token is good no more' };
  });
};
