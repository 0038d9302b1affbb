import { expect, test } from 'vitest';
import { createTestApp } from '../test-app.ts';

test('the metrics of the session pool have the source’s names, and are for those who are known', async () => {
  await using app = createTestApp({ environment: { MCPGATEWAY_ADMIN_API_ENABLED: 'true' } });
  const answer = await app.send({ method: 'GET', url: '/admin/mcp-pool/metrics' });
  expect(answer.json()).toMatchObject({
    total_sessions_created: 0,
    total_sessions_reused: 0,
    pool_hits: 0,
    pool_misses: 0,
    active_sessions: 0,
    circuit_breaker_states: {},
  });
  expect((await app.app.inject({ method: 'GET', url: '/admin/mcp-pool/metrics' })).statusCode).toBe(401);
});

test('Prometheus has them too', async () => {
  await using app = createTestApp({ environment: { METRICS_AUTH_REQUIRED: 'false' } });
  const { body } = await app.send({ method: 'GET', url: '/metrics' });
  for (const name of [
    'mcp_pool_sessions_created_total',
    'mcp_pool_sessions_reused_total',
    'mcp_pool_hits_total',
    'mcp_pool_misses_total',
    'mcp_pool_active_sessions',
    'mcp_pool_circuit_breaker_state',
  ]) {
    expect(body).toContain(`# TYPE ${name} `);
  }
});
