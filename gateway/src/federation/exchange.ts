// One HTTP request that carries one JSON-RPC message to an upstream, up to the text of its answer. Knows HTTP and SSE, not MCP
// sessions.
import { isUtf8 } from 'node:buffer';
import type { Dispatcher } from 'undici';
import { GatewayError } from '../errors.ts';
import { isObject } from '../mcp/messages.ts';
import type { CancelSignal, ClientPeer } from '../mcp/ports.ts';
import type { Origin } from './outbound.ts';
import { SseParser } from './sse-parser.ts';
import type { Inbox, WireAnswer } from './wire.ts';

export interface ExchangeOptions {
  origin: Origin;
  /** On a connection beside those of the calls: what must get through when all of them are busy. */
  isAside: boolean;
  /** For messages: the upstream as users know it. */
  url: string;
  path: string;
  headers: string[];
  body: string;
  /** The request's id, or undefined for a notification: its answer has no text. */
  id: number | undefined;
  timeoutMs: number;
  silenceMs: number;
  signal: CancelSignal | undefined;
  inbox: Inbox | undefined;
  from: { readonly peer?: ClientPeer | undefined } | undefined;
}

/** An answer above this is refused: it would be held in memory whole. */
export const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** As `Wire.request`. */
export function exchange(options: ExchangeOptions): Promise<WireAnswer> {
  return new Promise((resolve, reject) => {
    new Exchange(options, resolve, reject).start();
  });
}

class Exchange implements Dispatcher.DispatchHandler {
  readonly #options: ExchangeOptions;
  readonly #resolve: (answer: WireAnswer) => void;
  readonly #reject: (error: unknown) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isSettled = false;
  #isReleased = false;
  #deadlineMs = 0;
  #heardAtMs = 0;
  /** All connections were busy when it was started, and it waits for one until then. */
  #queuedUntilMs: number | undefined;
  /** Requests of the upstream that the client thinks about, and since when. */
  #holds = 0;
  #heldAtMs = 0;
  #status = 0;
  #sessionId: string | undefined;
  #contentType = '';
  #chunks: Buffer[] = [];
  #bytes = 0;
  #sse: SseParser | undefined;

