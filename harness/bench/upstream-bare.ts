// The least that a node:http server can do with a request: the measure for what the benchmark servers add.
import { createServer } from 'node:http';
import type { ListeningEvent } from '../src/upstream/servers.ts';

const answer = '{"jsonrpc":"2.0","id":1,"result":{}}';

const server = createServer((request, response) => {
  request.resume();
  request.on('end', () => {
    response.writeHead(200, ['Content-Type', 'application/json', 'Content-Length', String(answer.length)]);
    response.end(answer);
  });
});

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const servers = [{ name: 'bare', url: `http://127.0.0.1:${port}` }];
  const event: ListeningEvent = { event: 'listening', pid: process.pid, servers };
  process.stdout.write(`${JSON.stringify(event)}\n`);
});
process.on('SIGTERM', () => process.exit(0));
