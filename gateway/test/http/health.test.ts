import { expect, test } from 'vitest';
import { GatewayError } from '../../src/errors.ts';
import { createTestApp } from '../test-app.ts';

const anonymous = { authorization: '' };

test('health, readiness and version need no token', async () => {
  await using gateway = createTestApp();
  const get = (url: string) => gateway.send({ method: 'GET', url, headers: anonymous });
  expect((await get('/health')).body).toBe('{"status":"healthy"}');
  expect((await get('/ready')).json()).toEqual({ status: 'ready' });
  expect((await get('/version')).json()).toMatchObject({ name: 'gatebench-gateway', protocolVersion: '2025-11-25' });
});

test('without its database the gateway is healthy but not ready, and says why, the details to its log alone', async () => {
  await using gateway = createTestApp({ isReady: false });
  expect((await gateway.send({ method: 'GET', url: '/health' })).statusCode).toBe(200);
  const answer = await gateway.send({ method: 'GET', url: '/ready', headers: anonymous });
  expect(answer.statusCode).toBe(503);
  expect(answer.json()).toEqual({
    status: 'not ready',
    code: 'GW_DATABASE_UNAVAILABLE',
    hint: expect.stringContaining('DATABASE_URL'),
  });
  expect(gateway.logged).toMatchObject([{ code: 'GW_DATABASE_UNAVAILABLE', detail: 'not there in this test' }]);
});

test('no route but health, readiness, version and their description is open to whoever brings no token, and metrics when their setting says so', async () => {
  for (const [setting, opened] of [
    ['true', []],
    ['false', ['/metrics']],
  ] as const) {
    await using gateway = createTestApp({ environment: { METRICS_AUTH_REQUIRED: setting } });
    const routes: { method: string; url: string }[] = [];
    gateway.app.addHook('onRoute', ({ method, url }) => {
      for (const one of [method].flat()) routes.push({ method: one, url });
    });
    await gateway.app.ready();
    const open: string[] = [];
    for (const { method, url } of routes) {
      const path = url.replaceAll(/:\w+/g, 'server-1');
      const { statusCode } = await gateway.app.inject({ method: method as 'GET', url: path });
      if (statusCode !== 401) open.push(`${method} ${url} ${statusCode}`);
    }
    const expected = ['/health', '/ready', '/version', ...opened].flatMap((url) => [
      `GET ${url} 200`,
      `HEAD ${url} 200`,
    ]);
    // What the product does is no secret, and a browser that reads it sends no token.
    expected.push('GET /openapi.json 200', 'HEAD /openapi.json 200');
    // The page; `*` itself is none of its files.
    expected.push('GET /docs 200', 'HEAD /docs 200', 'GET /docs/* 404', 'HEAD /docs/* 404');
    for (const url of ['/robots.txt', '/.well-known/robots.txt']) expected.push(`GET ${url} 200`, `HEAD ${url} 200`);
    // These ask for a password instead; nobody may register unless a setting says so.
    expected.push('POST /auth/login 422', 'POST /auth/email/login 422', 'POST /auth/email/register 403');
    expect(open.toSorted()).toEqual(expected.toSorted());
    expect(routes).toContainEqual({ method: 'POST', url: '/rpc' });
    expect(routes).toContainEqual({ method: 'DELETE', url: '/gateways/:id' });
  }
});

test('every failure that is answered is counted and logged once, the gateway’s own as an error', async () => {
  await using gateway = createTestApp({ environment: { USE_STATEFUL_SESSIONS: 'true' } });
  await gateway.send({ method: 'GET', url: '/gateways' });
  await gateway.send({ method: 'GET', url: '/gateways', headers: anonymous });
  await gateway.send({ method: 'GET', url: '/gateways', headers: { origin: 'https://evil.example' } });
  await gateway.send({ method: 'DELETE', url: '/mcp', headers: { 'mcp-session-id': 'none' } });
  await gateway.post('/servers', '{"name":');
  expect(gateway.logged.map(({ level, code, method }) => [level, code, method])).toEqual([
    [50, 'GW_DATABASE_UNAVAILABLE', 'GET /gateways'],
    [40, 'GW_UNAUTHORIZED', 'GET /gateways'],
    [40, 'GW_FORBIDDEN', 'GET /gateways'],
    [40, 'GW_SESSION_NOT_FOUND', 'DELETE /mcp'],
    [40, 'GW_INVALID_REQUEST', 'POST /servers'],
  ]);
  const { body } = await gateway.send({ method: 'GET', url: '/metrics' });
  for (const { code } of gateway.logged) expect(body.split('\n')).toContain(`gateway_errors_total{code="${code}"} 1`);
});

