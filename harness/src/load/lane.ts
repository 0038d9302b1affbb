// One connection of autocannon, sending only when told to.
// autocannon's own client sends the next request by itself, keeps every request list once per connection, joins body
// chunks as text (which breaks a character that lies across two), and loses track of what is in flight when a connection
// ends. So its socket and parser are used, and these members of it are replaced (autocannon 9.0.0, lib/httpClient.js).
import type { EventEmitter } from 'node:events';
import { Socket } from 'node:net';

/** The members of autocannon's client that a lane uses or replaces. */
export interface AutocannonClient extends EventEmitter {
  conn: Socket;
  timeout: number;
  parser: { initialize(type: string): void; execute(chunk: Buffer): unknown; finish(): unknown };
  pipelinedRequests: unknown;
  requestIterator: unknown;
  _connect(): void;
  _doRequest(): void;
  _destroyConnection(): void;
}

export interface Answer {
  requestIndex: number;
  /** As given to `send`. */
  intendedMs: number;
  /** performance.now() at the write and at the last byte. */
  sentMs: number;
  endMs: number;
  status: number;
  bytes: number;
  body: Buffer;
  /** Set when there was no answer. */
  lost: { kind: 'timeout' | 'connection'; detail: string } | null;
}

interface ParserHeaders {
  statusCode: number;
  shouldKeepAlive: boolean;
}

interface Pending {
  requestIndex: number;
  intendedMs: number;
  sentMs: number;
  bytes: number;
  headers: ParserHeaders | null;
  chunks: Buffer[];
}

/** What autocannon's parser callbacks read of a finished exchange; our own bookkeeping does not pass through them. */
const UNUSED_EXCHANGE = { req: undefined, bytes: 0, duration: 0, body: '', headers: { statusCode: 0, headers: [] } };

/** @throws Error when autocannon's client is not the one that this file was written for. */
function assertKnown(client: AutocannonClient): void {
  const functions = [client._connect, client._doRequest, client._destroyConnection, client.parser?.initialize];
  if (functions.some((member) => typeof member !== 'function') || client.pipelinedRequests === undefined) {
    throw new Error('this version of autocannon is built differently: lane.ts knows 9.0');
  }
}

export class Lane {
  readonly #client: AutocannonClient;
  readonly #open: () => void;
  readonly #onAnswer: (lane: Lane, answer: Answer) => void;
  #connected = false;
  #pending: Pending | null = null;
  #error = '';
  /** Connections opened so far. */
  opened = 0;

  constructor(client: AutocannonClient, onAnswer: (lane: Lane, answer: Answer) => void) {
    assertKnown(client);
    this.#client = client;
    this.#onAnswer = onAnswer;
    this.#open = client._connect.bind(client);
    const execute = client.parser.execute.bind(client.parser);
    client.parser.execute = (chunk) => {
      const result = execute(chunk);
      if (result instanceof Error) this.abandon('connection', `not HTTP: ${result.message}`);
      return result;
    };
    client.timeout = 2 ** 31 - 1;
    // Unconnected until the first use; autocannon destroys `conn` at the end, whatever it is.
    client.conn = new Socket();
    client._connect = () => this.#ended();
    client._doRequest = () => undefined;
    client.requestIterator = { recordBody: () => undefined };
    client.pipelinedRequests = {
      clear: () => undefined,
      addByteCount: (count: number) => {
        if (this.#pending !== null) this.#pending.bytes += count;
      },
      addBody: (chunk: Buffer) => this.#pending?.chunks.push(chunk),
      setHeaders: (headers: ParserHeaders) => {
        if (this.#pending !== null) this.#pending.headers = headers;
      },
      terminateRequest: () => {
        this.#answered();
        return UNUSED_EXCHANGE;
      },
    };
    client.on('connError', (error: NodeJS.ErrnoException) => {
      this.#error = error.code ?? error.message;
    });
  }

  get sentMs(): number {
    return this.#pending?.sentMs ?? Number.POSITIVE_INFINITY;
  }

  get connected(): boolean {
    return this.#connected;
  }

  connect(): void {
    this.#client.parser.initialize('RESPONSE');
    this.#error = '';
    this.#connected = true;
    this.opened += 1;
    this.#open();
    this.#client.conn.setNoDelay(true);
  }

  /** Sends now; on a closed connection it opens one first, whose time is part of the latency. */
  send(bytes: Buffer, requestIndex: number, intendedMs: number): void {
    const sentMs = performance.now();
    if (!this.#connected) this.connect();
    this.#pending = { requestIndex, intendedMs, sentMs, bytes: 0, headers: null, chunks: [] };
    this.#client.conn.write(bytes);
  }

  /** Gives up the request in flight and its connection. */
  abandon(kind: 'timeout' | 'connection', detail: string): void {
    this.#close();
    this.#lose(kind, detail);
  }

  #close(): void {
    this.#connected = false;
    this.#client._destroyConnection();
  }

  #answered(): void {
    const pending = this.#pending;
    if (pending === null || pending.headers === null) return;
    this.#pending = null;
    const endMs = performance.now();
    if (!pending.headers.shouldKeepAlive) this.#close();
    const [first] = pending.chunks;
    const body = pending.chunks.length === 1 && first !== undefined ? first : Buffer.concat(pending.chunks);
    this.#onAnswer(this, { ...pending, endMs, status: pending.headers.statusCode, body, lost: null });
  }

  /** autocannon calls this when the server ended the connection or it broke; it would reconnect and send by itself. */
  #ended(): void {
    if (!this.#connected) return;
    this.#connected = false;
    // A body without a length ends with the connection: then this is its regular end, and terminateRequest is called.
    if (this.#error === '' && this.#pending?.headers) this.#client.parser.finish();
    this.#lose('connection', this.#error || 'closed before the answer');
  }

  #lose(kind: 'timeout' | 'connection', detail: string): void {
    const pending = this.#pending;
    if (pending === null) return;
    this.#pending = null;
    const nothing = { status: 0, body: Buffer.alloc(0), endMs: performance.now() };
    this.#onAnswer(this, { ...pending, ...nothing, lost: { kind, detail } });
  }
}
