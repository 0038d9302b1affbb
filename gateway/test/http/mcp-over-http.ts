// A client of Streamable HTTP for tests of a listening app: event streams as they come in, piece by piece.
import type { AddressInfo } from 'node:net';
import { type Dispatcher, request } from 'undici';
import { type TestApp, token } from '../test-app.ts';

export interface SentEvent {
  id: string | undefined;
  data: string;
}

export interface Events extends Disposable {
  status: number;
  type: string;
  /** The next events that hold data. */
  take(count: number): Promise<string[]>;
  takeEvents(count: number): Promise<SentEvent[]>;
  /** All that came, comments too. */
  raw(): string;
  /** The whole body, when it has ended. */
  text: Promise<string>;
  ended: Promise<void>;
}

export type SessionHeaders = { accept: string; 'mcp-session-id': string };

export async function initialize(
  gateway: TestApp,
  capabilities: object = {},
  protocolVersion = '2025-06-18',
  user = 'admin',
): Promise<SessionHeaders> {
  const accept = 'application/json, text/event-stream';
  const params = { protocolVersion, capabilities, clientInfo: { name: 't', version: '1' } };
  const message = { jsonrpc: '2.0', id: 0, method: 'initialize', params };
  const answer = await gateway.post('/mcp', message, { accept: 'application/json' }, user);
  if (answer.statusCode !== 200) throw new Error(`initialize: ${answer.statusCode} ${answer.body}`);
  return { accept, 'mcp-session-id': String(answer.headers['mcp-session-id']) };
}

export function openEvents(gateway: TestApp, headers: Record<string, string>): Promise<Events> {
  return read(gateway, { method: 'GET', headers: { ...headers, accept: 'text/event-stream' } });
}

export function postEvents(gateway: TestApp, message: unknown, headers: Record<string, string>): Promise<Events> {
  return read(gateway, {
    method: 'POST',
    headers: { accept: 'application/json, text/event-stream', 'content-type': 'application/json', ...headers },
    body: JSON.stringify(message),
  });
}

async function read(gateway: TestApp, options: Pick<Dispatcher.RequestOptions, 'method' | 'headers' | 'body'>) {
  const { port } = gateway.app.server.address() as AddressInfo;
  const leave = new AbortController();
  const headers = { authorization: `Bearer ${token('admin')}`, ...(options.headers as Record<string, string>) };
  const answer = await request(`http://127.0.0.1:${port}/mcp`, { ...options, headers, signal: leave.signal });
  let raw = '';
  let seen = 0;
  const waiting = new Set<() => void>();
  const end = createGate();
  const wake = () => {
    for (const look of waiting) look();
  };
  answer.body.setEncoding('utf8');
  answer.body.on('data', (chunk: string) => {
    raw += chunk;
    wake();
  });
  answer.body.on('error', () => end.open()); // cut off: by us, or by the gateway
  answer.body.on('end', () => end.open());
  void end.opened.then(wake);
  let isOver = false;
  void end.opened.then(() => {
    isOver = true;
  });
  const takeEvents = (count: number) =>
    new Promise<SentEvent[]>((resolve, reject) => {
      const look = () => {
        const events = toEvents(raw);
        if (events.length >= seen + count) {
          waiting.delete(look);
          resolve(events.slice(seen, seen + count));
          seen += count;
        } else if (isOver) {
          waiting.delete(look);
          reject(new Error(`the stream ended after ${events.length} events:\n${raw}`));
        }
      };
      waiting.add(look);
      void end.opened.then(look);
      look();
    });
  return {
    status: answer.statusCode,
    type: String(answer.headers['content-type']),
    takeEvents,
    take: async (count: number) => (await takeEvents(count)).map(({ data }) => data),
    raw: () => raw,
    text: end.opened.then(() => raw),
    ended: end.opened,
    [Symbol.dispose]: () => leave.abort(),
  };
}

function toEvents(raw: string): SentEvent[] {
  return raw
    .split('\n\n')
    .slice(0, -1)
    .map((block) => ({ id: /^id: (.*)$/m.exec(block)?.[1], data: /^data: (.+)$/m.exec(block)?.[1] ?? '' }))
    .filter(({ data }) => data !== '');
}

export interface Gate {
  open: () => void;
  opened: Promise<void>;
}

export function createGate(): Gate {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}
