// An upstream of the official SDK that talks to its client: asks it, logs, reports progress, tells of changes.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import {
  CallToolRequestSchema,
  ListToolsRequestSchema,
  type LoggingLevel,
  SetLevelRequestSchema,
  SubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';

interface Talking {
  server: Server;
  transport: StreamableHTTPServerTransport;
}

export interface TalkingUpstream extends AsyncDisposable {
  url: string;
  /** Open sessions. */
  sessions: Map<string, Talking>;
  /** What came in: HTTP method, or MCP method with its session. */
  levels: LoggingLevel[];
  subscribed: string[];
  rootsChanged: () => number;
  /** As a restart would: every session is unknown from now on. */
  forgetSessions: () => void;
}

export async function startTalkingUpstream(): Promise<TalkingUpstream> {
  const sessions = new Map<string, Talking>();
  const levels: LoggingLevel[] = [];
  const subscribed: string[] = [];
  let rootsChanged = 0;

  const open = async (): Promise<StreamableHTTPServerTransport> => {
    const server = new Server(
      { name: 'talking', version: '1.0.0' },
      { capabilities: { tools: { listChanged: true }, resources: { subscribe: true }, logging: {} } },
    );
    const transport: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => {
        sessions.set(id, { server, transport });
      },
      onsessionclosed: (id) => {
        sessions.delete(id);
      },
    });
    server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: [] }));
    server.setRequestHandler(SetLevelRequestSchema, ({ params }) => {
      levels.push(params.level);
      return {};
    });
    server.setRequestHandler(SubscribeRequestSchema, ({ params }) => {
      subscribed.push(params.uri);
      return {};
    });
    const { fallbackNotificationHandler } = server;
    server.fallbackNotificationHandler = async (notification) => {
      if (notification.method === 'notifications/roots/list_changed') rootsChanged++;
      await fallbackNotificationHandler?.(notification);
    };
    server.setRequestHandler(CallToolRequestSchema, async ({ params }, { sendNotification, requestId, _meta }) => {
      const related = { relatedRequestId: requestId };
      const said = (text: string) => ({ content: [{ type: 'text' as const, text }] });
      if (params.name === 'sample') {
        const message = { role: 'user' as const, content: { type: 'text' as const, text: 'Who are you?' } };
        const got = await server.createMessage({ messages: [message], maxTokens: 5 }, related);
        return said(JSON.stringify(got.content));
      }
      if (params.name === 'progress') {
        const progressToken = _meta?.progressToken ?? 'none';
        await sendNotification({ method: 'notifications/progress', params: { progressToken, progress: 1, total: 2 } });
        return said('done');
      }
      if (params.name === 'log') {
        await server.sendLoggingMessage({ level: 'error', data: 'off the stream' });
        return said('logged');
      }
      return said(JSON.stringify(server.getClientCapabilities() ?? {}));
    });
    // The SDK's own transport does not satisfy its own interface under exactOptionalPropertyTypes.
    await server.connect(transport as Parameters<typeof server.connect>[0]);
    return transport;
  };
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const id = request.headers['mcp-session-id'];
    if (typeof id !== 'string') return (await open()).handleRequest(request, response);
    const known = sessions.get(id);
    if (known !== undefined) return known.transport.handleRequest(request, response);
    response.writeHead(404).end();
  };
  const http = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`,
    sessions,
    levels,
    subscribed,
    rootsChanged: () => rootsChanged,
    forgetSessions: () => sessions.clear(),
    async [Symbol.asyncDispose]() {
      http.closeAllConnections();
      http.close();
      await once(http, 'close');
    },
  };
}
