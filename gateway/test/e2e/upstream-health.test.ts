// The built gateway and upstreams that go away and come back.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createToken } from '../../src/auth/token.ts';
import { startRawUpstream } from '../federation/raw-upstream.ts';
import { startSseUpstream } from '../federation/sse-upstream.ts';
import { describeWithPostgres, startPostgres, type TestPostgres } from '../postgres.ts';
import { type GatewayProcess, secret, startGateway } from './gateway-process.ts';

interface GatewayRow {
  id: string;
  reachable: boolean;
  transport: string;
}

const pings: number[] = [];
const startUpstream = (port?: number) =>
  startRawUpstream(
    ({ id, method }, response, { headers }) => {
      if (method === 'ping') pings.push(Date.now());
      const lists: Record<string, object> = {
        'tools/list': { tools: [{ name: 'work', inputSchema: { type: 'object' } }] },
        'prompts/list': { prompts: [] },
      };
      const seen = { content: [{ type: 'text', text: String(headers['x-tenant-id'] ?? 'none') }] };
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ jsonrpc: '2.0', id, result: lists[method] ?? seen }));
    },
    port === undefined ? {} : { port },
  );

describeWithPostgres('a gateway that looks after its upstreams', () => {
  let postgres: TestPostgres;
  let gateway: GatewayProcess;
  let databaseUrl: string;

  beforeAll(async () => {
    postgres = await startPostgres();
    databaseUrl = await postgres.createDatabase('upstream_health');
    gateway = await startGateway({
      MCPGATEWAY_ADMIN_API_ENABLED: 'true',
      DATABASE_URL: databaseUrl,
      HEALTH_CHECK_INTERVAL: '0.2',
      HEALTH_CHECK_TIMEOUT: '0.3',
      GATEWAY_HEALTH_CHECK_TIMEOUT: '0.3',
      UNHEALTHY_THRESHOLD: '2',
      MCP_SESSION_POOL_EXPLICIT_HEALTH_RPC: 'true',
      MCP_SESSION_POOL_CIRCUIT_BREAKER_THRESHOLD: '1000',
      ENABLE_HEADER_PASSTHROUGH: 'true',
      DEFAULT_PASSTHROUGH_HEADERS: 'X-Other',
    });
  });

  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
    await postgres?.[Symbol.asyncDispose]();
  });

  const register = async (body: object): Promise<GatewayRow> => {
    const answer = await gateway.rest('POST', '/gateways', body);
    expect(answer.status).toBe(201);
    return answer.body as GatewayRow;
  };
  const isReachable = async ({ id }: GatewayRow) =>
    ((await gateway.rest('GET', `/gateways/${id}`)).body as GatewayRow).reachable;
  const rpc = async (method: string, params: object = {}, headers: Record<string, string> = {}) => {
    const answer = await fetch(`${gateway.url}/rpc`, {
      method: 'POST',
      headers: { ...gateway.headers, 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    });
    return (await answer.json()) as { result?: { tools?: { name: string }[]; content?: { text: string }[] } };
  };
  const listed = async () => (await rpc('tools/list')).result?.tools?.map(({ name }) => name) ?? [];

  test('an upstream that fails its checks leaves the lists, and is back within five seconds of its return', async () => {
    const first = await startUpstream();
    await using neighbour = await startUpstream();
    const flaky = await register({ name: 'flaky', url: first.url });
    const steady = await register({ name: 'steady', url: neighbour.url });
    expect(flaky.reachable).toBe(true);
    expect(await listed()).toEqual(['flaky-work', 'steady-work']);
    await expect.poll(() => pings.length, { timeout: 5_000 }).toBeGreaterThan(0);
    await first[Symbol.asyncDispose]();
    await expect.poll(() => isReachable(flaky), { timeout: 5_000 }).toBe(false);
    await expect.poll(listed).toEqual(['steady-work']);
    expect(await isReachable(steady)).toBe(true);
    await using again = await startUpstream(Number(new URL(first.url).port));
    await expect.poll(() => isReachable(flaky), { timeout: 5_000 }).toBe(true);
    await expect.poll(listed).toEqual(['flaky-work', 'steady-work']);
    expect((await rpc('tools/call', { name: 'flaky-work', arguments: {} })).result).toHaveProperty('content');
    expect(again.count('tools/list')).toBeGreaterThan(0);
    for (const { id } of [flaky, steady]) await gateway.rest('DELETE', `/gateways/${id}`);
  });

  test('an upstream over SSE is registered, listed and called', async () => {
    await using sse = await startSseUpstream();
    const row = await register({ name: 'old', url: sse.url, transport: 'SSE' });
    expect(row.transport).toBe('SSE');
    const answer = await rpc('tools/call', { name: 'old-work', arguments: { a: 1 } });
    expect(answer.result?.content?.[0]?.text).toBe('{"a":1}');
    await gateway.rest('DELETE', `/gateways/${row.id}`);
  });

  test('a gateway names the headers that go on to it', async () => {
    await using raw = await startUpstream();
    const row = await register({ name: 'named', url: raw.url, passthroughHeaders: ['X-Tenant-Id'] });
    expect(row).toMatchObject({ passthroughHeaders: ['X-Tenant-Id'] });
    const call = () => rpc('tools/call', { name: 'named-work', arguments: {} }, { 'x-tenant-id': 'one' });
    expect((await call()).result?.content?.[0]?.text).toBe('one');
    await gateway.rest('PUT', `/gateways/${row.id}`, { passthroughHeaders: [] });
    await expect.poll(async () => (await call()).result?.content?.[0]?.text).toBe('none');
    const metrics = (await gateway.rest('GET', '/admin/mcp-pool/metrics')).body;
    expect(metrics).toMatchObject({ active_sessions: expect.any(Number), circuit_breaker_states: expect.any(Object) });
  });

  test('headers for all upstreams are set while the gateway runs, stay over a restart, and reach another instance after GLOBAL_CONFIG_CACHE_TTL', async () => {
    await using raw = await startUpstream();
    const row = await register({ name: 'global', url: raw.url });
    const path = '/admin/config/passthrough-headers';
    const seenBy = async (url: string) => {
      const answer = await fetch(`${url}/rpc`, {
        method: 'POST',
        headers: { ...gateway.headers, 'content-type': 'application/json', 'x-tenant-id': 'one' },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'global-work' } }),
      });
      return ((await answer.json()) as { result: { content: { text: string }[] } }).result.content[0]?.text;
    };
    const other = (settings: Record<string, string>) =>
      // Alone with its memory: nobody tells it of the change.
      startGateway({
        DATABASE_URL: databaseUrl,
        CACHE_TYPE: 'memory',
        ENABLE_HEADER_PASSTHROUGH: 'true',
        DEFAULT_PASSTHROUGH_HEADERS: 'X-Other',
        ...settings,
      });
    await using quick = await other({ GLOBAL_CONFIG_CACHE_TTL: '0.1' });
    await using slow = await other({ GLOBAL_CONFIG_CACHE_TTL: '600' });
    const instances = [gateway, quick, slow];
    expect(await Promise.all(instances.map(({ url }) => seenBy(url)))).toEqual(['none', 'none', 'none']);
    expect((await gateway.rest('GET', path)).body).toEqual({
      passthrough_headers: ['X-Other'],
      source: 'DEFAULT_PASSTHROUGH_HEADERS',
      enabled: true,
    });

    const set = await gateway.rest('PUT', path, { passthrough_headers: ['X-Tenant-Id'] });
    expect(set.body).toMatchObject({ passthrough_headers: ['X-Tenant-Id'], source: 'database' });
    expect(await seenBy(gateway.url)).toBe('one');
    await expect.poll(() => seenBy(quick.url), { timeout: 5000 }).toBe('one');
    expect(await seenBy(slow.url)).toBe('none');
    await using restarted = await other({});
    expect(await seenBy(restarted.url)).toBe('one');

    expect((await gateway.rest('PUT', path, { passthrough_headers: ['no header'] })).status).toBe(422);
    const somebody = createToken({ secret, subject: 'somebody', expiresInMinutes: 5 });
    const refused = await fetch(`${gateway.url}${path}`, { headers: { authorization: `Bearer ${somebody}` } });
    expect(refused.status).toBe(403);
    await gateway.rest('PUT', path, { passthrough_headers: null });
    expect(await seenBy(gateway.url)).toBe('none');
    await gateway.rest('DELETE', `/gateways/${row.id}`);
  });
});
