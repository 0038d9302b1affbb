// HTTP with SSE, the transport of 2024-11-05: one event stream that carries everything an upstream says, and a POST per message to
// the address that the stream names first. The session is the stream: it ends when that breaks.
// https://modelcontextprotocol.io/specification/2024-11-05/basic/transports#http-with-sse
import type { Dispatcher } from 'undici';
import { GatewayError } from '../errors.ts';
import { isObject } from '../mcp/messages.ts';
import { shownUrl } from '../shown-url.ts';
import { exchange, toReason } from './exchange.ts';
import type { Origin } from './outbound.ts';
import { fromOwnToken, toOwnToken } from './progress-token.ts';
import { SseParser } from './sse-parser.ts';
import { SseRequest } from './sse-request.ts';
import type { Inbox, Wire, WireAnswer, WireRequest } from './wire.ts';

/** One event above this ends the stream: it would be held in memory whole. */
const MAX_EVENT_BYTES = 64 * 1024 * 1024;

export interface SseWireOptions {
  url: URL;
  /** Sent with every request, as pairs behind each other. */
  own: string[];
  /** Sent with every request that has none of its own. */
  passed: string[];
  origin: Origin;
  /** For the stream to be there and to name the address. */
  timeoutMs: number;
}

/** @throws GW_UPSTREAM_UNREACHABLE, GW_UPSTREAM_TIMEOUT, GW_UPSTREAM_INVALID */
export async function openSseWire(options: SseWireOptions): Promise<SseWire> {
  const wire = new SseWire(options);
  try {
    await wire.open();
    return wire;
  } catch (error) {
    await wire.close();
    throw error;
  }
}

export class SseWire implements Wire {
  isBroken = false;
  readonly #options: SseWireOptions;
  /** For messages. */
  readonly #url: string;
  readonly #pending = new Map<number, SseRequest>();
  readonly #agreed: string[] = [];
  #controller: Dispatcher.DispatchController | undefined;
  #inbox: Inbox | undefined;
  /** Where messages go. */
  #path = '';
  #isClosed = false;

  constructor(options: SseWireOptions) {
    this.#options = options;
    this.#url = shownUrl(options.url.href);
    options.origin.retain();
  }

