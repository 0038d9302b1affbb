// The login of people: email and password, or a token that they have. What they get is a cookie.
import rateLimit from '@fastify/rate-limit';
import type { FastifyPluginAsync } from 'fastify';
import type { Access } from '../../auth/access.ts';
import type { VerifyToken } from '../../auth/jwt.ts';
import { login } from '../../auth/logins.ts';
import type { Config } from '../../config.ts';
import { GatewayError } from '../../errors.ts';
import { toRateLimitOptions } from '../rate-limit.ts';
import { COOKIE, refuseForged, setCookie } from './browser-door.ts';
import { takeForms, toForm } from './forms.ts';
import { type Pages, showFailures } from './pages.ts';

export interface LoginPageOptions {
  config: Config;
  access: Access;
  verifyToken: VerifyToken;
  pages: Pages;
}

export const loginPage: FastifyPluginAsync<LoginPageOptions> = async (app, { config, access, verifyToken, pages }) => {
  takeForms(app);
  showFailures(app, pages);
  const schema = { hide: true };

  app.get('/admin/login', { schema }, (request, reply) => pages.send(request, reply, 'login', { title: 'Log in' }));

  await app.register(async function doors(limited) {
    await limited.register(
      rateLimit,
      toRateLimitOptions(
        () => config.RATE_LIMIT_CRITICAL_RPM,
        (request) => request.ip,
      ),
    );
    limited.post('/admin/login', { schema, onRequest: refuseForged }, async (request, reply) => {
      const { email = '', password = '', token } = toForm(request.body);
      const given = token?.trim() ?? (await login(access.users, config, email, password)).access_token;
      const identity = verifyToken(given);
      await access.grants.admit(identity);
      if (identity.grant?.isAdmin !== true) {
        throw new GatewayError('GW_FORBIDDEN', { detail: `${identity.sub} is no administrator` });
      }
      setCookie(request, reply, given, token === undefined ? config.TOKEN_EXPIRY * 60 : 0);
      return reply.redirect('/admin', 303);
    });
    // Thrown and shown here: what watches for refusals sees them on their way.
    limited.setErrorHandler(async function showRefusal(error, request, reply) {
      if (!(error instanceof GatewayError) || error.status >= 500) throw error;
      const view = { title: 'Log in', email: toForm(request.body)['email']?.slice(0, 255), refused: error.detail };
      return pages.send(request, reply, 'login', view, error.status);
    });
  });

  app.post('/admin/logout', { schema, onRequest: refuseForged }, async (request, reply) => {
    const token = request.cookies[COOKIE];
    reply.clearCookie(COOKIE, { path: '/admin' });
    if (token !== undefined) await endSession(token, verifyToken, access);
    return reply.redirect('/admin/login', 303);
  });
};

/** A session that was opened by a login is good no more; a token that somebody brought along goes on. */
async function endSession(token: string, verifyToken: VerifyToken, { tokens }: Access): Promise<void> {
  try {
    const { jti, sub, use, expiresAt } = verifyToken(token);
    if (jti === undefined || use !== 'session') return;
    const end = expiresAt === undefined ? null : new Date(expiresAt * 1000).toISOString();
    await tokens.revokeId(jti, sub, 'logout', end);
  } catch (error) {
    // It was good no more already.
    if (!(error instanceof GatewayError) || error.status >= 500) throw error;
  }
}
