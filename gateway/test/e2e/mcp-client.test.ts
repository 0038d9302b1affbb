// The official client through the built gateway, on a real PostgreSQL, to servers made with the official SDK.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWithPostgres, startPostgres, type TestPostgres } from '../postgres.ts';
import { type GatewayProcess, runGateway, secret, startGateway } from './gateway-process.ts';
import { type SdkUpstream, startSdkUpstream } from './sdk-upstream.ts';

describeWithPostgres('the official client', () => {
  let postgres: TestPostgres;
  let databaseUrl: string;
  let gateway: GatewayProcess;
  let upstreams: SdkUpstream[];
  let serverId: string;

  beforeAll(async () => {
    postgres = await startPostgres();
    databaseUrl = await postgres.createDatabase('mcp_client');
    gateway = await startGateway({ DATABASE_URL: databaseUrl, USE_STATEFUL_SESSIONS: 'true' });
    upstreams = [await startSdkUpstream(true), await startSdkUpstream(false)];
    for (const [at, { url }] of upstreams.entries()) {
      const { status } = await gateway.rest('POST', '/gateways', { name: at === 0 ? 'json one' : 'sse one', url });
      expect(status).toBeLessThan(300);
    }
    const idsOf = async (path: string) =>
      ((await gateway.rest('GET', path)).body as { id: string }[]).map(({ id }) => id);
    const { body } = await gateway.rest('POST', '/servers', {
      server: {
        name: 'all',
        associated_tools: await idsOf('/tools'),
        associated_resources: await idsOf('/resources'),
        associated_prompts: await idsOf('/prompts'),
      },
    });
    serverId = (body as { id: string }).id;
  });

  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
    for (const upstream of upstreams ?? []) await upstream[Symbol.asyncDispose]();
    await postgres?.[Symbol.asyncDispose]();
  });

  async function connect(path: string): Promise<{ client: Client; transport: StreamableHTTPClientTransport }> {
    const client = new Client({ name: 'test', version: '1.0.0' });
    const transport = new StreamableHTTPClientTransport(new URL(`${gateway.url}${path}`), {
      requestInit: { headers: gateway.headers },
    });
    // The SDK's own transport does not satisfy its own interface under exactOptionalPropertyTypes.
    await client.connect(transport as Parameters<typeof client.connect>[0]);
    return { client, transport };
  }

  test.each(['/mcp', '/servers/ID/mcp'])(
    '[MCP-TOOL-01] [MCP-TOOL-02] [MCP-RES-01] [MCP-RES-02] [MCP-RES-04] [MCP-PROMPT-01] [MCP-PROMPT-02] lists, calls, reads and gets through %s',
    async (path) => {
      const { client, transport } = await connect(path.replace('ID', serverId));
      expect(client.getServerVersion()?.name).toBe('gatebench-gateway');
      await client.ping();
      const { tools } = await client.listTools();
      expect(tools.map(({ name }) => name).sort()).toEqual([
        'json-one-echo-text',
        'json-one-fail-always',
        'sse-one-echo-text',
        'sse-one-fail-always',
      ]);
      for (const name of ['json-one-echo-text', 'sse-one-echo-text']) {
        const result = await client.callTool({ name, arguments: { text: 'grüße 🌍 "quoted"' } });
        expect(result.content).toEqual([{ type: 'text', text: JSON.stringify({ text: 'grüße 🌍 "quoted"' }) }]);
      }
      const { resources } = await client.listResources();
      expect(resources.map(({ uri }) => uri)).toContain('memo://greeting');
      const read = await client.readResource({ uri: 'memo://greeting' });
      expect(read.contents).toEqual([{ uri: 'memo://greeting', text: 'text of memo://greeting' }]);
      const { prompts } = await client.listPrompts();
      const prompt = prompts.find(({ name }) => name.startsWith('json-one'));
      const got = await client.getPrompt({ name: prompt?.name ?? '', arguments: { who: 'Ada' } });
      expect(got.messages).toEqual([{ role: 'user', content: { type: 'text', text: 'Hello Ada' } }]);
      if (path === '/mcp') {
        const { resourceTemplates } = await client.listResourceTemplates();
        expect(resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toContain('memo://by-name/{name}');
        const { contents } = await client.readResource({ uri: 'memo://by-name/ada' });
        expect(contents).toEqual([{ uri: 'memo://by-name/ada', text: 'text of memo://by-name/ada' }]);
      }
      await transport.terminateSession();
      await client.close();
    },
  );

  test('[MCP-TOOL-03] [MCP-TOOL-04] a failing tool is a result, an unknown one an error', async () => {
    const { client } = await connect('/mcp');
    expect(await client.callTool({ name: 'json-one-fail-always', arguments: {} })).toMatchObject({ isError: true });
    await expect(client.callTool({ name: 'none', arguments: {} })).rejects.toMatchObject({ code: -32602 });
    await client.close();
  });

  test('[MCP-UP-02] a restarted upstream is initialised anew without the client noticing', async () => {
    const { client } = await connect('/mcp');
    const [upstream] = upstreams;
    const before = upstream?.sessionCount() ?? 0;
    upstream?.forgetSessions();
    const call = () => client.callTool({ name: 'json-one-echo-text', arguments: { text: 'again' } });
    const results = await Promise.all([call(), call(), call(), call()]);
    for (const result of results) expect(result.isError).toBeFalsy();
    expect((upstream?.sessionCount() ?? 0) - before).toBe(1);
    await client.close();
  });

  test('[MCP-RPC-09] a token that is not good and a session that is over are told by their status', async () => {
    const client = new Client({ name: 'test', version: '1.0.0' });
    const stranger = new StreamableHTTPClientTransport(new URL(`${gateway.url}/mcp`), {
      requestInit: { headers: { authorization: 'Bearer nonsense' } },
    });
    const refused = client.connect(stranger as Parameters<typeof client.connect>[0]);
    await expect(refused).rejects.toMatchObject({ code: 401, message: expect.stringContaining('GW_UNAUTHORIZED') });
    const { client: known, transport } = await connect('/mcp');
    const headers = { ...gateway.headers, 'mcp-session-id': transport.sessionId ?? '' };
    expect((await fetch(`${gateway.url}/mcp`, { method: 'DELETE', headers })).status).toBe(204);
    await expect(known.listTools()).rejects.toMatchObject({
      code: 404,
      message: expect.stringContaining('GW_SESSION_NOT_FOUND'),
    });
    await known.close();
  });

  test('the plain JSON-RPC door calls a tool by its bare name', async () => {
    const message = { jsonrpc: '2.0', id: 1, method: 'sse-one-echo-text', params: { text: 'x' } };
    expect(await gateway.rest('POST', '/rpc', message)).toMatchObject({
      status: 200,
      body: { result: { content: [{ text: '{"text":"x"}' }] } },
    });
  });

  test('what is in memory is served while the database is away, and /ready says so', async () => {
    const { client } = await connect('/mcp');
    await postgres.stop();
    try {
      const result = await client.callTool({ name: 'json-one-echo-text', arguments: {} });
      expect(result.isError).toBeFalsy();
      // An answer of the database counts for a second; then its silence shows within the deadline of two.
      await expect.poll(async () => (await gateway.rest('GET', '/ready')).status, { timeout: 3_500 }).toBe(503);
      expect((await gateway.rest('GET', '/health')).status).toBe(200);
    } finally {
      await postgres.start();
    }
    await expect.poll(async () => (await gateway.rest('GET', '/ready')).status, { timeout: 10_000 }).toBe(200);
    await client.close();
  });

  test('SIGTERM ends streams, finishes, and exits with 0', async () => {
    const own = await startGateway({ DATABASE_URL: databaseUrl, USE_STATEFUL_SESSIONS: 'true' });
    const client = new Client({ name: 'test', version: '1.0.0' });
    const transport = new StreamableHTTPClientTransport(new URL(`${own.url}/mcp`), {
      requestInit: { headers: own.headers },
      reconnectionOptions: {
        maxRetries: 0,
        initialReconnectionDelay: 1,
        maxReconnectionDelay: 1,
        reconnectionDelayGrowFactor: 1,
      },
    });
    await client.connect(transport as Parameters<typeof client.connect>[0]);
    await client.listTools();
    const startedAt = performance.now();
    expect(await own.stop('SIGTERM')).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    await client.close();
  });

  test('a port in use, a database that is away and faulty settings end with a clear message', async () => {
    const port = new URL(gateway.url).port;
    const inUse = await runGateway(['serve'], { DATABASE_URL: databaseUrl, PORT: port, JWT_SECRET_KEY: secret });
    expect(inUse).toMatchObject({ exitCode: 3, stdout: '' });
    expect(inUse.stderr).toContain('EADDRINUSE');
    const away = await runGateway(['serve'], {
      DATABASE_URL: 'postgresql://x@127.0.0.1:1/x',
      DB_MAX_RETRIES: '0',
      PORT: '0',
      JWT_SECRET_KEY: secret,
    });
    expect(away).toMatchObject({ exitCode: 3, stdout: '' });
    expect(away.stderr).toContain('GW_DATABASE_UNAVAILABLE');
    const faulty = await runGateway(['serve'], { PORT: 'x', TOOL_TIMEOUT: '-1', JWT_SECRET_KEY: 'short' });
    expect(faulty).toMatchObject({ exitCode: 2, stdout: '' });
    for (const name of ['PORT', 'TOOL_TIMEOUT', 'JWT_SECRET_KEY']) expect(faulty.stderr).toContain(name);
    for (const { stderr } of [inUse, away, faulty]) expect(stderr).not.toMatch(/\n\s+at /);
  });

  test('the token command makes a token that opens the gateway, and tells what it needs', async () => {
    const made = await runGateway(['token', '--username', 'ada', '--exp', '1', '--secret', secret], {});
    expect(made.exitCode).toBe(0);
    const answer = await fetch(`${gateway.url}/tools`, { headers: { authorization: `Bearer ${made.stdout.trim()}` } });
    expect(answer.status).toBe(200);
    const settings = { JWT_SECRET_KEY: secret, JWT_AUDIENCE: 'clients', JWT_ISSUER: 'tests' };
    const { stdout } = await runGateway(['token', '--username', 'ada'], settings);
    const claims = JSON.parse(Buffer.from(stdout.split('.')[1] ?? '', 'base64url').toString());
    expect(claims).toMatchObject({ sub: 'ada', aud: 'clients', iss: 'tests' });
    expect(await runGateway(['token', '--username', 'ada'], {})).toMatchObject({ exitCode: 2 });
    expect(await runGateway(['token', '--secret', secret], {})).toMatchObject({ exitCode: 2 });
    for (const pods of ['abc', '0', '-1']) {
      const refused = await runGateway(['sizing', '--pods', pods], {});
      expect(refused).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('pods') });
    }
    expect(await runGateway(['--help'], {})).toMatchObject({ exitCode: 0 });
  });
});
