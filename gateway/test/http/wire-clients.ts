// Clients of the two transports whose messages all go one way in and one way out, alike, for one suite of tests.
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { request } from 'undici';
import { WebSocket } from 'ws';
import { type TestApp, token } from '../test-app.ts';

export interface Message {
  id?: unknown;
  method?: string;
  params?: Record<string, unknown>;
  result?: Record<string, unknown>;
  error?: { code: number; message: string };
}

export interface WireClient {
  /** @returns the HTTP status where there is one */
  send(message: unknown): Promise<number | undefined>;
  take(): Promise<Message | Message[]>;
  /** Says that the connection has ended, from either side. */
  ended: Promise<unknown>;
  close(): void;
}

export type OpenWire = (gateway: TestApp, options?: { base?: string; bearer?: string }) => Promise<WireClient>;

export const urlOf = (gateway: TestApp) => `127.0.0.1:${(gateway.app.server.address() as AddressInfo).port}`;

/** Messages in the order they came, and who waits for one. */
function createInbox() {
  const kept: string[] = [];
  const waiting: ((text: string) => void)[] = [];
  return {
    put(text: string) {
      const first = waiting.shift();
      if (first === undefined) kept.push(text);
      else first(text);
    },
    take: () =>
      new Promise<string>((resolve) => {
        const first = kept.shift();
        if (first === undefined) waiting.push(resolve);
        else resolve(first);
      }),
  };
}

const textOf = (message: unknown) => (typeof message === 'string' ? message : JSON.stringify(message));

/** The stream, and where it says to POST to. */
export async function openSseStream(gateway: TestApp, base = '', bearer = token('admin')) {
  // undici would open another connection, for requests to come, as soon as this one breaks.
  const headers = { authorization: `Bearer ${bearer}` };
  const stream = get(`http://${urlOf(gateway)}${base}/sse`, { headers, agent: false });
  const [answer] = (await once(stream, 'response')) as [IncomingMessage];
  if (answer.statusCode !== 200) {
    stream.destroy();
    throw new Error(`the gateway answers ${answer.statusCode}`);
  }
  const inbox = createInbox();
  let text = '';
  answer.setEncoding('utf8');
  answer.on('data', (chunk: string) => {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      const event = text.slice(0, end);
      text = text.slice(end + 2);
      const data = /^data: (.*)$/m.exec(event)?.[1];
      if (data !== undefined) inbox.put(data);
    }
  });
  answer.on('error', () => undefined);
  const ended = new Promise((resolve) => answer.on('close', resolve));
  return { endpoint: await inbox.take(), inbox, ended, close: () => stream.destroy() };
}

export const openSse: OpenWire = async (gateway, { base = '', bearer = token('admin') } = {}) => {
  const { endpoint, inbox, ended, close } = await openSseStream(gateway, base, bearer);
  return {
    async send(message) {
      const { statusCode, body } = await request(`http://${urlOf(gateway)}${endpoint}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
        body: textOf(message),
      });
      await body.dump();
      return statusCode;
    },
    take: async () => JSON.parse(await inbox.take()) as Message,
    ended,
    close,
  };
};

export const openWebSocket: OpenWire = async (gateway, { base = '', bearer = token('admin') } = {}) => {
  const socket = new WebSocket(`ws://${urlOf(gateway)}${base}/ws`, 'mcp', {
    headers: { authorization: `Bearer ${bearer}` },
  });
  const inbox = createInbox();
  socket.on('message', (data) => inbox.put(String(data)));
  const ended = new Promise((resolve) => socket.on('close', resolve));
  await once(socket, 'open');
  return {
    async send(message) {
      socket.send(textOf(message));
      return undefined;
    },
    take: async () => JSON.parse(await inbox.take()) as Message,
    ended,
    close: () => socket.terminate(),
  };
};

export async function initialize(client: WireClient, protocolVersion = '2025-06-18', capabilities: object = {}) {
  const params = { protocolVersion, capabilities, clientInfo: { name: 't', version: '1' } };
  await client.send({ jsonrpc: '2.0', id: 0, method: 'initialize', params });
  return client.take();
}
