// One benchmark MCP server: paths → handlers on raw node:http, because a framework costs more than the answers do.
import { createServer, type Server } from 'node:http';
import type { McpServer } from './dispatch.ts';
import { EventStreams } from './event-streams.ts';
import { sendError, sendJson, sendMethodNotAllowed } from './exchange.ts';
import { rpcCode } from './json-rpc.ts';
import { handleMessage, handleSse } from './legacy-sse.ts';
import { Sessions } from './sessions.ts';
import { handleMcp } from './streamable-http.ts';
import { protocolVersions } from './versions.ts';

export interface HttpServer {
  http: Server;
  /** Ends the open event streams, without which a server does not close. */
  endStreams(): void;
}

export function createHttpServer(server: McpServer, bodyLimitBytes: number): HttpServer {
  const mcp = { server, sessions: new Sessions(), streams: new EventStreams(), bodyLimitBytes };
  const sse = { server, streams: new EventStreams(), bodyLimitBytes };
  const version = JSON.stringify({ name: server.name, version: server.version, protocolVersions });
  // keepAliveTimeout: longer than any pool's, so that it is never we who close under a request.
  const http = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
    const { url = '/' } = request;
    const mark = url.indexOf('?');
    const path = mark === -1 ? url : url.slice(0, mark);
    if (!isLocalOrigin(request.headers.origin)) {
      return sendError(response, 403, rpcCode.invalidRequest, 'only pages of this machine may call');
    }
    switch (path) {
      case '/mcp':
        return handleMcp(mcp, request, response);
      case '/sse':
        return handleSse(sse, request, response);
      case '/message':
        return handleMessage(sse, request, response, mark === -1 ? '' : url.slice(mark + 1));
      case '/health':
      case '/version':
        if (request.method !== 'GET') return sendMethodNotAllowed(response, 'GET');
        return sendJson(response, 200, path === '/health' ? '{"status":"healthy"}' : version);
      default:
        return sendError(response, 404, rpcCode.invalidRequest, 'paths: /mcp, /sse, /message, /health, /version');
    }
  });
  return {
    http,
    endStreams() {
      mcp.streams.endAll();
      sse.streams.endAll();
    },
  };
}

/** Against DNS rebinding: https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#security-warning */
function isLocalOrigin(origin: string | undefined): boolean {
  return origin === undefined || /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(origin);
}
