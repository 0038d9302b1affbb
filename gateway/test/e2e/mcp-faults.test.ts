// What clients of the built gateway see when an upstream fails, and when the gateway is stopped under them.
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { describeWithPostgres, startPostgres, type TestPostgres } from '../postgres.ts';
import { type GatewayProcess, startGateway } from './gateway-process.ts';

type Mode = 'answer' | 'hang' | 'reset' | 'truncate' | 'slow';

const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'faulty-work', arguments: {} } };

describeWithPostgres('a gateway whose upstream fails', () => {
  let postgres: TestPostgres;
  let databaseUrl: string;
  let gateway: GatewayProcess;
  let upstream: Server;
  let mode: Mode;
  let running = 0;

  function answerCall(id: number, response: ServerResponse): void {
    const body = `{"jsonrpc":"2.0","id":${id},"result":{"content":[]}}`;
    const send = () => response.writeHead(200, { 'content-type': 'application/json' }).end(body);
    if (mode === 'answer') send();
    else if (mode === 'reset') response.socket?.resetAndDestroy();
    else if (mode === 'slow') setTimeout(send, 700);
    else if (mode === 'truncate') {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
      response.write(body.slice(0, -4), () => response.socket?.destroy());
    }
  }

  beforeAll(async () => {
    upstream = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      const { id, method } = JSON.parse(body || '{}') as { id?: number; method?: string };
      if (id === undefined) return response.writeHead(202).end();
      if (method === 'tools/call') {
        running++;
        return answerCall(id, response);
      }
      const serverInfo = { name: 'faulty', version: '1' };
      const result =
        method === 'initialize'
          ? { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo }
          : { tools: [{ name: 'work', inputSchema: { type: 'object' } }] };
      response.writeHead(200, { 'content-type': 'application/json' });
      return response.end(JSON.stringify({ jsonrpc: '2.0', id, result }));
    });
    upstream.listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    postgres = await startPostgres();
    databaseUrl = await postgres.createDatabase('mcp_faults');
    gateway = await startGateway({ DATABASE_URL: databaseUrl, TOOL_TIMEOUT: '0.5' });
    const url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}/mcp`;
    expect((await gateway.rest('POST', '/gateways', { name: 'faulty', url })).status).toBeLessThan(300);
  });

  beforeEach(() => {
    mode = 'answer';
  });

  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
    upstream?.closeAllConnections();
    upstream?.close();
    await postgres?.[Symbol.asyncDispose]();
  });

  test.each<[Mode, string, number]>([
    ['hang', 'GW_UPSTREAM_TIMEOUT', -32012],
    ['reset', 'GW_UPSTREAM_UNREACHABLE', -32011],
    ['truncate', 'GW_UPSTREAM_INVALID', -32013],
  ])('[MCP-UP-03] [MCP-UP-04] %s is told as %s, and the next call is served', async (fault, code, rpcCode) => {
    mode = fault;
    const startedAt = performance.now();
    const { status, body } = await gateway.rest('POST', '/rpc', call);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    expect({ status, body }).toMatchObject({ status: 200, body: { id: 1, error: { code: rpcCode, data: { code } } } });
    await expect.poll(() => gateway.log()).toContain(code); // the log comes through a pipe
    mode = 'answer';
    expect((await gateway.rest('POST', '/mcp', call)).body).toMatchObject({ result: { content: [] } });
  });

  test('SIGTERM lets a running call finish, then the process ends at once', async () => {
    const own = await startGateway({ DATABASE_URL: databaseUrl });
    await own.rest('POST', '/rpc', call);
    mode = 'slow';
    const before = running;
    const answer = own.rest('POST', '/rpc', call);
    await expect.poll(() => running).toBe(before + 1);
    const startedAt = performance.now();
    const ended = own.stop('SIGTERM');
    expect((await answer).body).toMatchObject({ result: { content: [] } });
    expect(await ended).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(4_000);
  });

  test('a second signal does not wait', async () => {
    const own = await startGateway({ DATABASE_URL: databaseUrl });
    await own.rest('POST', '/rpc', call);
    mode = 'hang';
    const before = running;
    const answer = own.rest('POST', '/rpc', call);
    const failed = expect(answer).rejects.toThrow();
    await expect.poll(() => running).toBe(before + 1);
    process.kill(own.pid, 'SIGTERM');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await own.stop('SIGINT')).toBe(130);
    await failed;
  });
});
