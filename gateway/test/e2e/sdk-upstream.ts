// An upstream made of the official SDK's server over Streamable HTTP.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import {
  CallToolRequestSchema,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
  ReadResourceRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';

export interface SdkUpstream extends AsyncDisposable {
  url: string;
  /** Sessions that were initialised. */
  sessionCount: () => number;
  /** As a restart would: every session is unknown from now on. */
  forgetSessions: () => void;
}

/** @param asJson answer with JSON, else with event streams */
export async function startSdkUpstream(asJson: boolean): Promise<SdkUpstream> {
  const transports = new Map<string, StreamableHTTPServerTransport>();
  let sessionCount = 0;
  const open = async (): Promise<StreamableHTTPServerTransport> => {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      enableJsonResponse: asJson,
      onsessioninitialized: (id) => {
        sessionCount++;
        transports.set(id, transport);
      },
    });
    const server = createMcpServer();
    // The SDK's own transport does not satisfy its own interface under exactOptionalPropertyTypes.
    await server.connect(transport as Parameters<typeof server.connect>[0]);
    return transport;
  };
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const id = request.headers['mcp-session-id'];
    if (typeof id !== 'string') return (await open()).handleRequest(request, response);
    const transport = transports.get(id);
    if (transport !== undefined) return transport.handleRequest(request, response);
    response.writeHead(404, { 'content-type': 'application/json' });
    response.end('{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}}');
  };
  const http = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`,
    sessionCount: () => sessionCount,
    forgetSessions: () => transports.clear(),
    async [Symbol.asyncDispose]() {
      http.closeAllConnections();
      http.close();
      await once(http, 'close');
    },
  };
}

function createMcpServer(): Server {
  const server = new Server(
    { name: 'sdk upstream', version: '1.0.0' },
    { capabilities: { tools: {}, resources: {}, prompts: {} } },
  );
  const inputSchema = { type: 'object' as const, properties: { text: { type: 'string' } } };
  // Two pages, so that discovery has to follow the cursor.
  server.setRequestHandler(ListToolsRequestSchema, ({ params }) =>
    params?.cursor === 'more'
      ? { tools: [{ name: 'fail_always', inputSchema }] }
      : { tools: [{ name: 'echo_text', description: 'Echoes', inputSchema }], nextCursor: 'more' },
  );
  server.setRequestHandler(CallToolRequestSchema, ({ params }) => ({
    content: [{ type: 'text', text: JSON.stringify(params.arguments ?? {}) }],
    isError: params.name === 'fail_always',
  }));
  server.setRequestHandler(ListResourcesRequestSchema, () => ({
    resources: [{ uri: 'memo://greeting', name: 'greeting', mimeType: 'text/plain' }],
  }));
  server.setRequestHandler(ListResourceTemplatesRequestSchema, () => ({
    resourceTemplates: [{ uriTemplate: 'memo://by-name/{name}', name: 'by-name' }],
  }));
  server.setRequestHandler(ReadResourceRequestSchema, ({ params }) => ({
    contents: [{ uri: params.uri, text: `text of ${params.uri}` }],
  }));
  server.setRequestHandler(ListPromptsRequestSchema, () => ({
    prompts: [{ name: 'greet', arguments: [{ name: 'who', required: true }] }],
  }));
  server.setRequestHandler(GetPromptRequestSchema, ({ params }) => ({
    messages: [
      { role: 'user' as const, content: { type: 'text' as const, text: `Hello ${params.arguments?.['who']}` } },
    ],
  }));
  return server;
}
