import { createSigner } from 'fast-jwt';
import Fastify from 'fastify';
import { afterEach, expect, it, vi } from 'vitest';
import { Grants } from '../../src/auth/grants.ts';
import { createAuthenticate } from '../../src/auth/index.ts';
import { createVerifyToken } from '../../src/auth/jwt.ts';
import { createToken, createTokenFor } from '../../src/auth/token.ts';
import { Caches } from '../../src/cache/caches.ts';
import { registerErrorHandler } from '../../src/http/error-handler.ts';
import { configOf, testSecret } from '../config-of.ts';

afterEach(() => {
  vi.useRealTimers();
});

function startApp(settings: Record<string, string> = {}) {
  const app = Fastify();
  registerErrorHandler(app, () => undefined);
  app.decorateRequest('identity', undefined);
  const config = configOf(settings);
  const store = { query: async () => ({ rows: [] }) as never };
  app.addHook('onRequest', createAuthenticate(config, new Grants({ config, store, caches: new Caches() })));
  app.get('/who', async (request) => ({ sub: request.identity?.sub }));
  return (authorization?: string) =>
    app.inject({ url: '/who', ...(authorization === undefined ? {} : { headers: { authorization } }) });
}

const token = (extra: object = {}) =>
  createToken({ secret: testSecret, subject: 'admin', expiresInMinutes: 60, ...extra });

it('puts who is asking on the request', async () => {
  const ask = startApp();
  for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
    expect((await ask(`${scheme} ${token()}`)).json()).toEqual({ sub: 'admin' });
  }
});

it('answers 401 with WWW-Authenticate to a missing, foreign, broken or other kind of token', async () => {
  const ask = startApp();
  const other = createSigner({ key: testSecret, algorithm: 'HS512' })({ sub: 'admin' });
  const [head, claims] = token().split('.');
  const bad = [
    undefined,
    'Basic YTpi',
    'Bearer ',
    'Bearer nonsense',
    `Bearer ${token({ secret: `${testSecret}x` })}`,
    `Bearer ${other}`,
    `Bearer ${head}.${claims}.`,
    `Bearer ${Buffer.from('{"alg":"none"}').toString('base64url')}.${claims}.`,
    `Bearer ${'x'.repeat(5000)}`,
  ];
  for (const authorization of bad) {
    const answer = await ask(authorization);
    expect([answer.statusCode, answer.json().code], String(authorization)).toEqual([401, 'GW_UNAUTHORIZED']);
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer/);
  }
});

it('refuses a token without a subject', async () => {
  const sign = createSigner({ key: testSecret, algorithm: 'HS256' });
  for (const claims of [{ name: 'x' }, { sub: '' }]) {
    expect((await startApp()(`Bearer ${sign(claims)}`)).statusCode).toBe(401);
  }
});

it('refuses a remembered token on the first request after it expired', () => {
  vi.useFakeTimers({ now: Date.parse('2026-01-01T00:00:00Z') });
  for (const JWT_CACHE_ENABLED of ['true', 'false']) {
    const verify = createVerifyToken(configOf({ JWT_CACHE_ENABLED, JWT_CACHE_TTL: '3600' }));
    const short = token({ expiresInMinutes: 1 });
    expect(verify(short).sub).toBe('admin');
    vi.advanceTimersByTime(59_000);
    expect(verify(short).sub).toBe('admin');
    vi.advanceTimersByTime(1_000);
    expect(() => verify(short)).toThrow('GW_UNAUTHORIZED');
  }
});

it('makes a token that never expires when asked for zero minutes', () => {
  vi.useFakeTimers({ now: Date.parse('2026-01-01T00:00:00Z') });
  const verify = createVerifyToken(configOf());
  const forever = token({ expiresInMinutes: 0 });
  vi.advanceTimersByTime(10 * 365 * 86_400_000);
  expect(verify(forever)).toMatchObject({ sub: 'admin', expiresAt: undefined });
  const strict = createVerifyToken(configOf({ REQUIRE_TOKEN_EXPIRATION: 'true' }));
  expect(() => strict(forever)).toThrow('GW_UNAUTHORIZED');
});

it('REQUIRE_JTI refuses a token without an id', () => {
  const sign = createSigner({ key: testSecret, algorithm: 'HS256', aud: 'mcpgateway-api', iss: 'mcpgateway' });
  const nameless = sign({ sub: 'admin', exp: 4_000_000_000 });
  expect(createVerifyToken(configOf())(nameless)).toMatchObject({ sub: 'admin', jti: undefined });
  const strict = createVerifyToken(configOf({ REQUIRE_JTI: 'true' }));
  expect(() => strict(nameless)).toThrow('GW_UNAUTHORIZED');
  expect(strict(token()).sub).toBe('admin');
});

