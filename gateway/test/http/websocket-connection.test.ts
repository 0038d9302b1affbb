// A WebSocket against readers of all kinds, on real sockets.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { MAX_WAITING_BYTES } from '../../src/http/outbox.ts';
import { WebSocketConnection } from '../../src/http/websocket-connection.ts';

async function start(stalledMs: number) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', autoPong: false, perMessageDeflate: false });
  await once(server, 'listening');
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const [socket] = (await once(server, 'connection')) as [WebSocket];
  if (client.readyState !== client.OPEN) await once(client, 'open');
  const got: string[] = [];
  client.on('message', (data) => got.push(String(data)));
  let isClosed = false;
  socket.on('close', () => {
    isClosed = true;
  });
  return {
    client,
    socket,
    got,
    connection: new WebSocketConnection(socket, stalledMs),
    isClosed: () => isClosed,
    async [Symbol.asyncDispose]() {
      client.terminate();
      socket.terminate();
      server.close();
      await once(server, 'close');
    },
  };
}

const large = JSON.stringify('äöü🌍'.repeat(500_000));

test('[MCP-WS-06] a large message arrives whole, and what is sent behind it too, before the goodbye', async () => {
  await using ends = await start(20_000);
  const closed = once(ends.client, 'close');
  for (const json of ['"first"', large, '"last"']) ends.connection.send(json);
  ends.connection.close(1001, 'bye');
  expect((await closed)[0]).toBe(1001);
  expect(ends.got).toEqual(['"first"', large, '"last"']);
});

test('[MCP-WS-06] a slow reader that reads keeps its connection, however long a message takes', async () => {
  await using ends = await start(400);
  const huge = JSON.stringify('x'.repeat(20_000_000));
  const startedAt = performance.now();
  ends.connection.send(huge);
  while (ends.got.length === 0 && !ends.isClosed()) {
    ends.client.pause();
    await new Promise((resolve) => setTimeout(resolve, 60));
    ends.client.resume();
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  expect(ends.got[0]?.length).toBe(huge.length);
  expect(performance.now() - startedAt).toBeGreaterThan(400);
});

test('[MCP-WS-06] a reader that takes nothing is let go in time, and before 1 MB waits behind what is on its way', async () => {
  await using stopped = await start(200);
  stopped.client.pause();
  stopped.connection.send(JSON.stringify('x'.repeat(20_000_000)));
  await expect.poll(stopped.isClosed, { timeout: 5_000 }).toBe(true);
  await using flooded = await start(60_000);
  flooded.client.pause();
  flooded.connection.send(JSON.stringify('x'.repeat(20_000_000)));
  flooded.connection.send(JSON.stringify('x'.repeat(MAX_WAITING_BYTES)));
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(flooded.isClosed()).toBe(false);
  flooded.connection.send('"one more"');
  await expect.poll(flooded.isClosed, { timeout: 5_000 }).toBe(true);
});

test('[MCP-WS-06] answers to the pings of a peer that does not read do not pile up', async () => {
  await using ends = await start(60_000);
  let pongs = 0;
  ends.client.on('pong', () => pongs++);
  ends.client.ping('hello');
  await expect.poll(() => pongs, { timeout: 5_000 }).toBe(1);
  ends.client.pause();
  ends.connection.send(JSON.stringify('x'.repeat(20_000_000)));
  let pings = 0;
  ends.socket.on('ping', () => pings++);
  for (let at = 0; at < 20_000; at++) ends.client.ping('x'.repeat(125));
  await expect.poll(() => pings, { timeout: 5_000 }).toBe(20_000);
  expect(ends.socket.bufferedAmount).toBeLessThan(200_000);
});
