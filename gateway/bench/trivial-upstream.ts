// An MCP server that costs next to nothing: one tool, one fixed result. A process of its own, so that its work is not the
// gateway's; prints its URL when it listens.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const results: Record<string, string> = {
  initialize:
    '{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"trivial","version":"1"}}',
  'tools/list': JSON.stringify({
    tools: Array.from({ length: 50 }, (_, at) => ({
      name: `tool_${at}`,
      description: `Tool number ${at}, with a description of an ordinary length.`,
      inputSchema: { type: 'object', properties: { time: { type: 'string' } } },
    })),
  }),
  'tools/call': '{"content":[{"type":"text","text":"2025-01-01T12:00:00+01:00"}],"isError":false}',
};

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    if (request.method !== 'POST') return response.writeHead(405).end();
    const { id, method } = JSON.parse(Buffer.concat(chunks).toString()) as { id?: number; method: string };
    if (id === undefined) return response.writeHead(202).end();
    const body = `{"jsonrpc":"2.0","id":${id},"result":${results[method] ?? '{}'}}`;
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
    return response.end(body);
  });
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp\n`);
});
