// One POST of one JSON-RPC message to an upstream, up to the text of its answer. Knows HTTP and SSE, not MCP sessions.
import { isUtf8 } from 'node:buffer';
import type { Dispatcher } from 'undici';
import { GatewayError } from '../errors.ts';
import type { CancelSignal } from '../mcp/ports.ts';
import { SseParser } from './sse-parser.ts';

/** What came back. `text` is the JSON body, or the SSE event that answers `id`; undefined when there was none. */
export interface HttpAnswer {
  status: number;
  sessionId: string | undefined;
  text: string | undefined;
}

export interface ExchangeOptions {
  pool: Dispatcher;
  /** For messages: the upstream as users know it. */
  url: string;
  path: string;
  headers: string[];
  body: string;
  /** The request's id, or undefined for a notification: its answer has no text. */
  id: number | undefined;
  /** From now to the last byte. */
  timeoutMs: number;
  signal: CancelSignal | undefined;
}

/** An answer above this is refused: it would be held in memory whole. */
export const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/**
 * @throws GW_UPSTREAM_UNREACHABLE when there is no connection or it breaks, GW_UPSTREAM_TIMEOUT, GW_UPSTREAM_INVALID when
 * the answer is cut off or not what HTTP and SSE allow; the signal's reason when it aborts
 */
export function exchange(options: ExchangeOptions): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    new Exchange(options, resolve, reject).start();
  });
}

class Exchange implements Dispatcher.DispatchHandler {
  readonly #options: ExchangeOptions;
  readonly #resolve: (answer: HttpAnswer) => void;
  readonly #reject: (error: unknown) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isSettled = false;
  #status = 0;
  #sessionId: string | undefined;
  #contentType = '';
  #chunks: Buffer[] = [];
  #bytes = 0;
  #sse: SseParser | undefined;

  constructor(options: ExchangeOptions, resolve: (answer: HttpAnswer) => void, reject: (error: unknown) => void) {
    this.#options = options;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  start(): void {
    const { pool, path, headers, body, timeoutMs, signal } = this.#options;
    if (signal?.aborted) {
      this.#fail(signal.reason);
      return;
    }
    signal?.addEventListener('abort', this.#onAbort);
    this.#timer = setTimeout(onDeadline, Math.max(1, timeoutMs), this);
    pool.dispatch({ path, method: 'POST', headers, body }, this);
  }

  onDeadline(): void {
    const { url, timeoutMs } = this.#options;
    this.#fail(
      new GatewayError('GW_UPSTREAM_TIMEOUT', { detail: `${url} gave no whole answer in ${Math.round(timeoutMs)} ms` }),
    );
    this.#giveUp();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isSettled) controller.abort(new Error('nobody waits any more'));
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
    } else {
      for (const data of this.#sse.push(chunk)) if (this.#isAnswer(data)) this.#succeed(data);
    }
  }

  onResponseEnd(): void {
    if (!this.#isSettled) {
      const body = this.#readBody();
      if (body instanceof GatewayError) this.#fail(body);
      else this.#succeed(body);
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

  /** Notifications and requests of the upstream may come before the answer on an event stream. */
  #isAnswer(data: string): boolean {
    let message: unknown;
    try {
      message = JSON.parse(data);
    } catch (cause) {
      this.#fail(this.#invalid('an event of its answer is not JSON', cause));
      return false;
    }
    if (typeof message !== 'object' || message === null || 'method' in message) return false;
    return 'id' in message && message.id === this.#options.id;
  }

  #invalid(detail: string, cause?: unknown): GatewayError {
    return new GatewayError('GW_UPSTREAM_INVALID', { detail: `${this.#options.url}: ${detail}`, cause });
  }

  #succeed(text: string | undefined): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#resolve({ status: this.#status, sessionId: this.#sessionId, text });
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
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
  }
}

function onDeadline(running: Exchange): void {
  running.onDeadline();
}

function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

function toReason(error: Error): string {
  const code = 'code' in error ? `${error.code}: ` : '';
  return `${code}${error.message}`;
}
