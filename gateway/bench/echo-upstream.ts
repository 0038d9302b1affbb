// An MCP server that costs next to nothing, on raw sockets: 50 tools, and a call that answers the text it was given, so that
// every answer can be checked against its request. A process of its own; prints its URL when it listens. Not for general use:
// it reads requests as undici writes them (one head, one body, `content-length`).
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { MessageReader } from './message-reader.ts';

const tools = Array.from({ length: 50 }, (_, at) => ({
  name: `tool_${at}`,
  description: `Tool number ${at}, with a description of an ordinary length.`,
  inputSchema: { type: 'object', properties: { text: { type: 'string' } } },
}));
const results: Record<string, string> = {
  initialize: '{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"echo","version":"1"}}',
  'tools/list': JSON.stringify({ tools }),
};

function answer(body: string): string {
  const callText = /"method":"tools\/call".*"text":"([^"]*)"/.exec(body)?.[1];
  const id = /"id":(\d+)/.exec(body)?.[1];
  if (id === undefined) return 'HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n';
  const method = /"method":"([^"]*)"/.exec(body)?.[1] ?? '';
  const result =
    callText === undefined
      ? (results[method] ?? '{}')
      : `{"content":[{"type":"text","text":"${callText}"}],"isError":false}`;
  const text = `{"jsonrpc":"2.0","id":${id},"result":${result}}`;
  return `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${text.length}\r\n\r\n${text}`;
}

function serve(socket: Socket): void {
  const reader = new MessageReader((head, body) => {
    socket.write(head.startsWith('POST ') ? answer(body) : 'HTTP/1.1 405 No\r\ncontent-length: 0\r\n\r\n');
  });
  socket.on('data', (chunk) => reader.push(chunk));
  socket.on('error', () => socket.destroy());
}

const server = createServer({ noDelay: true }, serve);
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp\n`);
});
