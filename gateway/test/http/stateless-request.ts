// Requests of the stateless revision, as its clients send them.
import type { TestApp } from '../test-app.ts';

export const version = '2026-07-28';
const prefix = 'io.modelcontextprotocol';

export const meta = {
  [`${prefix}/protocolVersion`]: version,
  [`${prefix}/clientInfo`]: { name: 'test', version: '1' },
  [`${prefix}/clientCapabilities`]: {},
};

export function message(method: string, params: Record<string, unknown> = {}, id: string | number = 1) {
  return { jsonrpc: '2.0', id, method, params: { ...params, _meta: { ...meta, ...(params['_meta'] as object) } } };
}

/** The headers that go with it; `changes` replaces, and takes away what is empty. */
export function headersOf(
  { method, params }: ReturnType<typeof message>,
  changes: Record<string, string> = {},
): Record<string, string> {
  const named: Record<string, unknown> = params;
  const name = ['tools/call', 'prompts/get'].includes(method)
    ? named['name']
    : method === 'resources/read'
      ? named['uri']
      : undefined;
  const headers: Record<string, string> = {
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': version,
    'mcp-method': method,
    ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
    ...changes,
  };
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== ''));
}

export function send(
  gateway: TestApp,
  method: string,
  params: Record<string, unknown> = {},
  changes: Record<string, string> = {},
  url = '/mcp',
) {
  const body = message(method, params);
  return gateway.post(url, body, headersOf(body, changes));
}
