import { expect, test } from 'vitest';
import { createTestApp, token } from '../../test-app.ts';
import { startAdminApp } from './admin-app.ts';

const paths = [
  '/admin',
  ...['tools', 'resources', 'templates', 'prompts', 'servers', 'gateways'].map((kind) => `/admin/registry/${kind}`),
  '/admin/pool',
  '/admin/caches',
  '/admin/live',
  '/admin/log',
  '/admin/memory',
];

test('nothing is below /admin unless it is switched on', async () => {
  await using gateway = createTestApp();
  for (const url of [...paths, '/admin/login', '/admin/stats', '/admin/memory-snapshot', '/admin/mcp-pool/metrics']) {
    expect((await gateway.send({ url })).statusCode, url).toBe(404);
  }
});

test('MCPGATEWAY_ADMIN_API_ENABLED brings the JSON routes and no pages, MCPGATEWAY_UI_ENABLED the pages', async () => {
  await using api = createTestApp({ environment: { MCPGATEWAY_ADMIN_API_ENABLED: 'true' } });
  for (const url of ['/admin/mcp-pool/metrics', '/admin/stats', '/admin/memory-snapshot']) {
    expect((await api.send({ url })).statusCode, url).toBe(200);
    expect((await api.send({ url }, 'somebody')).statusCode, url).toBe(403);
    expect((await api.app.inject({ url, headers: { cookie: `jwt_token=${token('admin')}` } })).statusCode, url).toBe(
      401,
    );
  }
  expect((await api.send({ url: '/admin' })).statusCode).toBe(404);
  await using ui = await startAdminApp();
  expect((await ui.send({ url: '/admin/mcp-pool/metrics' })).statusCode).toBe(404);
  expect((await ui.send({ url: '/admin/stats' })).statusCode).toBe(200);
});

