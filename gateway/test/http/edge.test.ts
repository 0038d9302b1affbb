// What stands before every route: hosts, origins, CORS, headers, limits.
import { expect, test } from 'vitest';
import { createTestApp, type TestAppOptions } from '../test-app.ts';

const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'fast-time-convert-time', arguments: {} } };

function start(environment: Record<string, string> = {}, more: TestAppOptions = {}) {
  return createTestApp({ environment, ...more });
}

test('a name that somebody else pointed at this machine is refused, whatever else the request brings', async () => {
  await using gateway = start();
  for (const host of [
    'evil.example',
    'evil.example:4444',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'evil@localhost',
  ]) {
    for (const url of ['/rpc', '/health', '/auth/login', '/mcp']) {
      const answer = await gateway.send({ method: url === '/health' ? 'GET' : 'POST', url, headers: { host } });
      expect([answer.statusCode, answer.body], `${url} ${host}`).toEqual([
        403,
        expect.stringContaining('GW_FORBIDDEN'),
      ]);
    }
  }
  for (const host of ['localhost', 'LOCALHOST:1', '127.0.0.1:4444', '127.9.9.9', '[::1]:4444']) {
    expect((await gateway.send({ method: 'GET', url: '/health', headers: { host } })).statusCode, host).toBe(200);
  }
});

test('hosts are named by settings, and a gateway that does not listen on loopback takes any', async () => {
  const status = async (environment: Record<string, string>, host: string) => {
    await using gateway = start(environment);
    return (await gateway.app.inject({ url: '/health', headers: { host } })).statusCode;
  };
  expect(await status({ ALLOWED_HOSTS: 'gateway.example, other.example' }, 'gateway.example:443')).toBe(200);
  expect(await status({ ALLOWED_HOSTS: 'gateway.example' }, 'evil.example')).toBe(403);
  expect(await status({ ALLOWED_HOSTS: '*' }, 'evil.example')).toBe(200);
  expect(await status({ ALLOWED_ORIGINS: 'https://ui.example' }, 'ui.example')).toBe(200);
  expect(await status({ HOST: '0.0.0.0' }, 'gateway.example')).toBe(200);
  expect(await status({ HOST: '0.0.0.0', ALLOWED_HOSTS: 'gateway.example' }, 'evil.example')).toBe(403);
});

test('a browser page of another origin is refused before it is asked for a token', async () => {
  await using gateway = start({ ALLOWED_ORIGINS: '["https://ui.example"]' });
  for (const origin of [
    'https://evil.example',
    'null',
    'http://localhost.evil.example',
    'https://ui.example.evil.example',
  ]) {
    for (const url of ['/rpc', '/auth/login', '/servers/server-1/mcp']) {
      const answer = await gateway.app.inject({ method: 'POST', url, headers: { origin } });
      expect(answer.statusCode, `${url} ${origin}`).toBe(403);
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    }
  }
  const answer = await gateway.post('/rpc', call, { origin: 'https://ui.example' });
  expect(answer.statusCode).toBe(200);
  expect(answer.headers).toMatchObject({
    'access-control-allow-origin': 'https://ui.example',
    'access-control-allow-credentials': 'true',
    'access-control-expose-headers': expect.stringContaining('Mcp-Session-Id'),
    vary: 'Origin',
  });
});

test('a preflight is answered without a token, for admitted origins only', async () => {
  const preflight = {
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization, x-tenant-id',
  };
  await using gateway = start({ ALLOWED_ORIGINS: 'https://ui.example', CORS_ALLOW_CREDENTIALS: 'false' });
  for (const url of ['/rpc', '/mcp', '/tools', '/auth/login']) {
    const answer = await gateway.app.inject({
      method: 'OPTIONS',
      url,
      headers: { ...preflight, origin: 'https://ui.example' },
    });
    expect(answer.statusCode, url).toBe(204);
    expect(answer.headers['access-control-allow-methods']).toContain('DELETE');
    expect(answer.headers['access-control-allow-headers']).toMatch(/Authorization.*x-tenant-id/);
    expect(answer.headers['access-control-allow-credentials']).toBeUndefined();
    const foreign = await gateway.app.inject({
      method: 'OPTIONS',
      url,
      headers: { ...preflight, origin: 'https://evil.example' },
    });
    expect(foreign.statusCode).toBe(403);
  }
  await using without = start({ CORS_ENABLED: 'false', ALLOWED_ORIGINS: 'https://ui.example' });
  const answer = await without.post('/rpc', call, { origin: 'https://ui.example' });
  expect([answer.statusCode, answer.headers['access-control-allow-origin']]).toEqual([200, undefined]);
});

