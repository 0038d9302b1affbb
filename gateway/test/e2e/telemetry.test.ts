// A gateway as users run it, a collector and an upstream of ours: what traces say, what layers take, what the log keeps.
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithSqlite } from '../databases.ts';
import { type GatewayProcess, startGateway } from './gateway-process.ts';

interface Seen {
  path: string;
  headers: IncomingHttpHeaders;
  text: string;
}

/** Keeps what it is sent and answers what `answer` says. */
async function startServer(answer: (seen: Seen) => string) {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const one = { path: request.url ?? '', headers: request.headers, text: Buffer.concat(chunks).toString() };
      seen.push(one);
      const body = request.method === 'POST' ? answer(one) : '';
      response.writeHead(body === '' ? 202 : 200, { 'content-type': 'application/json' }).end(body);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    seen,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const results: Record<string, object> = {
  initialize: {
    protocolVersion: '2025-06-18',
    capabilities: { tools: {} },
    serverInfo: { name: 'stub', version: '1' },
  },
  'tools/list': { tools: [{ name: 'echo', inputSchema: { type: 'object' } }] },
  'tools/call': { content: [] },
};

function answerMcp({ text }: Seen): string {
  const { id, method } = JSON.parse(text) as { id?: number; method: string };
  return id === undefined ? '' : JSON.stringify({ jsonrpc: '2.0', id, result: results[method] ?? {} });
}

interface Span {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  attributes: { key: string; value: Record<string, unknown> }[];
}

/** What arrived at the collector, decoded. */
function spansOf(seen: Seen[]): (Span & { service: unknown })[] {
  return seen.flatMap(({ text }) => {
    const { resourceSpans } = JSON.parse(text) as {
      resourceSpans: {
        resource: { attributes: { key: string; value: { stringValue?: string } }[] };
        scopeSpans: { spans: Span[] }[];
      }[];
    };
    return resourceSpans.flatMap(({ resource, scopeSpans }) => {
      const service = resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue;
      return scopeSpans.flatMap(({ spans }) => spans.map((span) => ({ ...span, service })));
    });
  });
}

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;

describeWithSqlite('telemetry of a running gateway', () => {
  let folder = '';
  let upstream: Awaited<ReturnType<typeof startServer>>;
  let databases = 0;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gatebench-telemetry-'));
    upstream = await startServer(answerMcp);
  });
  afterAll(async () => {
    await upstream?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  async function start(environment: Record<string, string>): Promise<GatewayProcess> {
    const DATABASE_URL = `sqlite:///${join(folder, `${++databases}.db`)}`;
    const gateway = await startGateway({
      WORKERS: '1',
      SSRF_ALLOW_LOCALHOST: 'true',
      DATABASE_URL,
      MCPGATEWAY_ADMIN_API_ENABLED: 'true',
      ...environment,
    });
    const { status, body } = await gateway.rest('POST', '/gateways', { name: 'stub', url: `${upstream.url}/mcp` });
    expect(status, JSON.stringify(body)).toBe(201);
    return gateway;
  }

  async function call(gateway: GatewayProcess, headers: Record<string, string> = {}, method = 'tools/call') {
    const answer = await fetch(`${gateway.url}/mcp`, {
      method: 'POST',
      headers: {
        ...gateway.headers,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...headers,
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { name: 'stub-echo', arguments: {} } }),
    });
    expect(await answer.json()).toHaveProperty('result');
    return answer;
  }

  it('a request is a trace of the client’s: auth, upstream and database below it, its context passed on, all sent before the end', async () => {
    await using collector = await startServer(() => '{}');
    const gateway = await start({
      OTEL_ENABLE_OBSERVABILITY: 'true',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-api-key=sesame',
      OTEL_SERVICE_NAME: 'gateway-under-test',
    });
    upstream.seen.length = 0;
    await call(gateway, { traceparent, tracestate: 'vendor=1' });
    await gateway.rest('GET', '/tools');
    expect(await gateway.stop()).toBe(0);

    expect(collector.seen.map(({ path, headers }) => [path, headers['x-api-key']])[0]).toEqual([
      '/v1/traces',
      'sesame',
    ]);
    const spans = spansOf(collector.seen);
    const own = spans.filter((span) => span.traceId === traceId);
    const request = own.find(({ name }) => name === 'POST /mcp');
    expect(request).toMatchObject({ parentSpanId: '00f067aa0ba902b7', service: 'gateway-under-test' });
    const below = own.filter(({ parentSpanId }) => parentSpanId === request?.spanId).map(({ name }) => name);
    expect(below).toEqual(expect.arrayContaining(['auth', 'upstream tools/call']));
    const asked = upstream.seen.find(({ text }) => text.includes('"tools/call"'));
    const upstreamSpan = own.find(({ name }) => name === 'upstream tools/call');
    expect(asked?.headers).toMatchObject({
      traceparent: `00-${traceId}-${upstreamSpan?.spanId}-01`,
      tracestate: 'vendor=1',
    });
    expect(asked?.text).toContain(`"traceparent":"00-${traceId}-${upstreamSpan?.spanId}-01","tracestate":"vendor=1"`);
    const list = spans.find(({ name }) => name === 'GET /tools');
    const database = spans.find(({ name, parentSpanId }) => name === 'database' && parentSpanId === list?.spanId);
    expect(database?.attributes).toContainEqual({
      key: 'db.query.text',
      value: { stringValue: expect.stringContaining('select') },
    });
    expect(JSON.stringify(spans)).not.toContain(gateway.headers['authorization']);
  });

  it('sends nothing when it is off, when the exporter is none, or when no request is sampled', async () => {
    for (const environment of [
      { OBSERVABILITY_ENABLED: 'false' },
      { OBSERVABILITY_ENABLED: 'true', OTEL_TRACES_EXPORTER: 'none' },
      { OBSERVABILITY_ENABLED: 'true', OBSERVABILITY_SAMPLE_RATE: '0' },
    ]) {
      await using collector = await startServer(() => '{}');
      const gateway = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...environment });
      await call(gateway);
      await gateway.stop();
      expect(collector.seen, JSON.stringify(environment)).toEqual([]);
    }
  });

  it('a collector that is away costs neither a request nor the stop', async () => {
    const gateway = await start({ OBSERVABILITY_ENABLED: 'true', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' });
    await call(gateway);
    expect(await gateway.stop()).toBe(0);
  });

  it('the layers of a request cover 95 % of its time in 99 % of requests', async () => {
    await using gateway = await start({ LAYER_TIMINGS_ENABLED: 'true', REGISTRY_CACHE_ENABLED: 'false' });
    const timed = { 'x-server-timing': '1' };
    const requests = {
      'tools/call': () => call(gateway, timed),
      'tools/list': () => call(gateway, timed, 'tools/list'),
      'REST list': () => fetch(`${gateway.url}/tools`, { headers: { ...gateway.headers, ...timed } }),
    };
    for (const [name, request] of Object.entries(requests)) {
      const shares: number[] = [];
      for (let at = 0; at < 200; at++) {
        const answer = await request();
        if (!answer.bodyUsed) await answer.text();
        const layers = (answer.headers.get('server-timing') ?? '').split(', ').map((part) => part.split(';dur='));
        const ms = Object.fromEntries(layers.map(([layer = '', dur]) => [layer, Number(dur)]));
        const { total = Number.NaN, ...parts } = ms;
        shares.push(Object.values(parts).reduce((sum, part) => sum + part, 0) / total);
      }
      const covered = shares.filter((share) => share >= 0.95 && share <= 1.05).length;
      expect(covered, `${name}: ${shares.toSorted((one, other) => one - other).slice(0, 5)}`).toBeGreaterThanOrEqual(
        198,
      );
    }
  });

  it('keeps the log in the database when that is on, for administrators, without secrets', async () => {
    await using gateway = await start({ STRUCTURED_LOGGING_DATABASE_ENABLED: 'true', DISABLE_ACCESS_LOG: 'false' });
    await call(gateway, { 'x-correlation-id': 'logged-1' });
    await expect
      .poll(async () => (await gateway.rest('GET', '/admin/logs?correlation_id=logged-1')).body, { timeout: 5000 })
      .toMatchObject([{ level: 'info', message: 'request', detail: { path: '/mcp', status: 200 } }]);
    await using off = await start({});
    expect((await off.rest('GET', '/admin/logs')).status).toBe(404);
  });

  it('loses no record of an execution at a stop', async () => {
    const DATABASE_URL = `sqlite:///${join(folder, 'kept.db')}`;
    const first = await start({ DATABASE_URL });
    for (let at = 0; at < 7; at++) await call(first);
    expect(await first.stop()).toBe(0);
    await using second = await startGateway({ WORKERS: '1', DATABASE_URL, MCPGATEWAY_ADMIN_API_ENABLED: 'true' });
    expect((await second.rest('GET', '/admin/metrics')).body).toMatchObject({ tools: { totalExecutions: 7 } });
  });
});
