import { expect, test } from 'vitest';
import { createTestApp } from '../test-app.ts';

const anonymous = { authorization: '' };

test('health, readiness and version need no token', async () => {
  await using gateway = createTestApp();
  const get = (url: string) => gateway.send({ method: 'GET', url, headers: anonymous });
  expect((await get('/health')).body).toBe('{"status":"healthy"}');
  expect((await get('/ready')).json()).toEqual({ status: 'ready' });
  expect((await get('/version')).json()).toMatchObject({ name: 'gatebench-gateway', protocolVersion: '2025-11-25' });
});

test('without its database the gateway is healthy but not ready, and says why', async () => {
  await using gateway = createTestApp({ isReady: false });
  expect((await gateway.send({ method: 'GET', url: '/health' })).statusCode).toBe(200);
  const answer = await gateway.send({ method: 'GET', url: '/ready', headers: anonymous });
  expect(answer.statusCode).toBe(503);
  expect(answer.json()).toMatchObject({ code: 'GW_DATABASE_UNAVAILABLE' });
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
  await gateway.post('/rpc', '{}', { authorization: '' });
  const { body } = await gateway.send({ method: 'GET', url: '/metrics' });
  for (const line of [
    'http_requests_total{method="POST",path="/rpc",status="200"} 1',
    'http_requests_total{method="POST",path="/rpc",status="401"} 1',
    'http_requests_total{method="POST",path="/servers/:id/mcp",status="200"} 1',
    'http_requests_total{method="GET",path="unknown",status="404"} 1',
    'http_request_duration_seconds_bucket{method="POST",path="/rpc",status="200",le="+Inf"} 1',
    'http_request_duration_seconds_count{method="POST",path="/rpc",status="200"} 1',
    'http_requests_in_flight 1',
    'gateway_errors_total{code="-32601"} 1',
    'database_connections_active 1',
    'database_connections_idle 2',
    'cache_hits_total 0',
    'cache_misses_total 0',
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
