// An MCP server of the revision 2026-07-28 and of no other, as strict as the specification has it.
// https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeHeader } from '../../src/mcp/stateless/header-value.ts';

export const revision = '2026-07-28';
const prefix = 'io.modelcontextprotocol/';

type Json = Record<string, unknown>;

export interface Asked {
  id: number;
  method: string;
  params: Json & { _meta: Json; name?: string; uri?: string; arguments?: Json; inputResponses?: Json };
  headers: IncomingMessage['headers'];
}

export interface StatelessUpstream extends AsyncDisposable {
  url: string;
  /** All that came with the POST method, by JSON-RPC method. */
  methods: string[];
  asked: Asked[];
  /** GET and DELETE. */
  others: string[];
  /** Calls whose connection was closed before they were answered. */
  cancelled: () => number;
  /** What the open streams of `subscriptions/listen` asked for. */
  filters: () => Json[];
  /** Tells all streams that asked for it; a resource by its URI. */
  tell: (field: string, method: string, uri?: string) => void;
  /** Ends the streams, as a restart would. */
  breakStreams: () => void;
  /** From now on it is a server of 2025-11-25. */
  downgrade: () => void;
}

const tools = [
  { name: 'echo', inputSchema: { type: 'object', properties: { text: { type: 'string' } } } },
  {
    name: 'regional',
    inputSchema: {
      type: 'object',
      properties: {
        region: { type: 'string', 'x-mcp-header': 'Region' },
        at: { type: 'object', properties: { size: { type: 'integer', 'x-mcp-header': 'Size' } } },
      },
    },
  },
  // Must not be offered: a number is no value for a header.
  { name: 'wrong', inputSchema: { type: 'object', properties: { x: { type: 'number', 'x-mcp-header': 'X' } } } },
  ...['greet', 'progress', 'log', 'hang', 'endless', 'forbidden'].map((name) => ({
    name,
    inputSchema: { type: 'object' },
  })),
];

