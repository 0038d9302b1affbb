// A request and its answer as the fast door has them: what the MCP routes use of Fastify's, on Node's own objects.
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { Identity } from '../auth/index.ts';
import type { RequestTrace } from '../telemetry/request-trace.ts';
import type { Answering, Asked } from './exchange-ports.ts';

type Sent = (error: Error | null, payload: unknown) => void;
type OnSend = (request: Asked, reply: Answering, payload: unknown, done: Sent) => void;

export class DoorRequest implements Asked {
  readonly raw: IncomingMessage;
  readonly id: string;
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly params: { id?: string };
  readonly routeOptions: Asked['routeOptions'];
  readonly trace: RequestTrace | undefined;
  /** Undefined on routes for everybody. */
  readonly identity?: Identity;
  body: string | undefined = undefined;

  constructor(
    raw: IncomingMessage,
    id: string,
    params: { id?: string },
    routeOptions: Asked['routeOptions'],
    trace: RequestTrace | undefined,
    identity: Identity | undefined,
  ) {
    this.raw = raw;
    this.id = id;
    this.method = raw.method ?? '';
    this.url = raw.url ?? '';
    this.headers = raw.headers;
    this.params = params;
    this.routeOptions = routeOptions;
    this.trace = trace;
    if (identity !== undefined) this.identity = identity;
  }

  get ip(): string {
    return this.raw.socket.remoteAddress ?? '';
  }
}

/** What all answers of a door share. */
export interface DoorAnswers {
  server: FastifyInstance;
  /** Of every answer: name, value, name, value … */
  headers: readonly string[];
  /** As Fastify's `onSend` hook: may replace the payload, in its own time. Undefined: nobody does. */
  onSend: OnSend | undefined;
  answerError: (error: unknown, request: Asked, reply: Answering) => unknown;
}

export class DoorReply implements Answering {
  readonly raw: ServerResponse;
  sent = false;
  readonly #answers: DoorAnswers;
  readonly #request: DoorRequest;
  /** Name, value, name, value …, as `writeHead` takes them. */
  readonly #headers: string[];
  #status = 200;

  constructor(raw: ServerResponse, request: DoorRequest, answers: DoorAnswers) {
    this.raw = raw;
    this.#request = request;
    this.#answers = answers;
    this.#headers = answers.headers.slice();
  }

  get server(): FastifyInstance {
    return this.#answers.server;
  }

  code(status: number): this {
    this.#status = status;
    return this;
  }

  header(name: string, value: string): this {
    const at = this.#at(name);
    if (at === -1) this.#headers.push(name, value);
    else this.#headers[at + 1] = value;
    return this;
  }

  getHeader(name: string): string | undefined {
    const at = this.#at(name);
    return at === -1 ? undefined : this.#headers[at + 1];
  }

  getHeaders(): Record<string, string> {
    const all: Record<string, string> = {};
    for (let at = 0; at < this.#headers.length; at += 2) all[this.#headers[at] ?? ''] = this.#headers[at + 1] ?? '';
    return all;
  }

  hasHeader(name: string): boolean {
    return this.#at(name) !== -1;
  }

  removeHeader(name: string): void {
    const at = this.#at(name);
    if (at !== -1) this.#headers.splice(at, 2);
  }

  hijack(): this {
    this.sent = true;
    return this;
  }

  send(payload?: string | Buffer | Error): void {
    if (this.sent) return;
    const { onSend, answerError } = this.#answers;
    if (payload instanceof Error) answerError(payload, this.#request, this);
    else if (onSend === undefined || payload === undefined) this.#write(payload);
    else onSend(this.#request, this, payload, (_error, sent) => this.#write(sent as string | Buffer));
  }

  #at(name: string): number {
    for (let at = 0; at < this.#headers.length; at += 2) if (this.#headers[at] === name) return at;
    return -1;
  }

  #write(payload: string | Buffer | undefined): void {
    if (this.sent) return;
    this.sent = true;
    const bytes = payload === undefined ? 0 : Buffer.byteLength(payload);
    this.#headers.push('content-length', String(bytes));
    this.raw.writeHead(this.#status, this.#headers);
    // ASCII, which most answers are: written without room for what UTF-8 might need, three times as much.
    if (typeof payload === 'string' && bytes === payload.length) this.raw.end(payload, 'latin1');
    else this.raw.end(payload);
  }
}
