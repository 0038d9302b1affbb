// MCP's Streamable HTTP transport at /mcp: https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#streamable-http
import type { IncomingMessage, ServerResponse } from 'node:http';
import { dispatch, type McpServer } from './dispatch.ts';
import type { EventStreams } from './event-streams.ts';
import { readBody, sendAccepted, sendError, sendEvent, sendJson, sendMethodNotAllowed } from './exchange.ts';
import { isObject, rpcCode, toErrorText } from './json-rpc.ts';
import type { Sessions } from './sessions.ts';
import { assumedVersion, batchVersion, isProtocolVersion, negotiateVersion, protocolVersions } from './versions.ts';

export interface StreamableHttp {
  server: McpServer;
  sessions: Sessions;
  streams: EventStreams;
  bodyLimitBytes: number;
}

export function handleMcp(transport: StreamableHttp, request: IncomingMessage, response: ServerResponse) {
  const { headers, method } = request;
  const versionHeader = headers['mcp-protocol-version'];
  if (versionHeader !== undefined && !isProtocolVersion(versionHeader)) {
    const detail = `MCP-Protocol-Version ${versionHeader} is not one of ${protocolVersions.join(', ')}`;
    return sendError(response, 400, rpcCode.invalidRequest, detail);
  }
  const sessionId = headers['mcp-session-id'];
  const sessionVersion = typeof sessionId === 'string' ? transport.sessions.find(sessionId) : undefined;
  // An unknown session is a 404, after which a client starts anew; none at all is served without state.
  if (sessionId !== undefined && sessionVersion === undefined) {
    return sendError(response, 404, rpcCode.invalidRequest, 'no such session');
  }
  if (method === 'POST') {
    const accepts = toAnswerKind(headers.accept);
    if (accepts === undefined) {
      return sendError(response, 406, rpcCode.invalidRequest, 'accept application/json or text/event-stream');
    }
    const contentType = headers['content-type'];
    if (contentType !== undefined && !isJsonType(contentType)) {
      return sendError(response, 415, rpcCode.invalidRequest, 'the Content-Type is application/json');
    }
    const version = sessionVersion ?? versionHeader ?? assumedVersion;
    readBody(request, response, transport.bodyLimitBytes, (body) => {
      answerPost(transport, body, accepts, version === batchVersion, response);
    });
  } else if (method === 'GET') openStream(transport, request, response);
  else if (method === 'DELETE') endSession(transport, request, response);
  else sendMethodNotAllowed(response, 'GET, POST, DELETE');
}

type AnswerKind = 'json' | 'events';

/** JSON when both are accepted, or nothing is said. */
function toAnswerKind(accept: string | undefined): AnswerKind | undefined {
  if (accept === undefined || accept.includes('application/json')) return 'json';
  if (accept.includes('text/event-stream')) return 'events';
  return accept.includes('*/*') || accept.includes('application/*') ? 'json' : undefined;
}

function isJsonType(contentType: string): boolean {
  return contentType === 'application/json' || /^\s*application\/json\s*(;|$)/i.test(contentType);
}

function answerPost(
  transport: StreamableHttp,
  body: string,
  kind: AnswerKind,
  mayBatch: boolean,
  response: ServerResponse,
) {
  let message: unknown;
  try {
    message = JSON.parse(body);
  } catch (error) {
    const detail = error instanceof Error ? error.message : 'unreadable';
    return sendError(response, 400, rpcCode.parseError, `the body is not JSON: ${detail}`);
  }
  if (Array.isArray(message)) return answerBatch(transport, message, kind, mayBatch, response);
  const answer = dispatch(transport.server, message, response);
  if (typeof answer === 'string') {
    // A message that is no JSON-RPC request at all is the transport's 400, with the same body.
    if (!isObject(message) || message['id'] === undefined) return sendJson(response, 400, answer);
    const sessionId = message['method'] === 'initialize' ? openSession(transport, message) : undefined;
    sendAnswer(response, kind, answer, sessionId);
  } else if (answer === undefined) sendAccepted(response);
  else answer.then((text) => (text === undefined ? sendAccepted(response) : sendAnswer(response, kind, text)));
}

function sendAnswer(response: ServerResponse, kind: AnswerKind, text: string, sessionId?: string) {
  if (kind === 'json') sendJson(response, 200, text, sessionId);
  else sendEvent(response, text, sessionId);
}

function answerBatch(
  transport: StreamableHttp,
  messages: unknown[],
  kind: AnswerKind,
  mayBatch: boolean,
  response: ServerResponse,
) {
  if (!mayBatch) return sendError(response, 400, rpcCode.invalidRequest, `only ${batchVersion} has batches`);
  if (messages.length === 0) return sendError(response, 400, rpcCode.invalidRequest, 'the batch is empty');
  // Every call of the batch that waits listens for the end of this one connection.
  response.setMaxListeners(0);
  const answers = messages.map((message) =>
    isObject(message) && message['method'] === 'initialize'
      ? toErrorText(null, rpcCode.invalidRequest, 'initialize must not be part of a batch')
      : dispatch(transport.server, message, response),
  );
  // `dispatch` never rejects: its failures are answers.
  Promise.all(answers).then((texts) => {
    const present = texts.filter((text) => text !== undefined);
    if (present.length === 0) sendAccepted(response);
    else sendAnswer(response, kind, `[${present.join(',')}]`);
  });
}

/** Undefined when `initialize` itself failed. */
function openSession(transport: StreamableHttp, message: Record<string, unknown>): string | undefined {
  const params = message['params'];
  const wanted = isObject(params) ? params['protocolVersion'] : undefined;
  return typeof wanted === 'string' ? transport.sessions.open(negotiateVersion(wanted)) : undefined;
}

function openStream(transport: StreamableHttp, request: IncomingMessage, response: ServerResponse) {
  const sessionId = request.headers['mcp-session-id'];
  if (!request.headers.accept?.includes('text/event-stream')) {
    return sendError(response, 406, rpcCode.invalidRequest, 'GET opens a stream: accept text/event-stream');
  }
  if (typeof sessionId !== 'string') {
    return sendError(response, 400, rpcCode.invalidRequest, 'a stream belongs to a session: send Mcp-Session-Id');
  }
  transport.streams.add(sessionId, response);
}

function endSession(transport: StreamableHttp, request: IncomingMessage, response: ServerResponse) {
  const sessionId = request.headers['mcp-session-id'];
  if (typeof sessionId !== 'string') {
    return sendError(response, 400, rpcCode.invalidRequest, 'DELETE ends a session: send Mcp-Session-Id');
  }
  transport.sessions.end(sessionId);
  transport.streams.end(sessionId);
  sendJson(response, 200, '{}');
}