it('JWT_CACHE_TTL: a token is verified anew after that time, or each time with JWT_CACHE_ENABLED off', () => {
  vi.useFakeTimers({ now: Date.parse('2026-01-01T00:00:00Z') });
  const once = token();
  vi.advanceTimersByTime(1000); // at 0 lru-cache takes a time for none
  const verify = createVerifyToken(configOf({ JWT_CACHE_TTL: '10' }));
  const first = verify(once);
  vi.advanceTimersByTime(9_000);
  expect(verify(once)).toBe(first);
  vi.advanceTimersByTime(2_000);
  expect(verify(once)).not.toBe(first);
  const patient = createVerifyToken(configOf({ JWT_CACHE_TTL: '100' }));
  const kept = patient(once);
  vi.advanceTimersByTime(50_000);
  expect(patient(once)).toBe(kept);
  const forgetful = createVerifyToken(configOf({ JWT_CACHE_ENABLED: 'false' }));
  expect(forgetful(once)).not.toBe(forgetful(once));
});

it('asks for its audience and its issuer, unless a setting says not to look', () => {
  const made = token();
  expect(createVerifyToken(configOf())(made).sub).toBe('admin');
  for (const settings of [{ JWT_AUDIENCE: 'other' }, { JWT_ISSUER: 'other' }]) {
    expect(() => createVerifyToken(configOf(settings))(made)).toThrow('GW_UNAUTHORIZED');
  }
  const lenient = { JWT_AUDIENCE: 'other', JWT_AUDIENCE_VERIFICATION: 'false' };
  expect(createVerifyToken(configOf(lenient))(made).sub).toBe('admin');
  const bare = createSigner({ key: testSecret, algorithm: 'HS256' })({ sub: 'admin' });
  expect(() => createVerifyToken(configOf())(bare)).toThrow('GW_UNAUTHORIZED');
  expect(() => createVerifyToken(configOf({ JWT_AUDIENCE_VERIFICATION: 'false' }))(bare)).toThrow('GW_UNAUTHORIZED');
  const blind = { JWT_AUDIENCE_VERIFICATION: 'false', JWT_ISSUER_VERIFICATION: 'false' };
  expect(createVerifyToken(configOf(blind))(bare).sub).toBe('admin');
});

it('makes a token that a gateway with the same settings admits', () => {
  for (const more of [{}, { JWT_AUDIENCE: 'clients', JWT_ISSUER: 'tests' }, { JWT_AUDIENCE: ' clients ' }]) {
    const settings = { JWT_SECRET_KEY: testSecret, ...more };
    const made = createTokenFor(settings, { subject: 'ada', expiresInMinutes: 1 });
    expect(createVerifyToken(configOf(settings))(made).sub).toBe('ada');
  }
  expect(() => createTokenFor({ JWT_SECRET_KEY: ' ' }, { subject: 'ada', expiresInMinutes: 1 })).toThrow(
    'GW_CONFIG_INVALID',
  );
});

it('remembers as many tokens as it may, and reads the others anew', () => {
  const verify = createVerifyToken(configOf({ JWT_CACHE_MAX_SIZE: '2' }));
  const [a = '', b = '', c = ''] = ['a', 'b', 'c'].map((subject) => token({ subject }));
  const first = verify(a);
  // A token that is remembered has the very same identity; one that is read anew has an equal one.
  expect(verify(a)).toBe(first);
  expect([verify(b).sub, verify(c).sub]).toEqual(['b', 'c']);
  expect(verify(a)).not.toBe(first);
  expect(verify(a)).toEqual(first);
  const forgetful = createVerifyToken(configOf({ JWT_CACHE_ENABLED: 'false' }));
  expect(forgetful(a)).not.toBe(forgetful(a));
});

it('starts no timer for each request that brings a remembered token', () => {
  vi.useFakeTimers({ now: Date.parse('2026-01-01T00:00:00Z') });
  const verify = createVerifyToken(configOf());
  const made = token();
  const timers = vi.spyOn(globalThis, 'setTimeout');
  for (let times = 0; times < 100; times += 1) {
    verify(made);
    vi.advanceTimersByTime(5);
  }
  expect(timers.mock.calls.length).toBeLessThan(3);
});

it('admits everybody as anonymous when no token is required', async () => {
  const ask = startApp({ AUTH_REQUIRED: 'false' });
  expect((await ask()).json()).toEqual({ sub: 'anonymous' });
});

it('takes no token at all when it has no key', () => {
  const verify = createVerifyToken(configOf({ AUTH_REQUIRED: 'false', JWT_SECRET_KEY: '' }));
  const unsigned = `${btoa('{"alg":"none"}')}.${btoa('{"sub":"admin"}')}.`;
  for (const token of [unsigned, '']) {
    expect(() => verify(token)).toThrow(expect.objectContaining({ code: 'GW_UNAUTHORIZED' }));
  }
});
