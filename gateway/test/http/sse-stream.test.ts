// Event streams against readers of all kinds, on real sockets.
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import Fastify from 'fastify';
import { expect, test } from 'vitest';
import { MAX_WAITING_BYTES } from '../../src/http/outbox.ts';
import { SseStream } from '../../src/http/sse-stream.ts';
import { configOf } from '../config-of.ts';

/** An app whose only route hands its stream to the test. */
async function start(stalledMs: number) {
  const app = Fastify();
  const opened: SseStream[] = [];
  const closed: boolean[] = [];
  app.get('/', (_, reply) => {
    const stream = new SseStream(reply, { config: configOf(), stalledMs });
    const at = opened.push(stream) - 1;
    stream.onClose(() => {
      closed[at] = true;
    });
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  async function open(): Promise<{ stream: SseStream; socket: Socket; isClosed: () => boolean }> {
    const at = opened.length;
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined); // the gateway cuts it: that is what is tested
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    await once(socket, 'readable');
    const stream = opened[at];
    if (stream === undefined) throw new Error('no stream was opened');
    return { stream, socket, isClosed: () => closed[at] === true };
  }
  return { url: `http://127.0.0.1:${port}`, opened, open, [Symbol.asyncDispose]: () => app.close() };
}

test('[MCP-HTTP-18] a reader that takes nothing is dropped in time, also when little waits for it', async () => {
  await using server = await start(200);
  const { stream, socket, isClosed } = await server.open();
  // One event alone may be larger than what may wait; the operating system takes a part of it.
  stream.send(JSON.stringify('x'.repeat(20_000_000)));
  await expect.poll(isClosed, { timeout: 2_000 }).toBe(true);
  socket.destroy();
});

test('[MCP-HTTP-18] what waits for a reader is bounded: the event that is too much ends its stream', async () => {
  await using server = await start(60_000);
  const { stream, socket, isClosed } = await server.open();
  stream.send(JSON.stringify('x'.repeat(20_000_000)));
  stream.send(JSON.stringify('x'.repeat(MAX_WAITING_BYTES)));
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(stream.isOpen).toBe(true);
  stream.send('"one more"');
  // What comes in one turn of the event loop is judged after it.
  await new Promise(setImmediate);
  expect(stream.isOpen).toBe(false);
  await expect.poll(isClosed).toBe(true);
  socket.destroy();
});

test('a slow reader that reads gets everything, in order, however large', async () => {
  await using server = await start(800);
  const text = JSON.stringify('äöü🌍'.repeat(500_000));
  const [answer] = (await once(get(server.url), 'response')) as [IncomingMessage];
  const stream = server.opened[0];
  for (const json of ['"first"', text, '"last"']) stream?.send(json);
  stream?.end();
  const chunks: Buffer[] = [];
  const startedAt = performance.now();
  while (!answer.readableEnded) {
    const chunk: unknown = answer.read();
    if (Buffer.isBuffer(chunk)) chunks.push(chunk);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  // Longer in all than a reader may take nothing.
  expect(performance.now() - startedAt).toBeGreaterThan(800);
  const sent = ['"first"', text, '"last"'].map((json) => `event: message\ndata: ${json}\n\n`).join('');
  expect(Buffer.concat(chunks).equals(Buffer.from(sent))).toBe(true);
});
