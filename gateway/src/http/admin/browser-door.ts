// Browsers at the door: the token in a cookie instead of a header, and no request that another site made.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { GatewayError } from '../../errors.ts';

export const COOKIE = 'jwt_token';

/** Before the authentication. Only below /admin: no other route takes the cookie. */
export function letBrowsersIn(app: FastifyInstance): void {
  app.addHook('onRequest', function takeCookie(request, _reply, done) {
    const token = request.headers.authorization === undefined ? request.cookies[COOKIE] : undefined;
    if (token !== undefined && token !== '') request.headers.authorization = `Bearer ${token}`;
    done(isForged(request, token !== undefined) ? forged(request) : undefined);
  });
}

/** For forms that need no token: the login. */
export function refuseForged(request: FastifyRequest, _reply: FastifyReply, done: (error?: Error) => void): void {
  done(isForged(request, true) ? forged(request) : undefined);
}

/**
 * A browser says where a request comes from: `Sec-Fetch-Site` where it can, `Origin` with every POST. A request that changes something
 * and shows neither is taken only from programs, which send their token themselves.
 */
function isForged(request: FastifyRequest, isOfBrowser: boolean): boolean {
  if (request.method === 'GET' || request.method === 'HEAD') return false;
  const { 'sec-fetch-site': site, origin, host } = request.headers;
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  if (origin !== undefined) return !URL.canParse(origin) || new URL(origin).host !== host;
  return isOfBrowser;
}

function forged(request: FastifyRequest): GatewayError {
  const from = String(request.headers['origin'] ?? 'nowhere').slice(0, 200);
  return new GatewayError('GW_FORBIDDEN', { detail: `a form of another site (from ${from}) changes nothing here` });
}

/** The cookie goes with requests to /admin only, and with none that another site causes. */
export function setCookie(request: FastifyRequest, reply: FastifyReply, token: string, maxAgeSeconds: number): void {
  reply.setCookie(COOKIE, token, {
    path: '/admin',
    httpOnly: true,
    sameSite: 'strict',
    // Over plain HTTP a browser would not keep it; what a proxy in front says can only make it stricter.
    secure: request.protocol === 'https' || request.headers['x-forwarded-proto'] === 'https',
    ...(maxAgeSeconds > 0 ? { maxAge: maxAgeSeconds } : {}),
  });
}
