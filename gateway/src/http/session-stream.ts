// One stream of a stateful session over Streamable HTTP. It outlives its connections: what is sent while there is none is
// kept, and sent when the client comes back for it.
import { isFromVersion } from '../mcp/versions.ts';
import type { EventLog, LoggedEvent } from './event-log.ts';
import type { Outlet, SseStream } from './sse-stream.ts';

/** When a client whose stream ends may come back. */
const RETRY_MS = 1_000;

export class SessionStream implements Outlet {
  readonly id: number;
  readonly #log: EventLog;
  #connection: SseStream | undefined;
  #isResumable = false;
  #isOver = false;

  constructor(log: EventLog) {
    this.#log = log;
    this.id = log.open();
  }

  /** The client has an event id from which it can go on. */
  get isResumable(): boolean {
    return this.#isResumable;
  }

  get isConnected(): boolean {
    return this.#connection !== undefined;
  }

  /** The connection before is let go: messages go out on one alone. */
  connect(connection: SseStream, missed: LoggedEvent[] = []): void {
    this.#connection?.end();
    this.#connection = connection;
    connection.onClose(() => {
      if (this.#connection === connection) this.#connection = undefined;
    });
    for (const { id, json } of missed) connection.send(json, id);
    if (this.#isOver) connection.end();
  }

  /** From 2025-11-25 on: an event with an id and no data, so that the client can come back before anything was sent. */
  prime(version: string): void {
    if (!isFromVersion(version, '2025-11-25')) return;
    this.#isResumable = true;
    this.#connection?.sendRaw(`id: ${this.#log.prime(this.id)}\nretry: ${RETRY_MS}\ndata: \n\n`);
  }

  send(json: string): void {
    const eventId = this.#log.append(this.id, json);
    if (this.#connection?.isOpen) this.#isResumable = true;
    this.#connection?.send(json, eventId);
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#log.close(this.id);
    this.#connection?.end();
  }
}
