// A request that waits for its answer on the shared event stream of an SSE session, for its own time.
import { GatewayError } from '../errors.ts';
import type { ClientPeer } from '../mcp/ports.ts';
import type { OwnToken } from './progress-token.ts';
import type { WireRequest } from './wire.ts';

export interface SseRequestEnds {
  resolve: (text: string, value: unknown) => void;
  reject: (error: unknown) => void;
  /** It waits no more. */
  leave: () => void;
}

export class SseRequest {
  readonly token: OwnToken | undefined;
  readonly #request: WireRequest;
  readonly #url: string;
  readonly #ends: SseRequestEnds;
  #timer: NodeJS.Timeout | undefined;
  #deadlineMs = 0;
  #heardAtMs = 0;
  #holds = 0;
  #heldAtMs = 0;
  #isOver = false;

  constructor(request: WireRequest, token: OwnToken | undefined, url: string, ends: SseRequestEnds) {
    this.#request = request;
    this.token = token;
    this.#url = url;
    this.#ends = ends;
  }

  get peer(): ClientPeer | undefined {
    return this.#request.from?.peer;
  }

  /** @returns false when it is over already */
  start(): boolean {
    const { signal, timeoutMs } = this.#request;
    if (signal?.aborted) {
      this.fail(signal.reason);
      return false;
    }
    signal?.addEventListener('abort', this.#onAbort);
    this.#heardAtMs = performance.now();
    this.#deadlineMs = this.#heardAtMs + timeoutMs;
    this.#arm();
    return true;
  }

  /** The stream is alive, so nobody is silent. */
  heard(): void {
    this.#heardAtMs = performance.now();
  }

  /** While the client is asked, the upstream is not late. */
  hold(thinking: Promise<void>): void {
    if (this.#holds++ === 0) this.#heldAtMs = performance.now();
    thinking.then(() => {
      if (--this.#holds > 0 || this.#isOver) return;
      this.heard();
      this.#deadlineMs += this.#heardAtMs - this.#heldAtMs;
      clearTimeout(this.#timer);
      this.#arm();
    });
  }

  succeed(text: string, value: unknown): void {
    if (this.#end()) this.#ends.resolve(text, value);
  }

  fail(error: unknown): void {
    if (this.#end()) this.#ends.reject(error);
  }

  #end(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#request.signal?.removeEventListener('abort', this.#onAbort);
    this.#ends.leave();
    return true;
  }

  #onAbort = (): void => this.fail(this.#request.signal?.reason);

  #arm(): void {
    const at = Math.min(this.#deadlineMs, this.#heardAtMs + this.#request.silenceMs);
    this.#timer = setTimeout(() => this.#onTimer(), Math.max(1, Math.ceil(at - performance.now())));
  }

  #onTimer(): void {
    const { timeoutMs, silenceMs } = this.#request;
    const nowMs = performance.now();
    // Set again when the client has answered.
    if (this.#holds > 0) return;
    if (nowMs >= this.#deadlineMs) this.#late(`gave no whole answer in ${Math.round(timeoutMs)} ms`);
    else if (nowMs >= this.#heardAtMs + silenceMs) this.#late(`sent nothing for ${Math.round(silenceMs)} ms`);
    else this.#arm();
  }

  #late(what: string): void {
    this.fail(new GatewayError('GW_UPSTREAM_TIMEOUT', { detail: `${this.#url} ${what}` }));
  }
}
