// One MCP session with an upstream, over whatever carries it: opened by `initialize`, then many requests at a time.
// https://modelcontextprotocol.io/specification/2025-11-25/basic/lifecycle
import { GatewayError } from '../errors.ts';
import { isObject } from '../mcp/messages.ts';
import { RpcError } from '../mcp/rpc-error.ts';
import { isSupportedVersion, latestVersion } from '../mcp/versions.ts';
import { productInfo } from '../version.ts';
import { readAnswer } from './answer.ts';
import { SessionInbox } from './inbox.ts';
import type { RequestOptions, UpstreamAnswer } from './upstream.ts';
import { FORGOTTEN, type SessionOptions, toRequestText, toServerInfo, UpstreamSession } from './upstream-session.ts';
import type { Wire, WireAnswer } from './wire.ts';

/** Notifications and answers of ours: nobody waits for them. */
const ASIDE_TIMEOUT_MS = 10_000;

/** @throws as `Upstream.request`; the wire is closed then */
export async function openSession(wire: Wire, options: SessionOptions): Promise<UpstreamSession> {
  const session = new InitializedSession(wire, options);
  try {
    await session.initialize();
    return session;
  } catch (error) {
    await session.close(0);
    throw error;
  }
}

class InitializedSession extends UpstreamSession {
  #id: string | undefined;
  readonly #wire: Wire;
  readonly #options: SessionOptions;
  readonly #inbox: SessionInbox;
  #lastId = 0;
  #isForgotten = false;

  constructor(wire: Wire, options: SessionOptions) {
    super();
    this.#wire = wire;
    this.#options = options;
    const { peer, listChanged } = options;
    this.#inbox = new SessionInbox({ peer, listChanged, answer: (body) => this.#aside('response', body) });
  }

  get isBroken(): boolean {
    return this.isLost || this.#wire.isBroken;
  }

  /** @throws as `Upstream.request` */
  async initialize(): Promise<void> {
    const { clientCapabilities: capabilities, openTimeoutMs: timeoutMs } = this.#options;
    const startedAt = performance.now();
    const params = JSON.stringify({ protocolVersion: latestVersion, capabilities, clientInfo: productInfo });
    const id = ++this.#lastId;
    const body = toRequestText(id, 'initialize', params);
    const inbox = this.#inbox;
    const silenceMs = timeoutMs;
    const got = await this.#wire.request({
      id,
      body,
      headers: undefined,
      timeoutMs,
      silenceMs,
      signal: undefined,
      inbox,
      from: undefined,
    });
    const answer = readAnswer(got, id, this.#options.url);
    if (!answer.ok) {
      const { code, message, data } = answer.error;
      throw this.#invalid(`it refused initialize: ${code} ${message}`, new RpcError(code, message, data));
    }
    this.#agree(JSON.parse(answer.resultJson) as Record<string, unknown>, got.sessionId);
    const leftMs = Math.max(1, startedAt + timeoutMs - performance.now());
    const status = await this.#wire.send('{"jsonrpc":"2.0","method":"notifications/initialized"}', leftMs);
    if (status >= 400) throw this.#invalid(`it answered notifications/initialized with HTTP ${status}`);
    this.openedAtMs = performance.now();
    this.usedAtMs = this.openedAtMs;
  }

  async request(
    method: string,
    paramsJson: string | undefined,
    timeoutMs: number,
    options: RequestOptions | undefined,
    headers: readonly string[] | undefined,
  ): Promise<UpstreamAnswer | typeof FORGOTTEN> {
    const id = ++this.#lastId;
    const signal = options?.signal;
    const { heard } = this;
    try {
      const answer = await this.#wire.request({
        id,
        body: toRequestText(id, method, paramsJson),
        headers,
        timeoutMs,
        silenceMs: this.#options.silenceMs(),
        signal,
        inbox: this.#inbox,
        from: options,
      });
      this.heard++;
      if (answer.status !== 200 && this.#id !== undefined && isForgotten(answer, id)) {
        this.isLost = true;
        this.#isForgotten = true;
        return FORGOTTEN;
      }
      return readAnswer(answer, id, this.#options.url);
    } catch (error) {
      const code = error instanceof GatewayError ? error.code : undefined;
      // Who stops waiting says so: basic/lifecycle#timeouts. Closing the connection does not cancel.
      if (signal?.aborted || code === 'GW_UPSTREAM_TIMEOUT') this.#cancel(id);
      if (code === 'GW_UPSTREAM_TIMEOUT' && this.heard === heard) this.isSuspect = true;
      // After a restart some upstreams answer with something else than 404 to a session of their former life.
      if (code === 'GW_UPSTREAM_UNREACHABLE') this.isLost = true;
      throw error;
    }
  }

  notify(method: string, paramsJson: string | undefined): void {
    this.#aside(method, toNotification(method, paramsJson));
  }

  listen(): void {
    this.#wire.listen(this.#inbox);
  }

  close(goodbyeMs: number): Promise<void> {
    this.isLost = true;
    this.#inbox[Symbol.dispose]();
    return this.#wire.close(this.#isForgotten ? 0 : goodbyeMs);
  }

  #agree(result: Record<string, unknown>, sessionId: string | undefined): void {
    const { protocolVersion, serverInfo, capabilities } = result;
    if (!isSupportedVersion(protocolVersion)) {
      throw this.#invalid(`protocolVersion must be one that we speak, got ${JSON.stringify(protocolVersion)}`);
    }
    this.#id = sessionId;
    this.serverInfo = toServerInfo(serverInfo);
    this.protocolVersion = protocolVersion;
    this.capabilities = isObject(capabilities) ? capabilities : {};
    this.#wire.agree(sessionId, protocolVersion);
  }

  #cancel(requestId: number): void {
    this.notify('notifications/cancelled', `{"requestId":${requestId}}`);
  }

  #aside(what: string, body: string): void {
    const startedAt = performance.now();
    const { observe } = this.#options;
    const told = (code: string) => observe?.(what, code, (performance.now() - startedAt) / 1000);
    this.#wire.send(body, ASIDE_TIMEOUT_MS).then(
      (status) => told(status < 400 ? 'ok' : 'failed'),
      () => told('failed'),
    );
  }

  #invalid(detail: string, cause?: unknown): GatewayError {
    return new GatewayError('GW_UPSTREAM_INVALID', { detail: `${this.#options.url}: ${detail}`, cause });
  }
}

/** 404 by the specification; servers after the SDKs' first examples answer 400 and speak of the session. */
function isForgotten({ status, text = '' }: WireAnswer, id: number): boolean {
  if (status === 404) return true;
  return status === 400 && /session/i.test(text) && !text.includes(`"id":${id}`);
}

function toNotification(method: string, paramsJson: string | undefined): string {
  return paramsJson === undefined
    ? `{"jsonrpc":"2.0","method":"${method}"}`
    : `{"jsonrpc":"2.0","method":"${method}","params":${paramsJson}}`;
}
