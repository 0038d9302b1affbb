// The stream on which an upstream says what it was not asked: the GET stream of a session, or what `subscriptions/listen` answers
// (2026-07-28). Opened again when it breaks, a GET from where it broke; an upstream that has none says so (405) and is left alone.
// https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#listening-for-messages-from-the-server
import type { Dispatcher } from 'undici';
import { isObject } from '../mcp/messages.ts';
import type { Origin } from './outbound.ts';
import { SseParser } from './sse-parser.ts';
import type { Inbox } from './wire.ts';

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 30_000;
/** One event above this ends the stream: it would be held in memory whole. */
const MAX_EVENT_BYTES = 16 * 1024 * 1024;

export interface StreamRequest {
  method: 'GET' | 'POST';
  headers: string[];
  body?: string;
}

/** @param headers of the session */
export function toGet(headers: string[]): StreamRequest {
  return { method: 'GET', headers: withAccept(headers) };
}

export class StandingStream implements Disposable {
  readonly #origin: Origin;
  readonly #path: string;
  readonly #toRequest: () => StreamRequest;
  readonly #inbox: Inbox;
  #controller: Dispatcher.DispatchController | undefined;
  #retry: NodeJS.Timeout | undefined;
  #failures = 0;
  #lastEventId: string | undefined;
  #retryMs: number | undefined;
  #isOver = false;

  /** @param toRequest asked at each opening */
  constructor(origin: Origin, path: string, toRequest: () => StreamRequest, inbox: Inbox) {
    this.#origin = origin;
    this.#path = path;
    this.#toRequest = toRequest;
    this.#inbox = inbox;
    this.#open();
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    clearTimeout(this.#retry);
    this.#controller?.abort(new Error('the session is over'));
  }

  #open(): void {
    const { method, headers, body } = this.#toRequest();
    const sent = [...headers];
    if (method === 'GET' && this.#lastEventId !== undefined) sent.push('last-event-id', this.#lastEventId);
    const parser = new SseParser();
    let eventBytes = 0;
    this.#origin.dispatcher(true).dispatch(
      { path: this.#path, method, headers: sent, ...(body === undefined ? {} : { body }) },
      {
        onRequestStart: (controller) => {
          this.#controller = controller;
          if (this.#isOver) controller.abort(new Error('the session is over'));
        },
        onResponseStart: (controller, status, { 'content-type': contentType }) => {
          if (status === 200 && String(contentType).startsWith('text/event-stream')) {
            this.#failures = 0;
          } else {
            // 405: it has no such stream. 4xx: it does not know us any more; the next call will find out.
            if (status < 500) this.#isOver = true;
            controller.abort(new Error(`HTTP ${status} where an event stream was asked for`));
          }
        },
        onResponseData: (controller, chunk) => {
          const events = parser.push(chunk);
          eventBytes = events.length > 0 ? 0 : eventBytes + chunk.length;
          this.#lastEventId = parser.lastEventId ?? this.#lastEventId;
          this.#retryMs = parser.retryMs ?? this.#retryMs;
          for (const { data } of events) take(this.#inbox, data);
          if (eventBytes > MAX_EVENT_BYTES) controller.abort(new Error(`an event exceeds ${MAX_EVENT_BYTES} bytes`));
        },
        onResponseEnd: () => this.#reopen(),
        onResponseError: () => this.#reopen(),
      },
    );
  }

  #reopen(): void {
    if (this.#isOver) return;
    const waitMs = Math.min(LAST_RETRY_MS, (this.#retryMs ?? FIRST_RETRY_MS) * 2 ** this.#failures++);
    this.#retry = setTimeout(() => this.#open(), waitMs).unref();
  }
}

function withAccept(headers: string[]): string[] {
  const own: string[] = [];
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] as string;
    if (name !== 'content-type' && name !== 'accept') own.push(name, headers[at + 1] as string);
  }
  own.push('accept', 'text/event-stream');
  return own;
}

function take(inbox: Inbox, data: string): void {
  let message: unknown;
  try {
    message = JSON.parse(data);
  } catch {
    // Not ours to repair: the next event may be whole.
    return;
  }
  if (isObject(message) && 'method' in message) void inbox.take(message, data, undefined);
}