  open(): Promise<void> {
    const { url, own, passed, origin, timeoutMs } = this.#options;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#break(this.#error('GW_UPSTREAM_TIMEOUT', `named no address for messages in ${Math.round(timeoutMs)} ms`));
      }, timeoutMs);
      this.#onOpen = (error) => {
        clearTimeout(timer);
        this.#onOpen = undefined;
        if (error === undefined) resolve();
        else reject(error);
      };
      const parser = new SseParser();
      let eventBytes = 0;
      origin.dispatcher(true).dispatch(
        {
          path: `${url.pathname}${url.search}`,
          method: 'GET',
          headers: ['accept', 'text/event-stream', ...own, ...passed],
        },
        {
          onRequestStart: (controller) => {
            this.#controller = controller;
            if (this.isBroken) controller.abort(new Error('nobody waits any more'));
          },
          onResponseStart: (_, status, { 'content-type': type }) => {
            if (status === 200 && String(type).startsWith('text/event-stream')) return;
            this.#break(
              this.#error('GW_UPSTREAM_INVALID', `answered HTTP ${status} (${type}), expected an event stream`),
            );
          },
          onResponseData: (_, chunk) => {
            if (this.isBroken) return;
            const events = parser.push(chunk);
            eventBytes = events.length > 0 ? 0 : eventBytes + chunk.length;
            for (const { type, data } of events) this.#onEvent(type, data);
            if (eventBytes > MAX_EVENT_BYTES)
              this.#break(this.#error('GW_UPSTREAM_INVALID', 'sent an event too large'));
          },
          onResponseEnd: () => this.#break(this.#error('GW_UPSTREAM_UNREACHABLE', 'ended its event stream')),
          onResponseError: (_, error) => this.#break(this.#error('GW_UPSTREAM_UNREACHABLE', toReason(error))),
        },
      );
    });
  }

  request(request: WireRequest): Promise<WireAnswer> {
    this.#inbox = request.inbox;
    return new Promise((resolve, reject) => {
      const { body, token } = toOwnToken(request.body, request.id);
      const pending = new SseRequest(request, token, this.#url, {
        resolve: (text, value) => resolve({ status: 200, sessionId: undefined, text, value }),
        reject,
        leave: () => this.#pending.delete(request.id),
      });
      this.#pending.set(request.id, pending);
      if (!pending.start()) return;
      this.#post(body, request.timeoutMs, request.headers, false).then(
        (status) => {
          if (status >= 400) this.#refused(pending, status);
        },
        (error: unknown) => pending.fail(error),
      );
    });
  }

  send(body: string, timeoutMs: number): Promise<number> {
    return this.#post(body, timeoutMs, undefined, true);
  }

  agree(_sessionId: string | undefined, protocolVersion: string): void {
    this.#agreed.push('mcp-protocol-version', protocolVersion);
  }

  /** Everything comes on the one stream. */
  listen(inbox: Inbox): void {
    this.#inbox = inbox;
  }

  /** The end of the stream is the goodbye. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#break(this.#error('GW_UPSTREAM_UNREACHABLE', 'its session is over'));
    this.#options.origin.release();
  }

  /** Told once: the stream is there, or why not. */
  #onOpen: ((error?: Error) => void) | undefined;

  #break(error: GatewayError): void {
    if (this.isBroken) return;
    this.isBroken = true;
    this.#onOpen?.(error);
    for (const pending of [...this.#pending.values()]) pending.fail(error);
    this.#controller?.abort(error);
  }

  #refused(pending: SseRequest, status: number): void {
    const detail = `answered HTTP ${status} to a message`;
    // It does not know the stream any more: after a restart, say, behind something that kept the stream open.
    if (status === 404 || status === 410) this.#break(this.#error('GW_UPSTREAM_UNREACHABLE', detail));
    pending.fail(this.#error('GW_UPSTREAM_INVALID', detail));
  }

  async #post(
    body: string,
    timeoutMs: number,
    headers: readonly string[] | undefined,
    isAside: boolean,
  ): Promise<number> {
    const { own, passed, origin } = this.#options;
    const { status } = await exchange({
      origin,
      isAside,
      url: this.#url,
      path: this.#path,
      headers: ['content-type', 'application/json', ...own, ...this.#agreed, ...(headers ?? passed)],
      body,
      id: undefined,
      timeoutMs,
      silenceMs: timeoutMs,
      signal: undefined,
      inbox: undefined,
      from: undefined,
    });
    return status;
  }

  #onEvent(type: string, data: string): void {
    if (type === 'endpoint') this.#onEndpoint(data);
    else if (type === 'message') this.#onMessage(data);
  }

  #onEndpoint(data: string): void {
    const { url } = this.#options;
    const endpoint = URL.canParse(data, url.href) ? new URL(data, url.href) : undefined;
    // Credentials go there: never to another host.
    if (endpoint?.origin !== url.origin) {
      this.#break(
        this.#error('GW_UPSTREAM_INVALID', `names ${shownUrl(data).slice(0, 200)} for messages, which is not its own`),
      );
      return;
    }
    this.#path = `${endpoint.pathname}${endpoint.search}`;
    this.#onOpen?.();
  }

  #onMessage(data: string): void {
    let message: unknown;
    try {
      message = JSON.parse(data);
    } catch {
      this.#break(this.#error('GW_UPSTREAM_INVALID', 'sent an event that is not JSON'));
      return;
    }
    if (!isObject(message)) return;
    const { id } = message;
    if (!('method' in message)) {
      if (typeof id === 'number') this.#pending.get(id)?.succeed(data, message);
      return;
    }
    this.#onOwnMessage(message, data);
  }

  /** Progress belongs to the request whose token it names, everything else to the only request there is, or to none. */
  #onOwnMessage(message: Record<string, unknown>, data: string): void {
    for (const pending of this.#pending.values()) pending.heard();
    if (message['method'] === 'notifications/progress' && isObject(message['params'])) {
      const { progressToken } = message['params'];
      for (const pending of this.#pending.values()) {
        if (pending.token === undefined || pending.token.own !== progressToken) continue;
        const text = fromOwnToken(data, message, pending.token.clientJson);
        this.#inbox?.take(JSON.parse(text) as Record<string, unknown>, text, pending.peer);
        return;
      }
      return;
    }
    const [only] = this.#pending.size === 1 ? this.#pending.values() : [];
    const thinking = this.#inbox?.take(message, data, only?.peer);
    if (thinking !== undefined) for (const pending of this.#pending.values()) pending.hold(thinking);
  }

  #error(code: 'GW_UPSTREAM_UNREACHABLE' | 'GW_UPSTREAM_TIMEOUT' | 'GW_UPSTREAM_INVALID', what: string): GatewayError {
    return new GatewayError(code, { detail: `${this.#url}: ${what}` });
  }
}
