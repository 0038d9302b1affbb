// The official client with every server feature, through the built gateway with sessions, to an upstream made with the official SDK.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  CallToolResultSchema,
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWithPostgres, startPostgres, type TestPostgres } from '../postgres.ts';
import { startBreakableProxy } from './breakable-proxy.ts';
import { type EverythingUpstream, startEverythingUpstream } from './everything-upstream.ts';
import { type GatewayProcess, startGateway } from './gateway-process.ts';

/** With several workers each request is a connection of its own, so that most come to another worker than the session's. */
const alone = { workers: '0', spread: {} };
const spread = { workers: '2', spread: { connection: 'close' } };

for (const { workers, spread: headers } of [alone, spread]) {
  describeWithPostgres(`the official client in a session (WORKERS=${workers})`, () => {
    let postgres: TestPostgres;
    let databaseUrl: string;
    let gateway: GatewayProcess;
    let upstream: EverythingUpstream;

    beforeAll(async () => {
      postgres = await startPostgres();
      databaseUrl = await postgres.createDatabase('client_features');
      gateway = await startGateway({ DATABASE_URL: databaseUrl, USE_STATEFUL_SESSIONS: 'true', WORKERS: workers });
      upstream = await startEverythingUpstream();
      const { status } = await gateway.rest('POST', '/gateways', { name: 'everything', url: upstream.url });
      expect(status).toBeLessThan(300);
    });

    afterAll(async () => {
      await gateway?.[Symbol.asyncDispose]();
      await upstream?.[Symbol.asyncDispose]();
      await postgres?.[Symbol.asyncDispose]();
    });

    const all = { sampling: {}, elicitation: {}, roots: { listChanged: true } };

    async function connect(url = gateway.url, capabilities: object = all) {
      const client = new Client({ name: 'test', version: '1.0.0' }, { capabilities });
      const transport = new StreamableHTTPClientTransport(new URL(`${url}/mcp`), {
        requestInit: { headers: { ...gateway.headers, ...headers } },
        reconnectionOptions: {
          maxRetries: 5,
          initialReconnectionDelay: 50,
          maxReconnectionDelay: 200,
          reconnectionDelayGrowFactor: 1,
        },
      });
      // The SDK's own transport does not satisfy its own interface under exactOptionalPropertyTypes.
      await client.connect(transport as Parameters<typeof client.connect>[0]);
      return { client, transport };
    }

    const text = (value: string) => [{ type: 'text', text: value }];

    test('[MCP-TOOL-02] structured content, annotations and _meta come through as they are', async () => {
      const { client } = await connect();
      const { tools } = await client.listTools();
      const tool = tools.find(({ name }) => name.endsWith('structured'));
      expect(tool).toMatchObject({ annotations: { readOnlyHint: true }, _meta: { 'example.org/kept': [1, 2.5] } });
      // The client checks the structured content against the output schema that was listed.
      const result = await client.callTool({ name: 'everything-structured', arguments: {} });
      expect(result).toMatchObject({ structuredContent: { celsius: 21.5 }, _meta: { 'example.org/kept': true } });
      await client.close();
    });

    test('[MCP-PEER-01] progress and log messages reach the client while the call runs', async () => {
      const { client } = await connect();
      const seen: unknown[] = [];
      client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void seen.push(params.data));
      const progress: number[] = [];
      await client.callTool({ name: 'test_tool_with_progress' }, undefined, {
        onprogress: (at) => void progress.push(at.progress),
      });
      expect(progress).toEqual([0, 50, 100]);
      await client.callTool({ name: 'test_tool_with_logging' });
      expect(seen).toEqual(['Tool execution started', 'Tool processing data', 'Tool execution completed']);
      await client.close();
    });

    test('[MCP-LOG-01] the log level decides on what the upstream tells', async () => {
      const { client } = await connect();
      const seen: unknown[] = [];
      client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void seen.push(params.data));
      // What is told while a standing stream is still being opened is lost, as the protocol has it: so it is asked again.
      const logUntil = (data: string) =>
        expect
          .poll(async () => {
            await client.callTool({ name: 'log_at_debug' });
            return seen;
          })
          .toContain(data);
      await client.setLoggingLevel('warning');
      await logUntil('grave');
      expect(seen).not.toContain('fine');
      await client.setLoggingLevel('debug');
      await logUntil('fine');
      await client.close();
    });

    test('[MCP-LIFE-05] [MCP-UP-08] a cancelled call is cancelled at the upstream', async () => {
      const { client } = await connect();
      const before = upstream.cancelled();
      const leave = new AbortController();
      const call = client.callTool({ name: 'wait_for_ever' }, undefined, { signal: leave.signal });
      const failed = expect(call).rejects.toThrow();
      await expect.poll(() => upstream.sessions().length).toBeGreaterThan(0);
      await new Promise((resolve) => setTimeout(resolve, 200));
      leave.abort();
      await failed;
      await expect.poll(() => upstream.cancelled(), { timeout: 1_000 }).toBe(before + 1);
      await client.close();
    });

    test('[MCP-COMP-01] arguments of prompts and templates are completed', async () => {
      const { client } = await connect();
      const argument = { name: 'arg1', value: 'par' };
      const { prompts } = await client.listPrompts();
      const name = prompts.find((prompt) => prompt.name.endsWith('prompt-with-arguments'))?.name ?? '';
      const ofPrompt = await client.complete({ ref: { type: 'ref/prompt', name }, argument });
      expect(ofPrompt.completion.values).toEqual(['paris', 'park', 'party']);
      const uri = 'test://template/{id}/data';
      const ofTemplate = await client.complete({
        ref: { type: 'ref/resource', uri },
        argument: { name: 'id', value: 'l' },
      });
      expect(ofTemplate.completion.values).toEqual(['london']);
      await client.close();
    });

    test('[MCP-RES-05] [MCP-PEER-04] whoever subscribes is told of updates, and no one else', async () => {
      const [{ client }, { client: other }] = [await connect(), await connect()];
      const seen: string[] = [];
      const uri = 'test://watched-resource';
      client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void seen.push(params.uri));
      other.setNotificationHandler(ResourceUpdatedNotificationSchema, () => void seen.push('other'));
      await client.subscribeResource({ uri });
      await other.callTool({ name: 'test_simple_text' });
      const subscribed = upstream.sessions().filter(({ subscriptions }) => subscriptions.has(uri));
      expect(subscribed).toHaveLength(1);
      await expect
        .poll(async () => {
          await subscribed[0]?.server.sendResourceUpdated({ uri });
          return seen.length;
        })
        .toBeGreaterThan(0);
      await client.unsubscribeResource({ uri });
      expect(subscribed[0]?.subscriptions.size).toBe(0);
      expect(seen).not.toContain('other');
      await client.close();
      await other.close();
    });

    test('[MCP-PEER-02] the upstream asks the client for a model, its user and its roots', async () => {
      const { client } = await connect();
      client.setRequestHandler(CreateMessageRequestSchema, ({ params }) => ({
        model: 'none',
        role: 'assistant',
        content: { type: 'text', text: `answer to ${JSON.stringify(params.messages[0]?.content)}` },
      }));
      client.setRequestHandler(ElicitRequestSchema, ({ params }) => ({
        action: 'accept',
        content: { username: params.message, email: 'a@example.org' },
      }));
      let roots = [{ uri: 'file:///one' }];
      client.setRequestHandler(ListRootsRequestSchema, () => ({ roots }));
      const [sampled, elicited, rooted] = await Promise.all([
        client.callTool({ name: 'test_sampling', arguments: { prompt: 'hello' } }),
        client.callTool({ name: 'test_elicitation', arguments: { message: 'who?' } }),
        client.callTool({ name: 'list_roots' }),
      ]);
      expect(sampled.content).toEqual(text('LLM response: answer to {"type":"text","text":"hello"}'));
      expect(JSON.stringify(elicited.content)).toContain('who?');
      expect(rooted.content).toEqual(text('file:///one'));
      roots = [{ uri: 'file:///two' }];
      await client.sendRootsListChanged();
      await expect.poll(() => upstream.sessions().some(({ rootsChanged }) => rootsChanged === 1)).toBe(true);
      expect((await client.callTool({ name: 'list_roots' })).content).toEqual(text('file:///two'));
      await client.close();
    });

    test('[MCP-LIST-01] a tool that an upstream adds is announced and can be called', async () => {
      const { client } = await connect();
      await client.callTool({ name: 'test_simple_text' });
      let changes = 0;
      client.setNotificationHandler(ToolListChangedNotificationSchema, () => void changes++);
      await upstream.addTool('added_later');
      const names = async () => (await client.listTools()).tools.map(({ name }) => name);
      await expect.poll(names, { timeout: 5_000 }).toContain('everything-added-later');
      await expect.poll(() => changes).toBeGreaterThan(0);
      await client.close();
    });

    test('[MCP-RESUME-01] [MCP-RESUME-02] a client whose connections break in mid-call misses nothing', async () => {
      await using proxy = await startBreakableProxy(gateway.url);
      const { client } = await connect(proxy.url);
      const progress: number[] = [];
      let cuts = 0;
      const result = await client.request(
        { method: 'tools/call', params: { name: 'slow_steps', arguments: {} } },
        CallToolResultSchema,
        {
          onprogress(at) {
            progress.push(at.progress);
            if (at.progress === 2 && cuts++ === 0) proxy.cut();
          },
        },
      );
      expect(result.content).toEqual(text('all steps'));
      expect(cuts).toBe(1);
      expect(progress).toEqual([1, 2, 3, 4, 5]);
      await client.close();
    });

    test('[MCP-HTTP-08] ending the session ends its upstream session', async () => {
      const known = new Set(upstream.sessions().map(({ id }) => id));
      const { client, transport } = await connect();
      await client.callTool({ name: 'test_simple_text' });
      const own = upstream.sessions().filter(({ id }) => !known.has(id));
      expect(own).toHaveLength(1);
      await transport.terminateSession();
      await expect.poll(() => upstream.sessions().map(({ id }) => id)).not.toContain(own[0]?.id);
      await client.close();
    });

    test('[MCP-HTTP-16] [MCP-PEER-01] without sessions progress still reaches the client', async () => {
      await using stateless = await startGateway({ DATABASE_URL: databaseUrl, WORKERS: workers });
      const { client, transport } = await connect(stateless.url, {});
      expect(transport.sessionId).toBeUndefined();
      expect(client.getServerCapabilities()).not.toHaveProperty('logging');
      const progress: number[] = [];
      await client.callTool({ name: 'test_tool_with_progress' }, undefined, {
        onprogress: (at) => void progress.push(at.progress),
      });
      expect(progress).toEqual([0, 50, 100]);
      await client.close();
    });
  });
}
