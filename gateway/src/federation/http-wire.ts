// Streamable HTTP: a POST per message, answered by JSON or by an event stream, and one standing GET stream.
// https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#streamable-http

import { shownUrl } from '../shown-url.ts';
import { exchange } from './exchange.ts';
import type { Origin } from './outbound.ts';
import { StandingStream, toGet } from './standing-stream.ts';
import type { Inbox, Wire, WireAnswer, WireRequest } from './wire.ts';

export class HttpWire implements Wire {
  readonly isBroken = false;
  /** For messages. */
  readonly #url: string;
  readonly #path: string;
  readonly #origin: Origin;
  /** Of every request. */
  readonly #fixed: string[];
  /** And those of whoever the session is for, unless a request brings its own. */
  readonly #headers: string[];
  #sessionId: string | undefined;
  #stream: StandingStream | undefined;
  #isClosed = false;

  /**
   * @param own sent with every request, as pairs behind each other
   * @param passed sent with every request that has none of its own
   */
  constructor(url: URL, own: string[], passed: string[], origin: Origin) {
    this.#url = shownUrl(url.href);
    this.#path = `${url.pathname}${url.search}`;
    this.#origin = origin;
    this.#fixed = ['content-type', 'application/json', 'accept', 'application/json, text/event-stream', ...own];
    this.#headers = [...this.#fixed, ...passed];
    origin.retain();
  }

  request(request: WireRequest): Promise<WireAnswer> {
    const { id, body, headers, timeoutMs, silenceMs, signal, inbox, from } = request;
    return exchange({
      origin: this.#origin,
      isAside: false,
      url: this.#url,
      path: this.#path,
      headers: headers === undefined ? this.#headers : [...this.#fixed, ...headers],
      body,
      id,
      timeoutMs,
      silenceMs,
      signal,
      inbox,
      from,
    });
  }

  async send(body: string, timeoutMs: number): Promise<number> {
    const { status } = await exchange({
      origin: this.#origin,
      isAside: true,
      url: this.#url,
      path: this.#path,
      headers: this.#headers,
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

  agree(sessionId: string | undefined, protocolVersion: string): void {
    this.#sessionId = sessionId;
    const agreed = ['mcp-protocol-version', protocolVersion];
    if (sessionId !== undefined) agreed.push('mcp-session-id', sessionId);
    this.#fixed.push(...agreed);
    this.#headers.push(...agreed);
  }

  listen(inbox: Inbox): void {
    if (this.#isClosed) return;
    this.#stream ??= new StandingStream(this.#origin, this.#path, () => toGet(this.#headers), inbox);
  }

  /**
   * A POST that is answered by a stream without an end; the caller's to dispose.
   * @param toRequest headers beside the fixed ones, as pairs behind each other, and the body; asked at each opening
   */
  subscribe(toRequest: () => { headers: readonly string[]; body: string }, inbox: Inbox): Disposable {
    const toPost = () => {
      const { headers, body } = toRequest();
      return { method: 'POST' as const, headers: [...this.#fixed, ...headers], body };
    };
    return new StandingStream(this.#origin, this.#path, toPost, inbox);
  }

  async close(goodbyeMs: number): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stream?.[Symbol.dispose]();
    try {
      if (goodbyeMs > 0 && this.#sessionId !== undefined) await this.#sayGoodbye(goodbyeMs);
    } catch {
      // The upstream forgets the session by itself some day: that this failed changes nothing for anybody.
    } finally {
      this.#origin.release();
    }
  }

  async #sayGoodbye(goodbyeMs: number): Promise<void> {
    const { body } = await this.#origin.dispatcher(true).request({
      path: this.#path,
      method: 'DELETE',
      headers: this.#headers,
      signal: AbortSignal.timeout(goodbyeMs),
    });
    await body.dump();
  }
}
