// A client of Streamable HTTP, request by request, each on a connection of its own: over several workers that is what spreads them.
import { Client } from 'undici';

export interface McpAnswer {
  status: number;
  text: string;
  sessionId: string | undefined;
}

export interface McpAsk {
  method?: 'POST' | 'GET' | 'DELETE';
  path?: string;
  headers?: Record<string, string>;
  message?: object;
}

const accept = 'application/json, text/event-stream';

export async function askMcp(url: string, { method = 'POST', path = '/mcp', headers = {}, message }: McpAsk) {
  const client = new Client(url);
  try {
    const answer = await client.request({
      path,
      method,
      headers: { accept, 'content-type': 'application/json', ...headers },
      ...(message === undefined ? {} : { body: JSON.stringify({ jsonrpc: '2.0', id: 1, ...message }) }),
    });
    const id = answer.headers['mcp-session-id'];
    const sessionId = typeof id === 'string' ? id : undefined;
    // A stream stands open: that it was opened is the answer.
    const isStream = method === 'GET' && answer.statusCode === 200;
    return { status: answer.statusCode, text: isStream ? '' : await answer.body.text(), sessionId } satisfies McpAnswer;
  } finally {
    await client.destroy();
  }
}

export async function openSession(url: string, headers: Record<string, string>, capabilities = {}): Promise<string> {
  const params = { protocolVersion: '2025-06-18', capabilities, clientInfo: { name: 'test', version: '1' } };
  const { status, text, sessionId } = await askMcp(url, { headers, message: { method: 'initialize', params } });
  if (status !== 200 || sessionId === undefined) throw new Error(`initialize: ${status} ${text}`);
  return sessionId;
}
