// One HTTP exchange on node:http: reading a bounded body, and answers with their length, in one write.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { toErrorText } from './json-rpc.ts';

/** Calls back once with the whole body; a body over the limit is answered with 413 and never calls back. */
export function readBody(
  request: IncomingMessage,
  response: ServerResponse,
  limitBytes: number,
  use: (body: string) => void,
): void {
  let first: Buffer | undefined;
  let rest: Buffer[] | undefined;
  let bytes = 0;
  let tooLarge = false;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (tooLarge) return;
    if (bytes > limitBytes) {
      tooLarge = true;
      first = rest = undefined;
      response.shouldKeepAlive = false;
      sendError(response, 413, -32_600, `a request has at most ${limitBytes} bytes`);
    } else if (first === undefined) first = chunk;
    else if (rest === undefined) rest = [first, chunk];
    else rest.push(chunk);
  });
  request.on('end', () => {
    if (!tooLarge) use(rest === undefined ? (first?.toString() ?? '') : Buffer.concat(rest).toString());
  });
}

export function sendJson(response: ServerResponse, status: number, json: string, sessionId?: string): void {
  const headers = ['Content-Type', 'application/json', 'Content-Length', String(Buffer.byteLength(json))];
  send(response, status, headers, json, sessionId);
}

/** One message as a whole event stream: what a client gets that accepts only `text/event-stream`. */
export function sendEvent(response: ServerResponse, json: string, sessionId?: string): void {
  const body = toEvent('message', json);
  const headers = [
    'Content-Type',
    'text/event-stream',
    'Cache-Control',
    'no-cache',
    'Content-Length',
    String(Buffer.byteLength(body)),
  ];
  send(response, 200, headers, body, sessionId);
}

/** 202 without a body: notifications and answers. */
export function sendAccepted(response: ServerResponse): void {
  send(response, 202, ['Content-Length', '0'], '');
}

/** A refusal of the transport; the body is a JSON-RPC error without id, so that MCP clients can show it. */
export function sendError(response: ServerResponse, status: number, code: number, message: string): void {
  sendJson(response, status, toErrorText(null, code, message));
}

export function sendMethodNotAllowed(response: ServerResponse, allow: string): void {
  const json = toErrorText(null, -32_600, `allowed here: ${allow}`);
  send(
    response,
    405,
    ['Content-Type', 'application/json', 'Content-Length', String(json.length), 'Allow', allow],
    json,
  );
}

/** `data` is one line (JSON text, a path). */
export function toEvent(event: string, data: string): string {
  return `event: ${event}\ndata: ${data}\n\n`;
}

function send(response: ServerResponse, status: number, headers: string[], body: string, sessionId?: string): void {
  // The client left while a tool was waiting: there is nobody to tell.
  if (response.destroyed) return;
  if (sessionId !== undefined) headers.push('Mcp-Session-Id', sessionId);
  response.writeHead(status, headers);
  response.end(body);
}
