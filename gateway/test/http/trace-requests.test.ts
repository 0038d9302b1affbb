import { expect, test } from 'vitest';
import { GatewayError } from '../../src/errors.ts';
import { layers } from '../../src/telemetry/layer-timings.ts';
import { createTestApp, type TestApp } from '../test-app.ts';

const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'convert_time' } };
const asks = { 'x-server-timing': '1' };

function toMs(header: unknown): Record<string, number> {
  return Object.fromEntries(
    String(header)
      .split(', ')
      .map((part): [string, number] => {
        const [name = '', dur = ''] = part.split(';dur=');
        return [name, Number(dur)];
      }),
  );
}

async function figures(gateway: TestApp): Promise<string[]> {
  return (await gateway.send({ method: 'GET', url: '/metrics' })).body.split('\n');
}

test('a sane correlation id of the client is answered and goes to the log; anything else is replaced', async () => {
  await using gateway = createTestApp();
  const answered = async (id: string) =>
    (await gateway.send({ method: 'GET', url: '/gateways', headers: { 'x-correlation-id': id } })).headers[
      'x-correlation-id'
    ];
  expect(await answered('abc-123')).toBe('abc-123');
  expect(gateway.logged.at(-1)).toMatchObject({ correlationId: 'abc-123' });
  for (const bad of ['', 'a b', 'a"b', '<script>', 'x'.repeat(129), 'ä']) {
    expect(await answered(bad), bad).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/);
  }
});

test('the correlation id goes upstream, and into the log line of a call that failed', async () => {
  await using gateway = createTestApp({
    answer: async () => {
      throw new GatewayError('GW_UPSTREAM_TIMEOUT', { detail: 'late' });
    },
  });
  await gateway.post('/rpc', call, { 'x-correlation-id': 'call-7' });
  expect(gateway.asked).toMatchObject([{ upstreamHeaders: ['x-correlation-id', 'call-7'] }]);
  expect(gateway.logged).toMatchObject([{ code: 'GW_UPSTREAM_TIMEOUT', correlationId: 'call-7' }]);
});

test('with CORRELATION_ID_ENABLED off no id is answered or passed on', async () => {
  await using gateway = createTestApp({ environment: { CORRELATION_ID_ENABLED: 'false' } });
  const answer = await gateway.post('/rpc', call, { 'x-correlation-id': 'call-7' });
  expect(answer.headers).not.toHaveProperty('x-correlation-id');
  expect(gateway.asked).toMatchObject([{ upstreamHeaders: undefined }]);
});

test('an answer on an event stream has the correlation id too', async () => {
  await using gateway = createTestApp();
  const answer = await gateway.post('/mcp', call, { accept: 'text/event-stream', 'x-correlation-id': 'stream-1' });
  expect(answer.headers).toMatchObject({ 'content-type': 'text/event-stream', 'x-correlation-id': 'stream-1' });
});

test('Server-Timing names every layer to who asks for it and may, and to nobody else', async () => {
  await using gateway = createTestApp({ environment: { LAYER_TIMINGS_ENABLED: 'true' } });
  const told = await gateway.post('/rpc', call, asks);
  expect(Object.keys(toMs(told.headers['server-timing']))).toEqual([...layers]);
  expect((await gateway.post('/rpc', call)).headers).not.toHaveProperty('server-timing');
  const refused = await gateway.post('/rpc', call, { ...asks, authorization: 'Bearer none' });
  expect(refused.statusCode).toBe(401);
  expect(refused.headers).not.toHaveProperty('server-timing');
});

test('without LAYER_TIMINGS_ENABLED nobody is told, and no layer is counted', async () => {
  await using gateway = createTestApp();
  expect((await gateway.post('/rpc', call, asks)).headers).not.toHaveProperty('server-timing');
  expect((await figures(gateway)).filter((line) => line.startsWith('gateway_layer_duration_seconds_'))).toEqual([]);
});

test('the time of an upstream is in its layer and in the histogram, not in route', async () => {
  await using gateway = createTestApp({
    environment: { LAYER_TIMINGS_ENABLED: 'true' },
    answer: async () => {
      await new Promise((resolve) => setTimeout(resolve, 60));
      return { ok: true, resultJson: '{}' };
    },
  });
  const {
    upstream = 0,
    route = 0,
    total = 0,
  } = toMs((await gateway.post('/mcp', call, asks)).headers['server-timing']);
  expect(upstream).toBeGreaterThanOrEqual(59);
  // Counted twice, it would be more than there was (the figures are rounded).
  expect(upstream + route).toBeLessThanOrEqual(total + 0.01);
  const lines = await figures(gateway);
  expect(lines).toContain('gateway_layer_duration_seconds_bucket{layer="upstream",le="0.05"} 0');
  for (const layer of ['auth', 'route', 'upstream', 'serialize', 'total']) {
    expect(lines).toContain(`gateway_layer_duration_seconds_count{layer="${layer}"} 1`);
  }
  expect(lines).not.toContain('gateway_layer_duration_seconds_count{layer="query"} 1');
});

test('who reads the figures is not in them', async () => {
  await using gateway = createTestApp({ environment: { LAYER_TIMINGS_ENABLED: 'true' } });
  await gateway.post('/rpc', call);
  await figures(gateway);
  expect(await figures(gateway)).toContain('gateway_layer_duration_seconds_count{layer="total"} 1');
});

test('ENABLE_METRICS off: no /metrics, nothing counted; on: both', async () => {
  await using off = createTestApp({ environment: { ENABLE_METRICS: 'false' } });
  await using on = createTestApp({ environment: { ENABLE_METRICS: 'true' } });
  for (const gateway of [off, on]) await gateway.post('/rpc', call);
  expect((await off.send({ method: 'GET', url: '/metrics' })).statusCode).toBe(404);
  expect(off.metrics.http.size).toBe(0);
  expect(on.metrics.http.size).toBe(1);
});
