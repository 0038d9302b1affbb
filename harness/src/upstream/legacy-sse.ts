// MCP's older HTTP+SSE transport: GET /sse tells where to post, POST /message is accepted, its answer comes on the stream.
// https://modelcontextprotocol.io/specification/2024-11-05/basic/transports#http-with-sse
import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { dispatch, type McpServer } from './dispatch.ts';
import type { EventStreams } from './event-streams.ts';
import { readBody, sendAccepted, sendError, sendMethodNotAllowed } from './exchange.ts';
import { rpcCode } from './json-rpc.ts';

export interface LegacySse {
  server: McpServer;
  streams: EventStreams;
  bodyLimitBytes: number;
}

export function handleSse(transport: LegacySse, request: IncomingMessage, response: ServerResponse) {
  if (request.method !== 'GET') return sendMethodNotAllowed(response, 'GET');
  const id = randomUUID();
  transport.streams.add(id, response);
  transport.streams.send(id, 'endpoint', `/message?sessionId=${id}`);
}

export function handleMessage(transport: LegacySse, request: IncomingMessage, response: ServerResponse, query: string) {
  if (request.method !== 'POST') return sendMethodNotAllowed(response, 'POST');
  const id = new URLSearchParams(query).get('sessionId');
  if (id === null || !transport.streams.has(id)) {
    return sendError(response, 404, rpcCode.invalidRequest, 'no such session: open GET /sse first');
  }
  readBody(request, response, transport.bodyLimitBytes, (body) => {
    let message: unknown;
    try {
      message = JSON.parse(body);
    } catch (error) {
      const detail = error instanceof Error ? error.message : 'unreadable';
      return sendError(response, 400, rpcCode.parseError, `the body is not JSON: ${detail}`);
    }
    sendAccepted(response);
    // The answer goes to the stream, which outlives this exchange: a tool that waits is not given up with it.
    const answer = dispatch(transport.server, message, new EventEmitter());
    if (typeof answer === 'string') transport.streams.send(id, 'message', answer);
    else answer?.then((text) => text !== undefined && transport.streams.send(id, 'message', text));
  });
}
