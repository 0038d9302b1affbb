// The official client over the SSE transport and a WebSocket, with every server feature, through the built gateway.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { WebSocketClientTransport } from '@modelcontextprotocol/sdk/client/websocket.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { describeWithPostgres, startPostgres, type TestPostgres } from '../postgres.ts';
import { type EverythingUpstream, startEverythingUpstream } from './everything-upstream.ts';
import { type GatewayProcess, startGateway } from './gateway-process.ts';

type Connectable = Parameters<Client['connect']>[0];

/** With several workers each POST is a connection of its own, so that most come to another worker than the stream. */
const one = { workers: '1', spread: {} };
const several = { workers: '2', spread: { connection: 'close' } };

for (const { workers, spread } of [one, several]) {
  describeWithPostgres(`the official client over connections that stay (WORKERS=${workers})`, () => {
    let postgres: TestPostgres;
    let gateway: GatewayProcess;
    let upstream: EverythingUpstream;

    beforeAll(async () => {
      postgres = await startPostgres();
      // These transports have sessions of their own: those of Streamable HTTP are off, as by default.
      gateway = await startGateway({ DATABASE_URL: await postgres.createDatabase('transports'), WORKERS: workers });
      upstream = await startEverythingUpstream();
      const { status } = await gateway.rest('POST', '/gateways', { name: 'everything', url: upstream.url });
      expect(status).toBeLessThan(300);
    });

    afterAll(async () => {
      await gateway?.[Symbol.asyncDispose]();
      await upstream?.[Symbol.asyncDispose]();
      await postgres?.[Symbol.asyncDispose]();
    });

    function sse(): Connectable {
      // Its own transports do not satisfy the SDK's interface under exactOptionalPropertyTypes.
      return new SSEClientTransport(new URL(`${gateway.url}/sse`), {
        requestInit: { headers: { ...gateway.headers, ...spread } },
        eventSourceInit: {
          fetch: (url, init) => fetch(url, { ...init, headers: { ...init.headers, ...gateway.headers } }),
        },
      }) as Connectable;
    }

    function webSocket(): Connectable {
      // Browsers' WebSocket, which the SDK's transport is made for, has no way to send a token: this one has.
      class WithToken extends WebSocket {
        constructor(url: string | URL, protocols?: string | string[]) {
          super(url, protocols, { headers: gateway.headers });
        }
      }
      Object.assign(globalThis, { WebSocket: WithToken });
      return new WebSocketClientTransport(new URL(`${gateway.url.replace('http', 'ws')}/ws`));
    }

    const text = (value: string) => [{ type: 'text', text: value }];

    describe.each([
      ['SSE', sse],
      ['WebSocket', webSocket],
    ])('%s', (_name, transport) => {
      async function connect() {
        const capabilities = { sampling: {}, elicitation: {}, roots: { listChanged: true } };
        const client = new Client({ name: 'test', version: '1.0.0' }, { capabilities });
        await client.connect(transport());
        return client;
      }

      test('[MCP-WIRE-01] lists, calls, reads, gets and completes', async () => {
        const client = await connect();
        expect(client.getServerVersion()?.name).toBe('gatebench-gateway');
        expect(client.getServerCapabilities()).toMatchObject({ logging: {}, resources: { subscribe: true } });
        await client.ping();
        const result = await client.callTool({ name: 'everything-structured', arguments: {} });
        expect(result).toMatchObject({ structuredContent: { celsius: 21.5 }, _meta: { 'example.org/kept': true } });
        const { resources } = await client.listResources();
        expect((await client.readResource({ uri: resources[0]?.uri ?? '' })).contents.length).toBeGreaterThan(0);
        expect((await client.listResourceTemplates()).resourceTemplates.length).toBeGreaterThan(0);
        const { prompts } = await client.listPrompts();
        const name = prompts.find((prompt) => prompt.name.endsWith('prompt-with-arguments'))?.name ?? '';
        const got = await client.getPrompt({ name, arguments: { arg1: 'a', arg2: 'b' } });
        expect(got.messages.length).toBeGreaterThan(0);
        const { completion } = await client.complete({
          ref: { type: 'ref/prompt', name },
          argument: { name: 'arg1', value: 'par' },
        });
        expect(completion.values).toEqual(['paris', 'park', 'party']);
        await client.close();
      });

      test('[MCP-WIRE-03] progress, logs, sampling, elicitation and roots', async () => {
        const client = await connect();
        const logged: unknown[] = [];
        client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void logged.push(params.data));
        client.setRequestHandler(CreateMessageRequestSchema, () => ({
          model: 'none',
          role: 'assistant',
          content: { type: 'text', text: 'sampled' },
        }));
        client.setRequestHandler(ElicitRequestSchema, () => ({
          action: 'accept',
          content: { username: 'elicited', email: 'a@example.org' },
        }));
        client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri: 'file:///one' }] }));
        const progress: number[] = [];
        await client.callTool({ name: 'test_tool_with_progress' }, undefined, {
          onprogress: (at) => void progress.push(at.progress),
        });
        expect(progress).toEqual([0, 50, 100]);
        const [sampled, elicited, rooted] = await Promise.all([
          client.callTool({ name: 'test_sampling', arguments: { prompt: 'hello' } }),
          client.callTool({ name: 'test_elicitation', arguments: { message: 'who?' } }),
          client.callTool({ name: 'list_roots' }),
        ]);
        expect(sampled.content).toEqual(text('LLM response: sampled'));
        expect(JSON.stringify(elicited.content)).toContain('elicited');
        expect(rooted.content).toEqual(text('file:///one'));
        await client.setLoggingLevel('debug');
        // What is told while the upstream's standing stream is still being opened is lost: so it is asked again.
        await expect
          .poll(async () => {
            await client.callTool({ name: 'log_at_debug' });
            return logged;
          })
          .toContain('fine');
        await client.close();
      });

      test('[MCP-WIRE-03] updated resources and changed lists', async () => {
        const client = await connect();
        const uri = 'test://watched-resource';
        const updated: string[] = [];
        let changes = 0;
        client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void updated.push(params.uri));
        client.setNotificationHandler(ToolListChangedNotificationSchema, () => void changes++);
        await client.subscribeResource({ uri });
        const own = upstream.sessions().find(({ subscriptions }) => subscriptions.has(uri));
        await expect
          .poll(async () => {
            await own?.server.sendResourceUpdated({ uri });
            return updated.length;
          })
          .toBeGreaterThan(0);
        await client.unsubscribeResource({ uri });
        const { body } = await gateway.rest('GET', '/tools?limit=1');
        const [tool] = body as { id: string }[];
        await gateway.rest('POST', `/tools/${tool?.id}/toggle?activate=false`);
        await expect.poll(() => changes).toBeGreaterThan(0);
        await gateway.rest('POST', `/tools/${tool?.id}/toggle?activate=true`);
        await client.close();
      });

      test('[MCP-WIRE-04] a cancelled call, and the end of the connection, reach the upstream', async () => {
        const client = await connect();
        const known = new Set(upstream.sessions().map(({ id }) => id));
        const before = upstream.cancelled();
        const leave = new AbortController();
        const call = client.callTool({ name: 'wait_for_ever' }, undefined, { signal: leave.signal });
        const failed = expect(call).rejects.toThrow();
        await expect.poll(() => upstream.sessions().some(({ id }) => !known.has(id))).toBe(true);
        const [own] = upstream.sessions().filter(({ id }) => !known.has(id));
        await new Promise((resolve) => setTimeout(resolve, 200));
        leave.abort();
        await failed;
        await expect.poll(() => upstream.cancelled(), { timeout: 2_000 }).toBe(before + 1);
        await client.close();
        await expect.poll(() => upstream.sessions().map(({ id }) => id), { timeout: 2_000 }).not.toContain(own?.id);
      });
    });
  });
}