test('each page is for administrators, with a cookie or a token, and may be kept for five seconds by their browser', async () => {
  await using gateway = await startAdminApp();
  for (const url of paths) {
    const { status, html, headers } = await gateway.page(url);
    expect(status, html).toBe(200);
    expect(headers['cache-control'], url).toBe('private, max-age=5');
    expect(headers['vary'], url).toMatch(/Authorization, Cookie/);
    expect(headers['content-security-policy']).toMatch(/script-src 'self';/);
    expect(html, 'no script within the page').not.toMatch(/<script(?![^>]* src=")|\son\w+=|style="/);
    expect((await gateway.send({ url })).statusCode, url).toBe(200);
    expect((await gateway.send({ url }, 'somebody')).statusCode, url).toBe(403);
    expect((await gateway.app.inject({ url })).statusCode, url).toBe(401);
    const asked = await gateway.app.inject({ url, headers: { accept: 'text/html' } });
    expect([asked.statusCode, asked.headers.location]).toEqual([303, '/admin/login']);
  }
});

test('the cookie opens /admin and nothing else', async () => {
  await using gateway = await startAdminApp();
  const headers = { cookie: `jwt_token=${token('admin')}` };
  expect((await gateway.app.inject({ url: '/admin', headers })).statusCode).toBe(200);
  for (const url of ['/tools', '/auth/email/me', '/administrator']) {
    expect((await gateway.app.inject({ url, headers })).statusCode, url).not.toBe(200);
  }
});

test('logging in with a token sets a cookie that scripts and other sites cannot use; logging out takes it away', async () => {
  await using gateway = await startAdminApp();
  const mine = token('admin');
  const answer = await gateway.submit('/admin/login', { token: mine }, { cookie: '' });
  expect([answer.statusCode, answer.headers.location]).toEqual([303, '/admin']);
  expect(answer.headers['set-cookie']).toBe(`jwt_token=${mine}; Path=/admin; HttpOnly; SameSite=Strict`);
  const tls = await gateway.submit('/admin/login', { token: token('admin') }, { 'x-forwarded-proto': 'https' });
  expect(tls.headers['set-cookie']).toMatch(/; Secure/);
  const out = await gateway.submit('/admin/logout', {});
  expect(out.headers['set-cookie']).toMatch(/^jwt_token=; Max-Age=0; Path=\/admin;/);
});

test('a login that is refused says why, sets no cookie and is told to whoever watches', async () => {
  await using gateway = await startAdminApp();
  for (const [form, status] of [
    [{ token: token('somebody') }, 403],
    [{ token: 'nonsense' }, 401],
  ] as const) {
    const answer = await gateway.submit('/admin/login', form, { cookie: '' });
    expect(answer.statusCode).toBe(status);
    expect(answer.headers['set-cookie']).toBeUndefined();
    expect(answer.body).toMatch(/role="alert">(somebody is no administrator|[^<]*token)/);
  }
});

test('a form of another site changes nothing, with any of what browsers send', async () => {
  await using gateway = await startAdminApp();
  const url = '/admin/caches/list_tools/drop';
  expect((await gateway.submit(url, {})).statusCode).toBe(303);
  for (const headers of [
    { origin: 'http://127.0.0.1:5555' },
    { origin: 'null' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'cross-site', origin: 'http://127.0.0.1:4444' },
    { origin: '' },
  ]) {
    const answer = await gateway.submit(url, {}, headers as Record<string, string>);
    expect(answer.statusCode, JSON.stringify(headers)).toBe(403);
    expect(
      (await gateway.submit('/admin/login', { token: token('admin') }, headers as Record<string, string>)).statusCode,
    ).toBe(403);
  }
  // A program sends its token itself, and no origin.
  expect((await gateway.send({ method: 'POST', url })).statusCode).toBe(303);
});

test('names from outside are shown as text', async () => {
  await using gateway = await startAdminApp();
  const hostile = '<script>alert(1)</script>';
  const created = await gateway.post('/servers', { name: hostile, description: `"><img src=x onerror=alert(1)>` });
  expect(created.statusCode).toBe(201);
  const { html } = await gateway.page('/admin/registry/servers');
  expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
  expect(html).not.toMatch(/<script>|<img/);
  const told = await gateway.page(`/admin/caches?told=${encodeURIComponent(hostile)}`);
  expect(told.html).toContain('&lt;script&gt;');
  const failed = await gateway.page(`/admin/registry/${encodeURIComponent(hostile)}`);
  expect([failed.status, failed.html.includes('<script>')]).toEqual([404, false]);
});

test('entries are listed in pages, filtered, switched and deleted', async () => {
  await using gateway = await startAdminApp();
  for (let at = 0; at < 30; at++) {
    await gateway.post('/servers', { name: `server-${String(at).padStart(2, '0')}`, tags: at < 2 ? ['first'] : [] });
  }
  const first = await gateway.page('/admin/registry/servers');
  expect(first.html).toContain('server-24');
  expect(first.html).not.toContain('server-25');
  const next =
    /href="([^"]+)" rel="next"/.exec(first.html)?.[1]?.replaceAll('&amp;', '&').replaceAll('&#x3D;', '=') ?? '';
  expect((await gateway.page(next)).html).toContain('server-29');
  const tagged = await gateway.page('/admin/registry/servers?tags=first');
  expect(tagged.html.match(/server-\d\d(?=<)/g)).toEqual(['server-00', 'server-01']);

  const path = /action="(\/admin\/registry\/servers\/[^"]+\/)disable"/.exec(first.html)?.[1] ?? '';
  const back = '/admin/registry/servers?tags=first';
  const disabled = await gateway.submit(`${path}disable`, { name: 'server-00', back });
  expect(disabled.headers.location).toMatch(
    /^\/admin\/registry\/servers\?tags=first&told=server-00\+was\+disabled&at=/,
  );
  expect((await gateway.page('/admin/registry/servers?tags=first')).html).toContain('>disabled<');
  expect((await gateway.page('/admin/registry/servers?state=enabled')).html).not.toContain('server-00');
  const elsewhere = await gateway.submit(`${path}enable`, { back: 'https://example.com/admin/registry/servers?' });
  expect(elsewhere.headers.location).toMatch(/^\/admin\/registry\/servers\?told/);
  expect((await gateway.submit(`${path}delete`, {})).statusCode).toBe(303);
  expect((await gateway.submit(`${path}delete`, {})).statusCode).toBe(404);
  expect((await gateway.submit(`${path}explode`, {})).statusCode).toBe(404);
});