export async function startStatelessUpstream(): Promise<StatelessUpstream> {
  const methods: string[] = [];
  const asked: Asked[] = [];
  const others: string[] = [];
  const streams = new Map<ServerResponse, Asked>();
  let cancelled = 0;
  let isModern = true;
  const server = createServer(async (request, response) => {
    if (request.method !== 'POST') {
      others.push(String(request.method));
      return response.writeHead(405).end();
    }
    let body = '';
    for await (const chunk of request) body += chunk;
    const message = JSON.parse(body) as Omit<Asked, 'headers'>;
    methods.push(message.method);
    if (!isModern) return answerLegacy(message, request, response);
    const fault = faultOf(message, request);
    if (fault !== undefined) return send(response, message.id, { error: fault }, 400);
    asked.push({ ...message, headers: request.headers });
    if (message.method === 'subscriptions/listen') {
      streams.set(response, { ...message, headers: request.headers });
      response.on('close', () => streams.delete(response));
      const { notifications } = message.params;
      return say(response, message.id, 'notifications/subscriptions/acknowledged', { notifications });
    }
    response.on('close', () => {
      if (!response.writableFinished) cancelled++;
    });
    return answer(message, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    methods,
    asked,
    others,
    cancelled: () => cancelled,
    filters: () => [...streams.values()].map(({ params }) => params['notifications'] as Json),
    tell(field, method, uri) {
      for (const [response, { id, params }] of streams) {
        const wanted = (params['notifications'] as Json)[field];
        if (uri === undefined ? wanted === true : Array.isArray(wanted) && wanted.includes(uri)) {
          say(response, id, method, uri === undefined ? {} : { uri });
        }
      }
    },
    breakStreams() {
      for (const response of streams.keys()) response.destroy();
    },
    downgrade: () => {
      isModern = false;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function send(response: ServerResponse, id: number | null, rest: Json, status = 200): undefined {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ jsonrpc: '2.0', id, ...rest }));
}

/** On the stream of a subscription. */
function say(response: ServerResponse, id: number, method: string, params: Json): undefined {
  if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream' });
  const marked = { ...params, _meta: { [`${prefix}subscriptionId`]: id } };
  response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', method, params: marked })}\n\n`);
}

/** In the order of the specification: headers, `_meta`, version. */
function faultOf({ method, params }: Omit<Asked, 'headers'>, { headers }: IncomingMessage): Json | undefined {
  const mismatch = (message: string) => ({ code: -32020, message });
  const meta = params?._meta ?? {};
  if (!String(headers.accept).includes('application/json') || !String(headers.accept).includes('text/event-stream'))
    return { code: -32600, message: 'Accept' };
  if (headers['mcp-session-id'] !== undefined) return { code: -32600, message: 'there are no sessions' };
  if (headers['mcp-protocol-version'] === undefined) return mismatch('MCP-Protocol-Version is missing');
  if (headers['mcp-protocol-version'] !== meta[`${prefix}protocolVersion`]) return mismatch('MCP-Protocol-Version');
  if (headers['mcp-method'] !== method) return mismatch('Mcp-Method');
  const name = method === 'resources/read' ? params.uri : /^(tools|prompts)\/(call|get)$/.test(method) && params.name;
  if (typeof name === 'string' && decodeHeader(headers['mcp-name']) !== name) return mismatch('Mcp-Name');
  if (typeof meta[`${prefix}clientCapabilities`] !== 'object') return { code: -32602, message: 'clientCapabilities' };
  if (meta[`${prefix}protocolVersion`] !== revision) {
    return { code: -32022, message: 'Unsupported protocol version', data: { supported: [revision] } };
  }
  if (method !== 'tools/call' || params.name !== 'regional') return undefined;
  const { region, at } = (params.arguments ?? {}) as { region?: string; at?: { size?: number } };
  if (decodeHeader(headers['mcp-param-region']) !== region) return mismatch('Mcp-Param-Region');
  if (headers['mcp-param-size'] !== (at?.size === undefined ? undefined : String(at.size))) return mismatch('Size');
  return undefined;
}

function answer(message: Omit<Asked, 'headers'>, response: ServerResponse): undefined {
  const { id, method, params } = message;
  const complete = (result: Json) => send(response, id, { result: { resultType: 'complete', ...result } });
  switch (method) {
    case 'server/discover':
      return complete({
        supportedVersions: [revision],
        capabilities: {
          tools: { listChanged: true },
          resources: { subscribe: true },
          prompts: {},
          completions: {},
          logging: {},
        },
        _meta: { [`${prefix}serverInfo`]: { name: 'stateless', version: '2' } },
        ttlMs: 1000,
        cacheScope: 'private',
      });
    case 'tools/list':
      return params['cursor'] === 'more'
        ? complete({ tools: tools.slice(2), ttlMs: 0, cacheScope: 'private' })
        : complete({ tools: tools.slice(0, 2), nextCursor: 'more', ttlMs: 0, cacheScope: 'private' });
    case 'resources/list':
      return complete({ resources: [{ uri: 'memo://größe', name: 'size' }] });
    case 'resources/templates/list':
      return complete({ resourceTemplates: [] });
    case 'resources/read':
      return complete({ contents: [{ uri: params.uri, text: 'large' }] });
    case 'prompts/list':
      return complete({ prompts: [{ name: 'hello' }] });
    case 'prompts/get':
      return complete({ messages: [{ role: 'user', content: { type: 'text', text: 'Hello' } }] });
    case 'completion/complete':
      return complete({ completion: { values: ['paris'] } });
    case 'tools/call':
      return call(message, response);
    default:
      return send(response, id, { error: { code: -32601, message: `Method not found: ${method}` } }, 404);
  }
}

function call({ id, params }: Omit<Asked, 'headers'>, response: ServerResponse): undefined {
  const text = (value: unknown) => ({
    result: { resultType: 'complete', content: [{ type: 'text', text: JSON.stringify(value) }] },
  });
  const meta = params._meta;
  const capabilities = meta[`${prefix}clientCapabilities`] as Json;
  const require = (result: Json) => send(response, id, { result: { resultType: 'input_required', ...result } });
  switch (params.name) {
    case 'greet':
      if (capabilities['elicitation'] === undefined) {
        return send(response, id, { error: { code: -32021, message: 'elicitation is required' } }, 400);
      }
      if (params['requestState'] !== 'state "1"') {
        return require({
          requestState: 'state "1"',
          inputRequests: {
            who: {
              method: 'elicitation/create',
              params: { message: 'Who?', requestedSchema: { type: 'object', properties: {} } },
            },
            where: { method: 'roots/list' },
          },
        });
      }
      return send(response, id, text({ given: params.inputResponses, kept: params.arguments }));
    case 'endless':
      return require({ requestState: 'again' });
    case 'forbidden':
      return require({ inputRequests: { x: { method: 'tools/call' } } });
    case 'progress':
    case 'log': {
      const [method, said] =
        params.name === 'log'
          ? ['notifications/message', { level: meta[`${prefix}logLevel`] ?? 'none', data: 'said' }]
          : ['notifications/progress', { progressToken: meta['progressToken'], progress: 1 }];
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', method, params: said })}\n\n`);
      response.end(`data: ${JSON.stringify({ jsonrpc: '2.0', id, ...text('done') })}\n\n`);
      return;
    }
    case 'hang':
      return;
    default:
      return send(response, id, text({ arguments: params.arguments, meta }));
  }
}

function answerLegacy({ id, method }: Omit<Asked, 'headers'>, { headers }: IncomingMessage, response: ServerResponse) {
  if (headers['mcp-protocol-version'] === revision) {
    return send(response, null, { error: { code: -32000, message: 'Bad Request: Unsupported protocol version' } }, 400);
  }
  if (id === undefined) return void response.writeHead(202).end();
  const serverInfo = { name: 'stateful', version: '1' };
  const result =
    method === 'initialize'
      ? { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo }
      : { content: [{ type: 'text', text: 'from the older one' }] };
  return send(response, id, { result });
}
