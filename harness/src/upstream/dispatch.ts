// MCP without I/O: one JSON-RPC message in, the text of its answer out. Transports own sessions and HTTP.
import { isObject, isRequestId, RpcError, rpcCode, toErrorText, toResultText } from './json-rpc.ts';
import { type Offer, toPage } from './offer.ts';
import type { Caller } from './tool.ts';
import { negotiateVersion } from './versions.ts';

/** A server as its methods see it. */
export interface McpServer {
  name: string;
  version: string;
  offer: Offer;
  /** Told of every failure that is our own fault (the client gets -32603). */
  reportFailure(error: unknown): void;
}

type Params = Record<string, unknown>;
type Method = (server: McpServer, params: Params, caller: Caller) => string | Promise<string>;

// A Map, not an object: `__proto__` and `constructor` are method names that a client may send.
const methods = new Map<string, Method>([
  ['initialize', initialize],
  ['ping', () => '{}'],
  ['tools/list', (server, params) => toPage(server.offer.pages.tools, params['cursor'])],
  ['tools/call', callTool],
  ['resources/list', (server, params) => toPage(server.offer.pages.resources, params['cursor'])],
  ['resources/templates/list', (server, params) => toPage(server.offer.pages.resourceTemplates, params['cursor'])],
  ['resources/read', readResource],
  ['prompts/list', (server, params) => toPage(server.offer.pages.prompts, params['cursor'])],
  ['prompts/get', getPrompt],
]);

/** @returns the answer's text; undefined for notifications and answers, which get none */
export function dispatch(
  server: McpServer,
  message: unknown,
  caller: Caller,
): string | undefined | Promise<string | undefined> {
  if (!isObject(message) || message['jsonrpc'] !== '2.0') {
    return toErrorText(null, rpcCode.invalidRequest, 'a message is an object with "jsonrpc": "2.0"');
  }
  const { id, method, params } = message;
  if (method === undefined && ('result' in message || 'error' in message)) return undefined;
  if (id !== undefined && !isRequestId(id)) {
    return toErrorText(null, rpcCode.invalidRequest, 'id must be a string or a number');
  }
  if (typeof method !== 'string') {
    return toErrorText(id ?? null, rpcCode.invalidRequest, 'method must be a string');
  }
  if (id === undefined) return undefined;
  if (params !== undefined && !isObject(params)) {
    return toErrorText(id, rpcCode.invalidParams, 'params must be an object');
  }
  const run = methods.get(method);
  if (run === undefined) return toErrorText(id, rpcCode.methodNotFound, `unknown method ${method}`);
  try {
    const result = run(server, params ?? {}, caller);
    if (typeof result === 'string') return toResultText(id, result);
    return result.then(
      (text) => toResultText(id, text),
      (error: unknown) => toFailureText(server, id, error),
    );
  } catch (error) {
    return toFailureText(server, id, error);
  }
}

function toFailureText(server: McpServer, id: string | number, error: unknown): string {
  if (error instanceof RpcError) return toErrorText(id, error.code, error.message);
  server.reportFailure(error);
  return toErrorText(id, rpcCode.internalError, 'internal error');
}

function initialize(server: McpServer, params: Params): string {
  const wanted = params['protocolVersion'];
  if (typeof wanted !== 'string') throw new RpcError(rpcCode.invalidParams, 'protocolVersion must be a string');
  return JSON.stringify({
    protocolVersion: negotiateVersion(wanted),
    capabilities: { tools: {}, resources: {}, prompts: {} },
    serverInfo: { name: server.name, version: server.version },
  });
}

function callTool(server: McpServer, params: Params, caller: Caller): string | Promise<string> {
  const { name } = params;
  // Not quoted: JSON that is nested deep enough can be read, but not written.
  if (typeof name !== 'string') throw new RpcError(rpcCode.invalidParams, 'name must be a string');
  const tool = server.offer.tools.get(name);
  if (tool === undefined) throw new RpcError(rpcCode.invalidParams, `unknown tool ${JSON.stringify(name)}`);
  return tool.call(params['arguments'], caller);
}

function readResource(server: McpServer, params: Params): string {
  const { uri } = params;
  if (typeof uri !== 'string') throw new RpcError(rpcCode.invalidParams, 'uri must be a string');
  const { resources, templates } = server.offer;
  const resource = resources.get(uri);
  if (resource !== undefined) return toContents(uri, resource.definition.mimeType, resource.read());
  for (const template of templates) {
    const text = template.read(uri);
    if (text !== undefined) return toContents(uri, template.definition.mimeType, text);
  }
  throw new RpcError(rpcCode.resourceNotFound, `no resource ${uri}`);
}

function toContents(uri: string, mimeType: string, text: string): string {
  return JSON.stringify({ contents: [{ uri, mimeType, text }] });
}

function getPrompt(server: McpServer, params: Params): string {
  const { name, arguments: given = {} } = params;
  if (typeof name !== 'string') throw new RpcError(rpcCode.invalidParams, 'name must be a string');
  const prompt = server.offer.prompts.get(name);
  if (prompt === undefined) throw new RpcError(rpcCode.invalidParams, `unknown prompt ${JSON.stringify(name)}`);
  if (!isObject(given)) throw new RpcError(rpcCode.invalidParams, 'arguments must be an object');
  const args: Record<string, string> = {};
  for (const { name: key, required } of prompt.definition.arguments) {
    const value = Object.hasOwn(given, key) ? given[key] : undefined;
    if (typeof value === 'string') args[key] = value;
    else if (value !== undefined) throw new RpcError(rpcCode.invalidParams, `argument ${key} must be a string`);
    else if (required) throw new RpcError(rpcCode.invalidParams, `argument ${key} is required`);
  }
  return JSON.stringify({ description: prompt.definition.description, messages: prompt.get(args) });
}
