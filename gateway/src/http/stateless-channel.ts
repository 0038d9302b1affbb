// The way to the client while one request of the stateless revision runs. Its answer is JSON until something is to be told
// before it: then it becomes an event stream.
// https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#receiving-messages
import { isObject } from '../mcp/messages.ts';
import type { ClientPeer } from '../mcp/ports.ts';
import { RpcError, rpcCodes } from '../mcp/rpc-error.ts';
import type { StatelessAnswer } from '../mcp/stateless/dispatch.ts';
import type { Envelope } from '../mcp/stateless/envelope.ts';
import { isWanted } from '../mcp/stateless/log-level.ts';
import type { Accepted } from './accept.ts';
import type { Answering } from './exchange-ports.ts';
import { sendJson } from './json-body.ts';
import { SseStream, type SseStreamOptions } from './sse-stream.ts';

export class AnswerChannel implements ClientPeer {
  readonly #reply: Answering;
  readonly #accepted: Accepted;
  readonly #envelope: Envelope;
  readonly #config: SseStreamOptions['config'];
  #stream: SseStream | undefined;
  #isOver = false;

  constructor(reply: Answering, accepted: Accepted, envelope: Envelope, config: SseStreamOptions['config']) {
    this.#reply = reply;
    this.#accepted = accepted;
    this.#envelope = envelope;
    this.#config = config;
  }

  /** The answer takes time: who takes nothing but an event stream gets its head now. */
  wait(): void {
    if (!this.#accepted.json) this.#open();
  }

  finish({ status, text }: StatelessAnswer): undefined {
    this.#isOver = true;
    const stream = this.#stream ?? (this.#accepted.json || status !== 200 ? undefined : this.#open());
    if (stream === undefined) return sendJson(this.#reply, status, text);
    stream.send(text);
    stream.end();
  }

  /** Only what belongs to this request, and only what it asked for. */
  notify(method: string, paramsJson: string | undefined): void {
    if (this.#isOver || !this.#accepted.sse || !this.#isAskedFor(method, paramsJson)) return;
    const stream = this.#stream ?? this.#open();
    stream.send(`{"jsonrpc":"2.0","method":${JSON.stringify(method)},"params":${paramsJson ?? '{}'}}`);
  }

  /**
   * Sampling, elicitation and roots are asked for in the result of this revision (MRTR). An upstream of an older version
   * asks in the middle of its work, and waits for the answer: only a session can carry that.
   */
  request(method: string): Promise<never> {
    const message = `${method} is not possible here: the client speaks 2026-07-28, which has no sessions. A client of a version up to 2025-11-25 with a session can be asked`;
    return Promise.reject(new RpcError(rpcCodes.methodNotFound, message));
  }

  #open(): SseStream {
    this.#stream = new SseStream(this.#reply, { config: this.#config });
    return this.#stream;
  }

  #isAskedFor(method: string, paramsJson: string | undefined): boolean {
    const { progressToken, logLevel } = this.#envelope;
    if (method === 'notifications/progress') return progressToken !== undefined;
    if (method !== 'notifications/message' || logLevel === undefined) return false;
    const params: unknown = paramsJson === undefined ? undefined : JSON.parse(paramsJson);
    return isWanted(isObject(params) ? params['level'] : undefined, logLevel);
  }
}
