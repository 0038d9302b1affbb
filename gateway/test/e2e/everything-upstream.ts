// An upstream with every server feature of MCP, made of the official SDK: what the official conformance suite asks for, and what
// the tests of the official client need beside it.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import {
  CallToolRequestSchema,
  CompleteRequestSchema,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
  ReadResourceRequestSchema,
  RootsListChangedNotificationSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { completions, prompts } from './everything-prompts.ts';
import { resources, resourceTemplates } from './everything-resources.ts';
import { tools } from './everything-tools.ts';

export interface EverythingUpstream extends AsyncDisposable {
  url: string;
  /** Sessions that are open, in the order they came. */
  sessions(): { id: string; server: Server; subscriptions: Set<string>; rootsChanged: number }[];
  /** Calls that were cancelled here. */
  cancelled(): number;
  /** From now on there is one tool more; every session is told. */
  addTool(name: string): Promise<void>;
}

export async function startEverythingUpstream(): Promise<EverythingUpstream> {
  const open = new Map<string, ReturnType<typeof createSession> & { transport: StreamableHTTPServerTransport }>();
  const added: string[] = [];
  let cancelled = 0;

  function createSession() {
    const server = new Server(
      { name: 'everything', version: '1.0.0' },
      {
        capabilities: {
          tools: { listChanged: true },
          resources: { subscribe: true, listChanged: true },
          prompts: { listChanged: true },
          completions: {},
          logging: {},
        },
      },
    );
    const session = { id: '', server, subscriptions: new Set<string>(), rootsChanged: 0 };
    server.setRequestHandler(ListToolsRequestSchema, () => ({
      tools: [
        ...Object.entries(tools).map(([name, { run: _, ...tool }]) => ({ name, ...tool })),
        ...added.map((name) => ({ name, description: 'came later', inputSchema: { type: 'object' as const } })),
      ],
    }));
    server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
      extra.signal.addEventListener('abort', () => cancelled++);
      const tool = tools[params.name];
      if (tool === undefined) throw new Error(`no tool ${params.name}`);
      return tool.run(params.arguments ?? {}, { server, extra, progressToken: params._meta?.progressToken });
    });
    server.setRequestHandler(ListResourcesRequestSchema, () => ({
      resources: Object.entries(resources).map(([uri, { read: _, ...resource }]) => ({ uri, ...resource })),
    }));
    server.setRequestHandler(ListResourceTemplatesRequestSchema, () => ({ resourceTemplates }));
    server.setRequestHandler(ReadResourceRequestSchema, ({ params: { uri } }) => {
      const id = /^test:\/\/template\/([^/]+)\/data$/.exec(uri)?.[1];
      if (id === undefined) return { contents: [{ uri, ...resources[uri]?.read }] };
      const text = JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` });
      return { contents: [{ uri, mimeType: 'application/json', text }] };
    });
    server.setRequestHandler(SubscribeRequestSchema, ({ params }) => {
      session.subscriptions.add(params.uri);
      return {};
    });
    server.setRequestHandler(UnsubscribeRequestSchema, ({ params }) => {
      session.subscriptions.delete(params.uri);
      return {};
    });
    server.setRequestHandler(ListPromptsRequestSchema, () => ({
      prompts: Object.entries(prompts).map(([name, { get: _, ...prompt }]) => ({ name, ...prompt })),
    }));
    server.setRequestHandler(GetPromptRequestSchema, ({ params }) => ({
      messages: prompts[params.name]?.get(params.arguments ?? {}) ?? [],
    }));
    server.setRequestHandler(CompleteRequestSchema, ({ params }) => ({
      completion: { values: completions.filter((value) => value.startsWith(params.argument.value)) },
    }));
    server.setNotificationHandler(RootsListChangedNotificationSchema, () => {
      session.rootsChanged++;
    });
    return session;
  }

  async function openTransport(): Promise<StreamableHTTPServerTransport> {
    const session = createSession();
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => {
        session.id = id;
        open.set(id, Object.assign(session, { transport }));
      },
      onsessionclosed: (id) => {
        open.delete(id);
      },
    });
    // The SDK's own transport does not satisfy its own interface under exactOptionalPropertyTypes.
    await session.server.connect(transport as Parameters<typeof session.server.connect>[0]);
    return transport;
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const id = request.headers['mcp-session-id'];
    if (typeof id !== 'string') return (await openTransport()).handleRequest(request, response);
    const known = open.get(id);
    if (known !== undefined) return known.transport.handleRequest(request, response);
    response.writeHead(404, { 'content-type': 'application/json' });
    response.end('{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}}');
  }

  const http = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`,
    sessions: () => [...open.values()],
    cancelled: () => cancelled,
    async addTool(name) {
      added.push(name);
      await Promise.all([...open.values()].map(({ server }) => server.sendToolListChanged()));
    },
    async [Symbol.asyncDispose]() {
      http.closeAllConnections();
      http.close();
      await once(http, 'close');
    },
  };
}