test('the counts are kept for ADMIN_STATS_CACHE_SYSTEM_TTL unless ADMIN_STATS_CACHE_ENABLED is off, and follow a change at once', async () => {
  const reads = async (environment: Record<string, string>) => {
    await using gateway = await startAdminApp({ environment });
    for (let at = 0; at < 3; at++) await gateway.page('/admin');
    const cache = (await gateway.send({ url: '/admin/stats' })).json().caches;
    await gateway.post('/servers', { name: 'one' });
    const { html } = await gateway.page('/admin');
    expect(html).toMatch(/Virtual servers<\/span> <span class="figure">1</);
    return cache.find(({ name }: { name: string }) => name === 'admin_system');
  };
  expect(await reads({})).toMatchObject({ hits: 2, misses: 1 });
  expect(await reads({ ADMIN_STATS_CACHE_SYSTEM_TTL: '0' })).toMatchObject({ hits: 0, misses: 3 });
  expect(await reads({ ADMIN_STATS_CACHE_ENABLED: 'false' })).toMatchObject({ hits: 0, misses: 0 });
});

test('the figures of executions are kept for ADMIN_STATS_CACHE_OBSERVABILITY_TTL', async () => {
  for (const [ttl, hits] of [
    ['30', 2],
    ['0', 0],
  ] as const) {
    await using gateway = await startAdminApp({ environment: { ADMIN_STATS_CACHE_OBSERVABILITY_TTL: ttl } });
    for (let at = 0; at < 3; at++) expect((await gateway.page('/admin')).html).toContain('Executions');
    const { caches } = (await gateway.send({ url: '/admin/stats' })).json();
    expect(caches.find(({ name }: { name: string }) => name === 'admin_observability')).toMatchObject({ hits });
  }
});

test('/admin/stats has counts since the start, without the pages’ own requests', async () => {
  await using gateway = await startAdminApp();
  for (let at = 0; at < 3; at++) await gateway.post('/rpc', { jsonrpc: '2.0', id: 1, method: 'ping' });
  await gateway.page('/admin');
  const stats = (await gateway.send({ url: '/admin/stats' })).json();
  expect(stats.http).toMatchObject({ count: 3, failed: 0 });
  expect(stats.http.buckets.reduce((sum: number, count: number) => sum + count, 0)).toBe(3);
  expect(stats).toMatchObject({ pid: process.pid, eventLoop: { p99Ms: expect.any(Number) } });
  await using uncounted = await startAdminApp({ environment: { ENABLE_METRICS: 'false' } });
  expect((await uncounted.send({ url: '/admin/stats' })).json()).not.toHaveProperty('http');
  expect((await uncounted.page('/admin/live')).html).toContain('ENABLE_METRICS is off');
});

test('style and scripts come with their hash and are kept for ever; nothing comes from elsewhere', async () => {
  await using gateway = await startAdminApp();
  const { html } = await gateway.page('/admin/live');
  const urls = [...html.matchAll(/(?:src|href)="(\/admin\/assets\/[^"]+)"/g)].map(([, url]) => url ?? '');
  expect(urls).toHaveLength(3);
  for (const url of urls) {
    const answer = await gateway.app.inject({ url });
    expect([answer.statusCode, answer.headers['cache-control']]).toEqual([200, 'public, max-age=31536000, immutable']);
  }
  expect(html).not.toMatch(/(src|href|action)="(https?:)?\/\//);
});

test('a heap snapshot is made for a POST only, and is one', async () => {
  await using gateway = await startAdminApp();
  expect((await gateway.send({ url: '/admin/memory-snapshot' })).json()).toMatchObject({
    pid: process.pid,
    heap: { used_heap_size: expect.any(Number) },
    handles: expect.any(Object),
  });
  const refused = await gateway.submit('/admin/memory-snapshot', {}, { origin: 'http://127.0.0.1:1' });
  expect(refused.statusCode).toBe(403);
});

test('a page that asks often is no one who asks too much', async () => {
  await using gateway = await startAdminApp({
    environment: { RATE_LIMITING_ENABLED: 'true', RATE_LIMIT_HIGH_RPM: '2' },
  });
  for (let at = 0; at < 5; at++) expect((await gateway.send({ url: '/admin/stats' })).statusCode).toBe(200);
  for (const status of [200, 200, 429]) expect((await gateway.send({ url: '/admin/caches' })).statusCode).toBe(status);
});