test('every answer has the security headers, also refusals and streams', async () => {
  await using gateway = start();
  const answers = [
    await gateway.post('/rpc', call),
    await gateway.post('/mcp', call, { accept: 'text/event-stream' }),
    await gateway.app.inject({ url: '/tools' }),
    await gateway.app.inject({ url: '/nowhere' }),
    await gateway.app.inject({ url: '/health', headers: { host: 'evil.example' } }),
  ];
  for (const { headers } of answers) {
    expect(headers).toMatchObject({
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
      'x-xss-protection': '0',
      'x-download-options': 'noopen',
      'referrer-policy': 'strict-origin-when-cross-origin',
      'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
    });
    expect(headers).not.toHaveProperty('strict-transport-security');
    expect(headers).not.toHaveProperty('server');
  }
  const overTls = await gateway.app.inject({ url: '/health', headers: { 'x-forwarded-proto': 'https' } });
  expect(overTls.headers['strict-transport-security']).toBe('max-age=31536000; includeSubDomains');
});

test('each security header has its setting, and all have one', async () => {
  const headersWith = async (environment: Record<string, string>) => {
    await using gateway = start(environment);
    return (await gateway.app.inject({ url: '/health', headers: { 'x-forwarded-proto': 'https' } })).headers;
  };
  const framed = await headersWith({ X_FRAME_OPTIONS: 'none' });
  expect(framed['x-frame-options']).toBeUndefined();
  expect(framed['content-security-policy']).not.toContain('frame-ancestors');
  expect((await headersWith({ X_FRAME_OPTIONS: 'SAMEORIGIN' }))['content-security-policy']).toContain(
    "ancestors 'self'",
  );
  for (const [setting, name] of [
    ['X_CONTENT_TYPE_OPTIONS_ENABLED', 'x-content-type-options'],
    ['X_XSS_PROTECTION_ENABLED', 'x-xss-protection'],
    ['X_DOWNLOAD_OPTIONS_ENABLED', 'x-download-options'],
    ['HSTS_ENABLED', 'strict-transport-security'],
    ['SECURITY_HEADERS_ENABLED', 'content-security-policy'],
  ] as const) {
    expect((await headersWith({ [setting]: 'false' }))[name], setting).toBeUndefined();
  }
  const short = await headersWith({ HSTS_MAX_AGE: '60', HSTS_INCLUDE_SUBDOMAINS: 'false' });
  expect(short['strict-transport-security']).toBe('max-age=60');
});

test('JSON that is too deep, reaches for a prototype or is no UTF-8 is refused on every door', async () => {
  await using gateway = start();
  const nested = (levels: number, open: string, close: string) => `${open.repeat(levels)}${close.repeat(levels)}`;
  const within = (json: string) =>
    `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"fast-time-convert-time","arguments":${json}}}`;
  const bodies: Record<string, string | Buffer> = {
    'arrays within arguments': within(`{"a":${nested(10_000, '[', ']')}}`),
    'objects within arguments': within(`${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`),
    'bare arrays': nested(10_000, '[', ']'),
    'unclosed arrays': '['.repeat(100_000),
    'just too deep': within(`{"a":${nested(98, '[', ']')}}`),
    'a prototype key': within('{"__proto__":{"isAdmin":true}}'),
    'an escaped prototype key': within('{"\\u005f_proto__":{"isAdmin":true}}'),
    'a constructor’s prototype': within('{"constructor":{"prototype":{"isAdmin":true}}}'),
    'broken UTF-8': Buffer.from(within('{"a":"\u00ff"}'), 'latin1'),
    gzip: Buffer.from('1f8b0800000000000003abae050043bfa6a302000000', 'hex'),
    'raw NUL': within('{"a":"\u0000"}'),
    nothing: '',
  };
  for (const [what, payload] of Object.entries(bodies)) {
    for (const url of ['/rpc', '/mcp', '/servers/server-1/mcp', '/gateways', '/teams', '/tokens', '/auth/login']) {
      const headers = { 'content-type': 'application/json' };
      const answer = await gateway.send({ method: 'POST', url, headers, payload });
      expect(Math.floor(answer.statusCode / 100), `${what} on ${url}: ${answer.statusCode}`).toBe(4);
    }
  }
  expect(gateway.asked).toEqual([]);
  expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined();
});

test('what only looks dangerous passes byte for byte', async () => {
  await using gateway = start();
  const argument =
    '{"text":"__proto__ constructor prototype \\u0000 [[[[ {{{{","constructor":"x","deep":[[[[[[[[1]]]]]]]]}';
  const answer = await gateway.post(
    '/rpc',
    `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"fast-time-convert-time","arguments":${argument}}}`,
  );
  expect(answer.statusCode).toBe(200);
  expect(gateway.asked[0]?.paramsJson).toContain(argument);
  await using strict = start({ VALIDATION_MAX_JSON_DEPTH: '8' });
  expect(
    (await strict.post('/rpc', { ...call, params: { ...call.params, arguments: { a: [[[[[[1]]]]]] } } })).statusCode,
  ).toBe(400);
});

