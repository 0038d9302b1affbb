// The open event streams of one server: kept alive by one shared timer, closed together.
import type { ServerResponse } from 'node:http';
import { toEvent } from './exchange.ts';

const keepAliveMs = 15_000;
/** A client that does not read is cut off when this much waits for it. */
const maxWaitingBytes = 16 * 1024 * 1024;

export class EventStreams {
  readonly #open = new Map<string, Set<ServerResponse>>();
  readonly #keepAlive: NodeJS.Timeout;

  constructor() {
    this.#keepAlive = setInterval(() => this.#ping(), keepAliveMs).unref();
  }

  /** Answers with an event stream that stays open; `id` names it (several streams may share one). */
  add(id: string, response: ServerResponse): void {
    const streams = this.#open.get(id) ?? new Set();
    this.#open.set(id, streams.add(response));
    response.on('close', () => {
      streams.delete(response);
      if (streams.size === 0 && this.#open.get(id) === streams) this.#open.delete(id);
    });
    response.writeHead(200, ['Content-Type', 'text/event-stream', 'Cache-Control', 'no-cache']);
    response.flushHeaders();
  }

  has(id: string): boolean {
    return this.#open.has(id);
  }

  /** Sends to the first stream of that name; false when there is none any more. */
  send(id: string, event: string, data: string): boolean {
    const [stream] = this.#open.get(id) ?? [];
    if (stream === undefined) return false;
    if (stream.writableLength > maxWaitingBytes) {
      stream.destroy();
      return false;
    }
    stream.write(toEvent(event, data));
    return true;
  }

  end(id: string): void {
    for (const stream of this.#open.get(id) ?? []) stream.end();
  }

  endAll(): void {
    clearInterval(this.#keepAlive);
    for (const id of this.#open.keys()) this.end(id);
  }

  #ping(): void {
    for (const streams of this.#open.values()) {
      for (const stream of streams) if (stream.writableLength === 0) stream.write(': keep-alive\n\n');
    }
  }
}
