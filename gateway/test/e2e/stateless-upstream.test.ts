// The built gateway in front of a server that speaks 2026-07-28 alone, for clients of every kind.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema, ListRootsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithSqlite } from '../databases.ts';
import { type StatelessUpstream, startStatelessUpstream } from '../federation/stateless-upstream.ts';
import { headersOf, message } from '../http/stateless-request.ts';
import { type GatewayProcess, startGateway } from './gateway-process.ts';

type Json = ReturnType<typeof JSON.parse>;

describeWithSqlite('a gateway with an upstream of 2026-07-28', () => {
  let folder = '';
  let upstream: StatelessUpstream;
  let gateway: GatewayProcess;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gatebench-stateless-'));
    upstream = await startStatelessUpstream();
    gateway = await startGateway({
      WORKERS: '0',
      SSRF_ALLOW_LOCALHOST: 'true',
      USE_STATEFUL_SESSIONS: 'true',
      DATABASE_URL: `sqlite:///${join(folder, 'gateway.db')}`,
    });
    const { status, body } = await gateway.rest('POST', '/gateways', { name: 'modern', url: upstream.url });
    expect(status, JSON.stringify(body)).toBe(201);
  });
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
    await upstream?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const rpc = async (method: string, params: object): Promise<Json> =>
    (await gateway.rest('POST', '/rpc', { jsonrpc: '2.0', id: 1, method, params })).body;

  it('[MCP-UP-09] lists what it offers, and calls it with one request each', async () => {
    const { result } = await rpc('tools/list', {});
    const names = result.tools.map(({ name }: { name: string }) => name);
    expect(names).toContain('modern-echo');
    expect(names).not.toContain('modern-wrong');
    await rpc('tools/call', { name: 'modern-echo', arguments: {} });
    const before = upstream.methods.length;
    for (let at = 0; at < 5; at++) {
      const answer = await rpc('tools/call', { name: 'modern-echo', arguments: { at } });
      expect(answer.result.content[0].text).toContain(`{"arguments":{"at":${at}}`);
    }
    expect(upstream.methods.slice(before)).toEqual(Array(5).fill('tools/call'));
    expect((await rpc('resources/read', { uri: 'memo://größe' })).result.contents[0].text).toBe('large');
    expect((await rpc('prompts/get', { name: 'modern-hello' })).result.messages).toHaveLength(1);
  });

  it('[MCP-UP-10] tells arguments in headers as the tool wants it', async () => {
    const args = { region: 'São Paulo', at: { size: 3 } };
    const answer = await rpc('tools/call', { name: 'modern-regional', arguments: args });
    expect(answer.result.content[0].text).toContain('São Paulo');
  });

  it('[MCP-UP-11] asks the official client of an older version for the input that it requires', async () => {
    const client = new Client({ name: 'test', version: '1.0.0' }, { capabilities: { elicitation: {}, roots: {} } });
    client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'accept', content: { name: 'Ada' } }));
    client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri: 'file:///home/ada' }] }));
    const transport = new StreamableHTTPClientTransport(new URL(`${gateway.url}/mcp`), {
      requestInit: { headers: gateway.headers },
    });
    // The SDK's own transport does not satisfy its own interface under exactOptionalPropertyTypes.
    await client.connect(transport as Parameters<typeof client.connect>[0]);
    const progress: unknown[] = [];
    await client.callTool({ name: 'modern-progress', arguments: {} }, undefined, {
      onprogress: (one) => progress.push(one),
    });
    expect(progress).toEqual([{ progress: 1 }]);
    const { content } = (await client.callTool({ name: 'modern-greet', arguments: { n: 1 } })) as Json;
    expect(JSON.parse(content[0].text)).toEqual({
      given: {
        who: { action: 'accept', content: { name: 'Ada' } },
        where: { roots: [{ uri: 'file:///home/ada' }] },
      },
      kept: { n: 1 },
    });
    await client.close();
  });

  it('[MCP-UP-11] hands the requirement on to a client of 2026-07-28, with the capabilities that it states', async () => {
    const send = async (params: Record<string, unknown>): Promise<Json> => {
      const capabilities = { 'io.modelcontextprotocol/clientCapabilities': { elicitation: {}, roots: {} } };
      const body = message('tools/call', { name: 'modern-greet', _meta: capabilities, ...params });
      const headers = { ...headersOf(body), ...gateway.headers, 'content-type': 'application/json' };
      return (await fetch(`${gateway.url}/mcp`, { method: 'POST', headers, body: JSON.stringify(body) })).json();
    };
    const first = await send({});
    expect(first.result).toMatchObject({ resultType: 'input_required', requestState: 'state "1"' });
    const inputResponses = { who: { action: 'decline' }, where: { roots: [] } };
    const second = await send({ inputResponses, requestState: first.result.requestState });
    expect(second.result.resultType).toBe('complete');
    expect(JSON.parse(second.result.content[0].text).given).toEqual(inputResponses);
  });
});