test('a request with too many headers is refused, unless nobody wants that', async () => {
  const headers = Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`x-${index}`, 'a']));
  await using gateway = start();
  const answer = await gateway.app.inject({ url: '/health', headers });
  expect([answer.statusCode, answer.json().code]).toEqual([431, 'GW_HEADERS_TOO_LARGE']);
  await using lenient = start({ MAX_HEADER_COUNT: '200' });
  expect((await lenient.app.inject({ url: '/health', headers })).statusCode).toBe(200);
  await using off = start({ HEADER_SIZE_VALIDATION_ENABLED: 'false' });
  expect((await off.app.inject({ url: '/health', headers })).statusCode).toBe(200);
});

test('logins are limited per address at all times, everything else per user when asked for', async () => {
  await using gateway = start({ RATE_LIMIT_CRITICAL_RPM: '2' });
  const login = () => gateway.app.inject({ method: 'POST', url: '/auth/login', payload: {} });
  expect([(await login()).statusCode, (await login()).statusCode]).toEqual([422, 422]);
  const refused = await login();
  expect([refused.statusCode, refused.json().code]).toEqual([429, 'GW_TOO_MANY_REQUESTS']);
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
  for (let times = 0; times < 5; times++) expect((await gateway.post('/rpc', call)).statusCode).toBe(200);

  await using limited = start({ RATE_LIMITING_ENABLED: 'true', RATE_LIMIT_MEDIUM_RPM: '3', RATE_LIMIT_HIGH_RPM: '1' });
  for (let times = 0; times < 3; times++) expect((await limited.post('/rpc', call)).statusCode).toBe(200);
  const over = await limited.post('/mcp', call);
  expect([over.statusCode, over.headers['retry-after']]).toEqual([429, expect.any(String)]);
  expect(over.json().error.data.code).toBe('GW_TOO_MANY_REQUESTS');
  expect((await limited.post('/rpc', call, {}, 'somebody-else')).statusCode).toBe(200);
  expect((await limited.send({ method: 'GET', url: '/rbac/my/permissions' })).statusCode).toBe(200);
  expect((await limited.send({ method: 'GET', url: '/rbac/my/permissions' })).statusCode).toBe(429);
});

test('robots and finders of holes are told what they look for, when there is something', async () => {
  await using gateway = start({
    WELL_KNOWN_SECURITY_TXT: 'Contact: mailto:security@example.com\\nPreferred-Languages: en',
    WELL_KNOWN_CACHE_MAX_AGE: '60',
  });
  const robots = await gateway.app.inject({ url: '/.well-known/robots.txt' });
  expect([robots.body, robots.headers['cache-control']]).toEqual([
    'User-agent: *\nDisallow: /\n',
    'public, max-age=60',
  ]);
  const security = await gateway.app.inject({ url: '/.well-known/security.txt' });
  expect(security.body).toMatch(/^Contact: .*\nPreferred-Languages: en\nExpires: \d{4}-/);
  await using bare = start({ WELL_KNOWN_ROBOTS_TXT: 'User-agent: *\\nAllow: /' });
  expect((await bare.app.inject({ url: '/robots.txt' })).body).toBe('User-agent: *\nAllow: /\n');
  expect((await bare.app.inject({ url: '/.well-known/security.txt' })).statusCode).toBe(404);
  await using off = start({ WELL_KNOWN_ENABLED: 'false' });
  expect((await off.app.inject({ url: '/robots.txt' })).statusCode).toBe(404);
});

test('paths and queries that nobody sends in good faith are refused where the setting says so', async () => {
  const bad = [
    `/tools/${'a/'.repeat(11)}`,
    '/tools/%00',
    '/tools?x=%0d%0aSet-Cookie:a',
    '/tools/..%2f..%2fetc',
    '/tools?x=%ff',
    `/tools?x=${'a'.repeat(30)}`,
  ];
  await using gateway = start({ VALIDATION_MIDDLEWARE_ENABLED: 'true', MAX_PARAM_LENGTH: '30', MAX_PATH_DEPTH: '10' });
  for (const url of bad) {
    const { statusCode } = await gateway.app.inject({ url });
    // Fastify itself refuses some of them with 400.
    expect([400, 422], `${url} ${statusCode}`).toContain(statusCode);
  }
  expect((await gateway.app.inject({ url: '/health?x=a+b' })).statusCode).toBe(200);
  await using off = start();
  expect((await off.app.inject({ url: '/tools?x=%0d%0aSet-Cookie:a' })).statusCode).toBe(401);
});

test('an unauthenticated gateway has no administrators unless a setting makes everybody one', async () => {
  await using open = start({ AUTH_REQUIRED: 'false' });
  expect((await open.app.inject({ method: 'POST', url: '/rpc', payload: call })).statusCode).toBe(200);
  expect((await open.app.inject({ url: '/rbac/roles' })).statusCode).toBe(403);
  expect((await open.app.inject({ url: '/auth/email/admin/users' })).statusCode).toBe(403);
  await using reckless = start({ AUTH_REQUIRED: 'false', ALLOW_UNAUTHENTICATED_ADMIN: 'true' });
  // Past the check, there is no database in this test.
  expect((await reckless.app.inject({ url: '/rbac/roles' })).statusCode).not.toBe(403);
});
