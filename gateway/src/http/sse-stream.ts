// A server-sent-events answer: taken out of Fastify's hands, kept alive by comments, ended once. A reader that stops reading is
// let go: what waits for it is bounded in bytes and in time.
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import type { Config } from '../config.ts';

/** A way to a client: an event stream, a WebSocket. */
export interface Outlet {
  /** One JSON-RPC message. Never throws: what cannot be sent any more is lost. */
  send(json: string): void;
}

export interface SseStreamOptions {
  config: Pick<Config, 'SSE_KEEPALIVE_ENABLED' | 'SSE_KEEPALIVE_INTERVAL'>;
  /** Beside what the reply has. */
  headers?: OutgoingHttpHeaders;
  /** Called at every keep-alive interval while the stream is open, also when no comments are sent. */
  onKeepAlive?: () => void;
}

/** One event may be larger: but then nothing else waits behind it. */
export const MAX_WAITING_BYTES = 1024 * 1024;
/** Pieces of this size show whether a slow reader reads at all. */
const PIECE_BYTES = 64 * 1024;
/** A reader that takes not one piece in this time has stopped reading. */
const STALLED_MS = 20_000;

export class SseStream implements Outlet {
  readonly #raw: ServerResponse;
  readonly #options: SseStreamOptions;
  readonly #waiting: (string | Buffer)[] = [];
  readonly #keepAlive: NodeJS.Timeout;
  #waitingBytes = 0;
  #isWriting = false;
  #isEnding = false;
  #stalled: NodeJS.Timeout | undefined;

  constructor(reply: FastifyReply, options: SseStreamOptions) {
    const { config, headers } = options;
    this.#options = options;
    this.#raw = reply.raw;
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
    if (!this.#isWriting) this.#raw.end();
  }

  #beAlive(): void {
    if (this.#options.config.SSE_KEEPALIVE_ENABLED) this.#write(': keep-alive\n\n');
    this.#options.onKeepAlive?.();
  }

  #write(text: string): void {
    if (!this.isOpen) return;
    const bytes = Buffer.byteLength(text);
    if (this.#waitingBytes > 0 && this.#waitingBytes + bytes > MAX_WAITING_BYTES) {
      this.#raw.destroy();
      return;
    }
    this.#waitingBytes += bytes;
    if (bytes <= PIECE_BYTES) this.#waiting.push(text);
    else {
      const whole = Buffer.from(text);
      for (let at = 0; at < bytes; at += PIECE_BYTES) this.#waiting.push(whole.subarray(at, at + PIECE_BYTES));
    }
    if (!this.#isWriting) this.#next();
  }

  #next(): void {
    const piece = this.#waiting.shift();
    this.#isWriting = piece !== undefined;
    if (piece === undefined) {
      if (this.#isEnding) this.#raw.end();
      return;
    }
    this.#stalled = setTimeout(destroy, STALLED_MS, this.#raw).unref();
    this.#raw.write(piece, () => {
      clearTimeout(this.#stalled);
      this.#waitingBytes -= typeof piece === 'string' ? Buffer.byteLength(piece) : piece.length;
      if (!this.#raw.destroyed) this.#next();
    });
  }

  #release(): void {
    clearInterval(this.#keepAlive);
    clearTimeout(this.#stalled);
    this.#waiting.length = 0;
  }
}

function destroy(raw: ServerResponse): void {
  raw.destroy();
}
