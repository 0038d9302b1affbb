// The doors that ask for a password instead of a token: POST /auth/login, /auth/email/login and /auth/email/register.
import rateLimit from '@fastify/rate-limit';
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { Access } from '../auth/access.ts';
import { login, openSession } from '../auth/logins.ts';
import { Registration } from '../auth/users.ts';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import { toRateLimitOptions } from './rate-limit.ts';
import { readSecretBody } from './read-secret-body.ts';
import { acceptEmptyBodies } from './rest.ts';

/** `username` is ContextForge's other name for it. */
const Login = Type.Object({
  email: Type.Optional(Type.String({ maxLength: 255 })),
  username: Type.Optional(Type.String({ maxLength: 255 })),
  password: Type.String({ minLength: 1, maxLength: 1024 }),
});

export const loginRoutes: FastifyPluginAsync<{ access: Access; config: Config }> = async (app, { access, config }) => {
  const { users } = access;
  acceptEmptyBodies(app);
  // Always on: guessing passwords is what these doors are for otherwise.
  await app.register(
    rateLimit,
    toRateLimitOptions(
      () => config.RATE_LIMIT_CRITICAL_RPM,
      (request) => request.ip,
    ),
  );

  async function answerLogin(request: FastifyRequest, reply: FastifyReply) {
    const { email, username, password } = readSecretBody(Login, request.body);
    const name = email ?? username;
    if (name === undefined || name === '') {
      throw new GatewayError('GW_INVALID_REQUEST', { detail: 'body /email is missing' });
    }
    const answer = await login(users, config, name, password);
    return reply.header('cache-control', 'no-store').send(answer);
  }
  app.post('/auth/login', answerLogin);
  app.post('/auth/email/login', answerLogin);

  app.post('/auth/email/register', async (request, reply) => {
    if (!config.PUBLIC_REGISTRATION_ENABLED) {
      throw new GatewayError('GW_FORBIDDEN', {
        detail: 'nobody may register here: ask an administrator for an account',
      });
    }
    const { email, password, full_name } = readSecretBody(Registration, request.body);
    if (email.trim().toLowerCase() === config.PLATFORM_ADMIN_EMAIL.trim().toLowerCase()) {
      throw new GatewayError('GW_CONFLICT', { detail: `there is a user ${email}` });
    }
    const wanted = { email, password, full_name: full_name ?? null, is_admin: false, is_active: true };
    await users.create(wanted, email);
    const row = await users.find(email);
    if (row === undefined)
      throw new GatewayError('GW_NOT_FOUND', { detail: `the user ${email} was deleted meanwhile` });
    return reply.header('cache-control', 'no-store').send(openSession(row, config));
  });
};
