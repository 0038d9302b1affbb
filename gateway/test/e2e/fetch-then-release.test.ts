// A pool of one connection and upstreams that take a second: whoever held the connection meanwhile would stop everybody.

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStore, type Store } from '../../src/store/store.ts';
import { configOf } from '../config-of.ts';
import { describeWithPostgres, startPostgres, type TestPostgres } from '../postgres.ts';
import { type GatewayProcess, startGateway } from './gateway-process.ts';
import { quiet } from './store-contract.ts';

const SLOW_MS = 1200;

const answers: Record<string, object> = {
  initialize: {
    protocolVersion: '2025-06-18',
    serverInfo: { name: 'slow', version: '1' },
    capabilities: { tools: {}, resources: {} },
  },
  'tools/list': { tools: [{ name: 'wait', inputSchema: { type: 'object' } }] },
  'resources/list': { resources: [{ uri: 'slow://one', name: 'one' }] },
  'resources/templates/list': { resourceTemplates: [] },
  'tools/call': { content: [{ type: 'text', text: 'done' }] },
  'resources/read': { contents: [{ uri: 'slow://one', text: 'done' }] },
};

/** An MCP server that thinks before each answer while `isSlow`. */
async function startSlowUpstream() {
  const state = { isSlow: false, busy: 0 };
  const server: Server = createServer(async (request, response) => {
    if (request.method !== 'POST') {
      response.writeHead(request.method === 'DELETE' ? 200 : 405).end();
      return;
    }
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const { id, method } = JSON.parse(body) as { id?: number; method: string };
    state.busy += 1;
    if (state.isSlow) await sleep(SLOW_MS);
    state.busy -= 1;
    if (id === undefined) response.writeHead(202).end();
    else {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ jsonrpc: '2.0', id, result: answers[method] ?? {} }));
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the upstream has no port');
  return { state, url: `http://127.0.0.1:${address.port}/mcp`, server };
}

describeWithPostgres('an upstream that is slow, with a pool of one connection', () => {
  let postgres: TestPostgres;
  let gateway: GatewayProcess;
  let watcher: Store;
  let upstream: Awaited<ReturnType<typeof startSlowUpstream>>;
  let gatewayId: string;

  beforeAll(async () => {
    postgres = await startPostgres();
    upstream = await startSlowUpstream();
    const DATABASE_URL = await postgres.createDatabase('slow');
    watcher = await openStore(configOf({ DATABASE_URL }), quiet);
    gateway = await startGateway({
      DATABASE_URL,
      DB_POOL_SIZE: '1',
      DB_MAX_OVERFLOW: '0',
      DB_POOL_TIMEOUT: '0.5',
    });
    const { status, body } = await gateway.rest('POST', '/gateways', { name: 'slow', url: upstream.url });
    expect(status, JSON.stringify(body)).toBe(201);
    gatewayId = (body as { id: string }).id;
  });
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
    await watcher?.[Symbol.asyncDispose]();
    upstream?.server.closeAllConnections();
    upstream?.server.close();
    await postgres?.[Symbol.asyncDispose]();
  });

  const rpc = (method: string, params: object) =>
    gateway.rest('POST', '/rpc', { jsonrpc: '2.0', id: 1, method, params });

  const cases: [string, () => Promise<{ status: number; body: unknown }>][] = [
    ['tools/call', () => rpc('tools/call', { name: 'slow-wait', arguments: {} })],
    ['resources/read', () => rpc('resources/read', { uri: 'slow://one' })],
    ['registration', () => gateway.rest('POST', '/gateways', { name: 'slow too', url: upstream.url })],
    ['refresh', () => gateway.rest('POST', `/gateways/${gatewayId}/tools/refresh`)],
  ];

  it.each(cases)('%s holds no database connection while it waits for it', async (_name, start) => {
    upstream.state.isSlow = true;
    const slow = start();
    await expect.poll(() => upstream.state.busy).toBeGreaterThan(0);
    // The one connection is there for everybody else, and nothing is open on it.
    const startMs = performance.now();
    for (let at = 0; at < 5; at += 1) expect((await gateway.rest('GET', '/servers')).status).toBe(200);
    expect(performance.now() - startMs).toBeLessThan(SLOW_MS / 2);
    expect(upstream.state.busy).toBeGreaterThan(0);
    const { rows } = await watcher.query((db) =>
      sql`select state from pg_stat_activity where datname = 'slow' and state like 'idle in transaction%'`.execute(db),
    );
    expect(rows).toEqual([]);
    upstream.state.isSlow = false;
    const { status, body } = await slow;
    expect(status, JSON.stringify(body)).toBeLessThan(300);
    expect(JSON.stringify(body)).not.toContain('"error"');
  });
});