test('a failed call is logged as an error, a fault of the client’s message is only counted, a bug is logged whole', async () => {
  await using gateway = createTestApp({
    answer: async ({ method }) => {
      if (method === 'tools/call') throw new GatewayError('GW_UPSTREAM_TIMEOUT', { detail: 'http://a after 5 s' });
      throw new TypeError('a bug');
    },
  });
  const ask = (method: string, params: object) => gateway.post('/rpc', { jsonrpc: '2.0', id: 1, method, params });
  await ask('tools/call', { name: 'convert_time' });
  await ask('no/such', {});
  await ask('resources/read', { uri: 'time://x' });
  expect(gateway.logged).toMatchObject([
    { level: 50, code: 'GW_UPSTREAM_TIMEOUT', method: 'tools/call', detail: 'http://a after 5 s' },
    { level: 50, method: 'resources/read', err: { type: 'TypeError', stack: expect.stringContaining('a bug') } },
  ]);
});

test('an upstream adds no lines to the metrics, whatever numbers it sends', async () => {
  let code = -31_000;
  await using gateway = createTestApp({ answer: async () => ({ ok: false, error: { code: code--, message: 'no' } }) });
  for (let id = 0; id < 5; id++) {
    await gateway.post('/rpc', { jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'convert_time' } });
  }
  expect(Object.fromEntries(gateway.metrics.errors)).toEqual({ other: 5 });
});

test('metrics need a token unless the setting opens them', async () => {
  await using closed = createTestApp();
  await using open = createTestApp({ environment: { METRICS_AUTH_REQUIRED: 'false' } });
  const get = { method: 'GET', url: '/metrics', headers: anonymous } as const;
  expect((await closed.send(get)).statusCode).toBe(401);
  expect((await open.send(get)).statusCode).toBe(200);
});

test('metrics count requests by route and status, failures by code, and tell of the process', async () => {
  await using gateway = createTestApp();
  await gateway.post('/rpc', { jsonrpc: '2.0', id: 1, method: 'no/such' });
  await gateway.post('/servers/server-1/mcp', { jsonrpc: '2.0', id: 1, method: 'ping' });
  await gateway.send({ method: 'GET', url: '/nowhere/at/all' });
  await gateway.send({ method: 'POST', url: '/nowhere/at/all' });
  await gateway.post('/rpc', '{}', { authorization: '' });
  const { body } = await gateway.send({ method: 'GET', url: '/metrics' });
  for (const line of [
    'http_requests_total{method="POST",path="/rpc",status="200"} 1',
    'http_requests_total{method="POST",path="/rpc",status="401"} 1',
    'http_requests_total{method="POST",path="/servers/:id/mcp",status="200"} 1',
    'http_requests_total{method="GET",path="unknown",status="404"} 1',
    'http_requests_total{method="POST",path="unknown",status="404"} 1',
    'http_request_duration_seconds_bucket{method="POST",path="/rpc",status="200",le="+Inf"} 1',
    'http_request_duration_seconds_count{method="POST",path="/rpc",status="200"} 1',
    'http_requests_in_flight 1',
    'gateway_errors_total{code="-32601"} 1',
    'database_connections_active 1',
    'database_connections_idle 2',
    'cache_hits_total{cache="registry_tools"} 0',
    'cache_misses_total{cache="registry_tools"} 0',
    'cache_entries{cache="registry_tools"} 1',
    'mcp_sessions_active 0',
  ]) {
    expect(body.split('\n')).toContain(line);
  }
  for (const name of [
    'process_cpu_seconds_total',
    'process_resident_memory_bytes',
    'nodejs_eventloop_lag_p99_seconds',
  ]) {
    expect(body).toContain(`\n${name} `);
  }
});
