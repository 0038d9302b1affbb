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
  /** A reader that takes nothing for so long has stopped reading. */
  stalledMs?: number;
  /** Called at every keep-alive interval while the stream is open, also when no comments are sent. */
  onKeepAlive?: () => void;
}

/** What may wait behind the event that is being written, unless it is one event alone. */
export const MAX_WAITING_BYTES = 1024 * 1024;
/** While pieces go out: what comes in one burst is no fault of a client that reads. */
const MAX_BURST_BYTES = 16 * 1024 * 1024;
/** A piece that takes longer has a reader that is slow, or none. */
const BRISK_MS = 250;
/** Pieces of this size show whether a slow reader reads at all. */
const PIECE_BYTES = 64 * 1024;
/** Well within 30 s: a slow reader takes a piece in less. */
const STALLED_MS = 20_000;

export class SseStream implements Outlet {
  readonly #raw: ServerResponse;
  readonly #options: SseStreamOptions;
  readonly #waiting: string[] = [];
  /** What is left of an event that goes out in pieces. */
  #rest: Buffer | undefined;
  readonly #keepAlive: NodeJS.Timeout;
  #waitingBytes = 0;
  /** When the piece that is being written was begun. */
  #pieceAt = 0;
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
    if (!this.#isWriting) {
      this.#writePiece(text);
      return;
    }
    const bytes = Buffer.byteLength(text);
    const most = performance.now() - this.#pieceAt < BRISK_MS ? MAX_BURST_BYTES : MAX_WAITING_BYTES;
    if (this.#waitingBytes > 0 && this.#waitingBytes + bytes > most) {
      this.#raw.destroy();
      return;
    }
    this.#waitingBytes += bytes;
    this.#waiting.push(text);
  }

  #writePiece(event: string | Buffer): void {
    let piece = event;
    if (event.length > PIECE_BYTES) {
      const whole = typeof event === 'string' ? Buffer.from(event) : event;
      piece = whole.subarray(0, PIECE_BYTES);
      this.#rest = whole.subarray(PIECE_BYTES);
    } else {
      this.#rest = undefined;
    }
    this.#isWriting = true;
    this.#pieceAt = performance.now();
    this.#stalled = setTimeout(destroy, this.#options.stalledMs ?? STALLED_MS, this.#raw).unref();
    this.#raw.write(piece, () => {
      clearTimeout(this.#stalled);
      if (!this.#raw.destroyed) this.#writeNext();
    });
  }

  #writeNext(): void {
    const event = this.#rest ?? this.#waiting.shift();
    if (event === undefined) {
      this.#isWriting = false;
      if (this.#isEnding) this.#raw.end();
      return;
    }
    if (typeof event === 'string') this.#waitingBytes -= Buffer.byteLength(event);
    this.#writePiece(event);
  }

  #release(): void {
    clearInterval(this.#keepAlive);
    clearTimeout(this.#stalled);
    this.#waiting.length = 0;
    this.#rest = undefined;
  }
}

function destroy(raw: ServerResponse): void {
  raw.destroy();
}