  constructor(options: ExchangeOptions, resolve: (answer: WireAnswer) => void, reject: (error: unknown) => void) {
    this.#options = options;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  start(): void {
    const { origin, isAside, path, headers, body, timeoutMs, signal } = this.#options;
    if (signal?.aborted) {
      this.#fail(signal.reason);
      return;
    }
    signal?.addEventListener('abort', this.#onAbort);
    this.#heardAtMs = performance.now();
    this.#deadlineMs = this.#heardAtMs + timeoutMs;
    const isQueued = origin.begin(isAside);
    if (isQueued) this.#queuedUntilMs = this.#heardAtMs + origin.poolTimeoutMs;
    this.#arm(this.#heardAtMs);
    origin.dispatcher(isAside).dispatch({ path, method: 'POST', headers, body }, this);
  }

  /** One timer for all that can take too long: it looks what it is that did, if anything. */
  onTimer(): void {
    const nowMs = performance.now();
    if (this.#holds > 0) {
      // Set again when the client has answered.
      this.#timer = undefined;
    } else if (nowMs >= this.#deadlineMs) {
      this.#expire('GW_UPSTREAM_TIMEOUT', `gave no whole answer in ${Math.round(this.#options.timeoutMs)} ms`);
    } else if (this.#isQueued() && nowMs >= (this.#queuedUntilMs as number)) {
      const waited = Math.round(this.#options.origin.poolTimeoutMs);
      this.#expire('GW_UPSTREAM_BUSY', `no connection became free in ${waited} ms (HTTPX_POOL_TIMEOUT)`);
    } else if (nowMs >= this.#heardAtMs + this.#options.silenceMs) {
      this.#expire('GW_UPSTREAM_TIMEOUT', `sent nothing for ${Math.round(this.#options.silenceMs)} ms`);
    } else {
      this.#arm(nowMs);
    }
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isSettled) controller.abort(new Error('nobody waits any more'));
    if (this.#queuedUntilMs !== undefined) this.#heardAtMs = performance.now();
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: Record<string, string | string[]>): void {
    this.#status = status;
    this.#sessionId = one(headers['mcp-session-id']);
    this.#contentType = one(headers['content-type']) ?? '';
    if (status === 200 && this.#contentType.startsWith('text/event-stream')) this.#sse = new SseParser();
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    // What follows the answer on an event stream is read and dropped, so that the connection can serve again.
    if (this.#isSettled) return;
    this.#bytes += chunk.length;
    if (this.#bytes > MAX_ANSWER_BYTES) {
      this.#fail(this.#invalid(`its answer exceeds ${MAX_ANSWER_BYTES} bytes`));
      controller.abort(new Error('answer too large'));
    } else if (this.#sse === undefined) {
      this.#chunks.push(chunk);
      // A whole answer in one piece is the rule: the clock is read for longer ones only.
      if (this.#chunks.length > 1) this.#heardAtMs = performance.now();
    } else {
      this.#heardAtMs = performance.now();
      for (const { data } of this.#sse.push(chunk)) {
        this.#onEvent(data);
        if (this.#isSettled) return;
      }
    }
  }

  onResponseEnd(): void {
    if (!this.#isSettled) {
      const body = this.#readBody();
      if (body instanceof GatewayError) this.#fail(body);
      else this.#succeed(body, undefined);
    }
    this.#release();
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    const { url } = this.#options;
    if (this.#status === 0) {
      this.#fail(new GatewayError('GW_UPSTREAM_UNREACHABLE', { detail: `${url}: ${toReason(error)}`, cause: error }));
    } else {
      this.#fail(this.#invalid(`its answer broke off: ${toReason(error)}`, error));
    }
    this.#release();
  }

  /** Notifications and requests of the upstream may come before the answer on an event stream. */
  #onEvent(data: string): void {
    // An empty one says only where the stream could be taken up again (2025-11-25, polling).
    if (data === '') return;
    let message: unknown;
    try {
      message = JSON.parse(data);
    } catch (cause) {
      this.#fail(this.#invalid('an event of its answer is not JSON', cause));
      return;
    }
    if (!isObject(message)) return;
    if ('method' in message) {
      const thinking = this.#options.inbox?.take(message, data, this.#options.from?.peer);
      if (thinking !== undefined) this.#hold(thinking);
    } else if ('id' in message && message['id'] === this.#options.id) {
      this.#succeed(data, message);
    }
  }

  /** While the client is asked (a person may have to decide), the upstream is not late. */
  #hold(thinking: Promise<void>): void {
    if (this.#holds++ === 0) this.#heldAtMs = performance.now();
    thinking.then(() => {
      if (--this.#holds > 0) return;
      this.#heardAtMs = performance.now();
      this.#deadlineMs += this.#heardAtMs - this.#heldAtMs;
      clearTimeout(this.#timer);
      if (!this.#isReleased) this.#arm(this.#heardAtMs);
    });
  }

  /** The text of a whole body; undefined when no answer is expected or an error status has none. */
  #readBody(): string | undefined | GatewayError {
    if (this.#options.id === undefined) return undefined;
    if (this.#sse !== undefined) return this.#invalid('its event stream ended without the answer');
    if (!this.#contentType.startsWith('application/json')) {
      if (this.#status !== 200) return undefined;
      const wanted = 'application/json or text/event-stream';
      return this.#invalid(`content-type must be ${wanted}, got "${this.#contentType}"`);
    }
    const body = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks);
    return isUtf8(body) ? body.toString('utf8') : this.#invalid('its answer is not UTF-8');
  }

  #isQueued(): boolean {
    return this.#queuedUntilMs !== undefined && this.#controller === undefined;
  }

  #arm(nowMs: number): void {
    let at = Math.min(this.#deadlineMs, this.#heardAtMs + this.#options.silenceMs);
    if (this.#isQueued()) at = Math.min(at, this.#queuedUntilMs as number);
    this.#timer = setTimeout(onTimer, Math.max(1, Math.ceil(at - nowMs)), this);
  }

  #expire(code: 'GW_UPSTREAM_TIMEOUT' | 'GW_UPSTREAM_BUSY', what: string): void {
    this.#fail(new GatewayError(code, { detail: `${this.#options.url} ${what}` }));
    this.#giveUp();
  }

  #invalid(detail: string, cause?: unknown): GatewayError {
    return new GatewayError('GW_UPSTREAM_INVALID', { detail: `${this.#options.url}: ${detail}`, cause });
  }

  #succeed(text: string | undefined, value: unknown): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#resolve({ status: this.#status, sessionId: this.#sessionId, text, value });
  }

  #fail(error: unknown): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#reject(error);
  }

  #onAbort = (): void => {
    this.#fail(this.#options.signal?.reason);
    this.#giveUp();
  };

  /** Nobody waits: neither for what is on its way nor for what has not started. */
  #giveUp(): void {
    this.#release();
    this.#controller?.abort(new Error('nobody waits any more'));
  }

  #release(): void {
    clearTimeout(this.#timer);
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#options.origin.end(this.#options.isAside);
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
  }
}

function onTimer(running: Exchange): void {
  running.onTimer();
}

function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

export function toReason(error: Error): string {
  const code = 'code' in error ? `${error.code}: ` : '';
  return `${code}${error.message}`;
}
