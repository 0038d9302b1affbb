// An MCP server down to the bytes.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Message {
  id?: number;
  method: string;
  params?: { name?: string; requestId?: number; cursor?: string };
}

export type Answer = (message: Message, response: ServerResponse, request: IncomingMessage) => unknown;

export interface RawUpstream extends AsyncDisposable {
  url: string;
  received: Message[];
  /** How often a method came. */
  count: (method: string) => number;
  /** Sessions that were ended by DELETE. */
  ended: string[];
  /** Ids of the sessions that requests came in. */
  sessions: Set<string>;
}

export const json = (response: ServerResponse, body: string, status = 200) => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(body);
};
export const result = (id: number | undefined, text: string) =>
  `{"jsonrpc":"2.0","id":${id},"result":{"text":"${text}"}}`;

export interface RawHooks {
  /** Ends a DELETE. */
  part?: (response: ServerResponse) => void;
  /** Instead of opening a session; answers whether it did something. */
  refuse?: (response: ServerResponse) => boolean;
  port?: number;
}

/** `answer` gets what is not part of opening the session. */
export async function startRawUpstream(answer: Answer, hooks: RawHooks = {}): Promise<RawUpstream> {
  const received: Message[] = [];
  const ended: string[] = [];
  const sessions = new Set<string>();
  let opened = 0;
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const sessionId = String(request.headers['mcp-session-id']);
    if (request.method === 'DELETE') {
      ended.push(sessionId);
      return hooks.part === undefined ? response.writeHead(204).end() : hooks.part(response);
    }
    if (request.method === 'GET') return response.writeHead(405).end();
    const message = JSON.parse(body) as Message;
    received.push(message);
    if (message.method === 'initialize') {
      if (hooks.refuse?.(response)) return;
      response.setHeader('mcp-session-id', `session-${++opened}`);
      const capabilities = { tools: {}, prompts: {} };
      const serverInfo = { name: 'raw', version: '1' };
      const agreed = { protocolVersion: '2025-06-18', capabilities, serverInfo };
      return json(response, JSON.stringify({ jsonrpc: '2.0', id: message.id, result: agreed }));
    }
    if (message.id === undefined) return response.writeHead(202).end();
    sessions.add(sessionId);
    return answer(message, response, request);
  });
  server.listen(hooks.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    received,
    count: (method) => received.filter((message) => message.method === method).length,
    ended,
    sessions,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
