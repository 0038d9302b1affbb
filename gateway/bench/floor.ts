// What a request costs at least, without any gateway: a plain `node:http` proxy through an undici pool (keep-alive, bodies
// streamed and never parsed), a `node:http` server that answers bytes it holds, and a bare Fastify. A process of its own;
// prints the ports when all listen.  node floor.js <upstream URL> <file with the bytes to answer>
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import Fastify from 'fastify';
import { Pool } from 'undici';

const [upstream = '', file = ''] = process.argv.slice(2);
const { origin, pathname } = new URL(upstream);
const pool = new Pool(origin, { connections: 200, keepAliveTimeout: 30_000 });

function proxy(request: IncomingMessage, response: ServerResponse): void {
  const { 'content-type': type = '', 'content-length': length = '0', accept = '*/*' } = request.headers;
  const headers = { 'content-type': type, 'content-length': length, accept };
  pool
    .stream({ path: pathname, method: 'POST', headers, body: request }, ({ statusCode, headers: own }) => {
      response.writeHead(statusCode, {
        'content-type': String(own['content-type']),
        'content-length': String(own['content-length']),
      });
      return response;
    })
    .catch((error: Error) => response.writeHead(502).end(error.message));
}

const bytes = readFileSync(file);
function answerBytes(request: IncomingMessage, response: ServerResponse): void {
  request.resume();
  response.writeHead(200, { 'content-type': 'application/json; charset=utf-8', 'content-length': bytes.length });
  response.end(bytes);
}

const listen = (handle: typeof proxy): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer(handle);
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });

const fastify = Fastify();
fastify.get('/health', () => ({ status: 'healthy' }));
await fastify.listen({ port: 0, host: '127.0.0.1' });
const ports = {
  proxy: await listen(proxy),
  bytes: await listen(answerBytes),
  fastify: (fastify.server.address() as AddressInfo).port,
};
process.stdout.write(`${JSON.stringify(ports)}\n`);
