// An upstream of the official SDK over HTTP with SSE (2024-11-05).
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js';
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';

export interface SseUpstream extends AsyncDisposable {
  url: string;
  port: number;
  /** Streams that are open. */
  streams: Map<string, SSEServerTransport>;
  /** Progress tokens as the upstream saw them. */
  tokens: unknown[];
}

export async function startSseUpstream(port = 0): Promise<SseUpstream> {
  const streams = new Map<string, SSEServerTransport>();
  const tokens: unknown[] = [];
  const open = async (response: ServerResponse) => {
    const server = new Server({ name: 'sse', version: '1' }, { capabilities: { tools: {} } });
    server.setRequestHandler(ListToolsRequestSchema, () => ({
      tools: [{ name: 'work', inputSchema: { type: 'object' as const } }],
    }));
    server.setRequestHandler(CallToolRequestSchema, async ({ params }, { sendNotification, _meta }) => {
      const progressToken = _meta?.progressToken;
      if (progressToken !== undefined) {
        tokens.push(progressToken);
        await sendNotification({ method: 'notifications/progress', params: { progressToken, progress: 1 } });
      }
      await new Promise((resolve) => setTimeout(resolve, Number(params.arguments?.['ms'] ?? 0)));
      if (params.name === 'sample') {
        const message = { role: 'user' as const, content: { type: 'text' as const, text: 'Who?' } };
        const got = await server.createMessage({ messages: [message], maxTokens: 5 });
        return { content: [{ type: 'text', text: JSON.stringify(got.content) }] };
      }
      return { content: [{ type: 'text', text: JSON.stringify(params.arguments ?? {}) }] };
    });
    const transport = new SSEServerTransport('/message', response);
    streams.set(transport.sessionId, transport);
    response.on('close', () => streams.delete(transport.sessionId));
    await server.connect(transport);
  };
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    if (request.method === 'GET') return open(response);
    const id = new URL(request.url ?? '', 'http://x').searchParams.get('sessionId') ?? '';
    const transport = streams.get(id);
    if (transport === undefined) return response.writeHead(404).end();
    return transport.handlePostMessage(request, response);
  };
  const http = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
  });
  http.listen(port, '127.0.0.1');
  await once(http, 'listening');
  const bound = (http.address() as AddressInfo).port;
  return {
    url: `http://127.0.0.1:${bound}/sse`,
    port: bound,
    streams,
    tokens,
    async [Symbol.asyncDispose]() {
      http.closeAllConnections();
      http.close();
      await once(http, 'close');
    },
  };
}
