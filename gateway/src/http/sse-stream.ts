// A server-sent-events answer: taken out of Fastify's hands, kept alive by comments, ended once. A reader that stops reading is
// let go (outbox.ts).
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Config } from '../config.ts';
import type { Answering } from './exchange-ports.ts';
import { Outbox } from './outbox.ts';

/** A way to a client: an event stream, a WebSocket. */
export interface Outlet {
  /** One JSON-RPC message. Never throws: what cannot be sent any more is lost. */
  send(json: string): void;
}

export interface SseStreamOptions {
  config: Pick<Config, 'SSE_KEEPALIVE_ENABLED' | 'SSE_KEEPALIVE_INTERVAL'>;
  /** Beside what the reply has. */
  headers?: OutgoingHttpHeaders;
  /** A reader that takes nothing for so long has stopped reading. */
  stalledMs?: number;
  /** Called at every keep-alive interval while the stream is open, also when no comments are sent. */
  onKeepAlive?: () => void;
}

export class SseStream implements Outlet {
  readonly #raw: ServerResponse;
  readonly #options: SseStreamOptions;
  readonly #outbox: Outbox;
  readonly #keepAlive: NodeJS.Timeout;
  #isEnding = false;

  constructor(reply: Pick<Answering, 'raw' | 'getHeaders' | 'hijack'>, options: SseStreamOptions) {
    const { config, headers, stalledMs } = options;
    const { raw } = reply;
    this.#options = options;
    this.#raw = raw;
    this.#outbox = new Outbox(
      { write: (piece, _, done) => raw.write(piece, done), cut: () => raw.destroy() },
      stalledMs,
    );
    const known = reply.getHeaders();
    reply.hijack();
    this.#raw.writeHead(200, {
      // What hooks have set would be lost with the answer taken out of Fastify's hands.
      ...(known as OutgoingHttpHeaders),
      ...headers,
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      // nginx would otherwise hold events back.
      'x-accel-buffering': 'no',
    });
    this.#raw.flushHeaders();
    this.#keepAlive = setInterval(() => this.#beAlive(), config.SSE_KEEPALIVE_INTERVAL * 1000).unref();
    this.#raw.on('close', () => this.#release());
  }

  onClose(listener: () => void): void {
    this.#raw.on('close', listener);
  }

  get isOpen(): boolean {
    return !this.#isEnding && !this.#raw.destroyed;
  }

  /** @param eventId what the client names to go on from here */
  send(json: string, eventId?: string): void {
    const id = eventId === undefined ? '' : `id: ${eventId}\n`;
    // JSON has no line breaks of its own, so one `data` line holds it.
    this.#write(`${id}event: message\ndata: ${json.replaceAll('\n', ' ').replaceAll('\r', ' ')}\n\n`);
  }

  /** Text of an event that is not a JSON-RPC message. */
  sendRaw(event: string): void {
    this.#write(event);
  }

  /** What was sent reaches the client first. */
  end(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    clearInterval(this.#keepAlive);
    this.#outbox.end(() => this.#raw.end());
  }

  #beAlive(): void {
    if (this.#options.config.SSE_KEEPALIVE_ENABLED) this.#write(': keep-alive\n\n');
    this.#options.onKeepAlive?.();
  }

  #write(text: string): void {
    if (this.isOpen) this.#outbox.send(text);
  }

  #release(): void {
    clearInterval(this.#keepAlive);
    this.#outbox[Symbol.dispose]();
  }
}
