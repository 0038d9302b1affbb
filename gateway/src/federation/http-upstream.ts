// An upstream MCP server over Streamable HTTP: pooled connections, one MCP session for all calls.
// https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#streamable-http
import { Pool } from 'undici';
import { GatewayError } from '../errors.ts';
import type { CancelSignal } from '../mcp/ports.ts';
import { isSupportedVersion, latestVersion } from '../mcp/versions.ts';
import { productInfo } from '../version.ts';
import { readAnswer } from './answer.ts';
import { discover } from './discover.ts';
import { exchange, type HttpAnswer } from './exchange.ts';
import type { RequestOptions, Upstream, UpstreamAnswer, UpstreamCatalog } from './upstream.ts';

export interface HttpUpstreamOptions {
  url: string;
  /** Sent with every request (the upstream's own authorization). */
  headers: Record<string, string>;
  /** From the call to the last byte of its answer, with a new session if one is needed. */
  timeoutMs: number;
  connections: number;
  keepAliveMs: number;
  connectTimeoutMs: number;
  /** Told of every call; on the request path. `code` is `ok`, `rpc-error` or the code of the failure. */
  observe?: (method: string, code: string, seconds: number) => void;
}

/** What `initialize` agreed on. */
export interface UpstreamSession {
  id: string | undefined;
  headers: string[];
  serverInfo: { name: string; version: string };
  protocolVersion: string;
  capabilities: Record<string, unknown>;
}

/** How long saying goodbye and letting go may take. */
const CLOSE_TIMEOUT_MS = 1_000;

export class HttpUpstream implements Upstream {
  readonly #options: HttpUpstreamOptions;
  readonly #pool: Pool;
  readonly #path: string;
  readonly #baseHeaders: string[];
  #session: UpstreamSession | undefined;
  #opening: Promise<UpstreamSession> | undefined;
  #lastId = 0;

  /** @throws GW_INVALID_REQUEST when the URL is not one of http or https */
  constructor(options: HttpUpstreamOptions) {
    const url = parseUrl(options.url);
    this.#options = options;
    this.#path = `${url.pathname}${url.search}`;
    this.#pool = new Pool(url.origin, {
      connections: options.connections,
      keepAliveTimeout: options.keepAliveMs,
      // A server's own keep-alive hint is respected up to our setting, less the second that undici takes off.
      keepAliveMaxTimeout: options.keepAliveMs,
      connect: { timeout: options.connectTimeoutMs },
      // The one deadline is ours (exchange.ts).
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    this.#baseHeaders = ['content-type', 'application/json', 'accept', 'application/json, text/event-stream'];
    for (const [name, value] of Object.entries(options.headers)) this.#baseHeaders.push(name, value);
  }

  async request(method: string, paramsJson: string | undefined, options?: RequestOptions): Promise<UpstreamAnswer> {
    const startedAt = performance.now();
    try {
      const answer = await this.#request(method, paramsJson, startedAt, options?.signal);
      this.#observe(method, answer.ok ? 'ok' : 'rpc-error', startedAt);
      return answer;
    } catch (error) {
      this.#observe(method, error instanceof GatewayError ? error.code : 'aborted', startedAt);
      throw error;
    }
  }

  async discover(signal?: CancelSignal): Promise<UpstreamCatalog> {
    const session = this.#session ?? (await this.#open());
    return discover(session, this, this.#options.url, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    if (session?.id !== undefined) {
      // The upstream forgets the session by itself some day: that this failed changes nothing for anybody.
      this.#pool
        .request({ path: this.#path, method: 'DELETE', headers: session.headers })
        .then(({ body }) => body.dump())
        .catch(ignoreGoodbye);
    }
    // close() lets end what has begun, the goodbye too. One deadline for all of it: a request's own signal would not end one
    // that still waits for a connection.
    let late: NodeJS.Timeout | undefined;
    const isLate = new Promise<void>((resolve) => {
      late = setTimeout(resolve, CLOSE_TIMEOUT_MS);
    });
    await Promise.race([this.#pool.close(), isLate]).finally(() => clearTimeout(late));
    await this.#pool.destroy();
  }

  async #request(
    method: string,
    paramsJson: string | undefined,
    startedAt: number,
    signal: CancelSignal | undefined,
  ): Promise<UpstreamAnswer> {
    let session = this.#session ?? (await this.#open());
    for (let attempt = 1; ; attempt++) {
      const id = ++this.#lastId;
      const answer = await this.#post(id, toBody(id, method, paramsJson), session.headers, startedAt, signal).catch(
        (error: unknown) => {
          if (signal?.aborted || isTimeout(error)) this.#cancel(id, session);
          throw error;
        },
      );
      // 404 says that the session is unknown, so the request was not carried out: it may be sent again.
      if (answer.status === 404 && session.id !== undefined && attempt === 1) {
        if (this.#session === session) this.#session = undefined;
        session = this.#session ?? (await this.#open());
        continue;
      }
      return readAnswer(answer, id, this.#options.url);
    }
  }

  /** Single flight: whoever comes meanwhile waits for the same session. */
  #open(): Promise<UpstreamSession> {
    this.#opening ??= this.#initialize().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #initialize(): Promise<UpstreamSession> {
    const startedAt = performance.now();
    const id = ++this.#lastId;
    const params = JSON.stringify({ protocolVersion: latestVersion, capabilities: {}, clientInfo: productInfo });
    const http = await this.#post(id, toBody(id, 'initialize', params), this.#baseHeaders, startedAt, undefined);
    const answer = readAnswer(http, id, this.#options.url);
    if (!answer.ok) throw this.#invalid(`it refused initialize: ${answer.error.code} ${answer.error.message}`);
    const session = this.#toSession(JSON.parse(answer.resultJson) as Record<string, unknown>, http.sessionId);
    const body = '{"jsonrpc":"2.0","method":"notifications/initialized"}';
    const { status } = await this.#post(undefined, body, session.headers, startedAt, undefined);
    if (status >= 400) throw this.#invalid(`it answered notifications/initialized with HTTP ${status}`);
    this.#session = session;
    return session;
  }

  #toSession(result: Record<string, unknown>, sessionId: string | undefined): UpstreamSession {
    const { protocolVersion, serverInfo, capabilities } = result;
    if (!isSupportedVersion(protocolVersion)) {
      throw this.#invalid(`protocolVersion must be one that we speak, got ${JSON.stringify(protocolVersion)}`);
    }
    const { name, version } = (serverInfo ?? {}) as Record<string, unknown>;
    const headers = [...this.#baseHeaders, 'mcp-protocol-version', protocolVersion];
    if (sessionId !== undefined) headers.push('mcp-session-id', sessionId);
    return {
      id: sessionId,
      headers,
      serverInfo: { name: toName(name), version: toName(version) },
      protocolVersion,
      capabilities: (capabilities ?? {}) as Record<string, unknown>,
    };
  }

  #post(
    id: number | undefined,
    body: string,
    headers: string[],
    startedAt: number,
    signal: CancelSignal | undefined,
  ): Promise<HttpAnswer> {
    const { url, timeoutMs } = this.#options;
    const leftMs = startedAt + timeoutMs - performance.now();
    return exchange({ pool: this.#pool, url, path: this.#path, headers, body, id, timeoutMs: leftMs, signal });
  }

  /** Closing the connection does not cancel (transports, "Sending Messages"): the upstream has to be told. */
  #cancel(requestId: number, session: UpstreamSession): void {
    const body = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } });
    const startedAt = performance.now();
    this.#post(undefined, body, session.headers, startedAt, undefined).then(
      () => this.#observe('notifications/cancelled', 'ok', startedAt),
      () => this.#observe('notifications/cancelled', 'failed', startedAt),
    );
  }

  #observe(method: string, code: string, startedAt: number): void {
    this.#options.observe?.(method, code, (performance.now() - startedAt) / 1000);
  }

  #invalid(detail: string): GatewayError {
    return new GatewayError('GW_UPSTREAM_INVALID', { detail: `${this.#options.url}: ${detail}` });
  }
}

function toBody(id: number, method: string, paramsJson: string | undefined): string {
  return paramsJson === undefined
    ? `{"jsonrpc":"2.0","id":${id},"method":"${method}"}`
    : `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${paramsJson}}`;
}

/** Who stops waiting says so: basic/lifecycle#timeouts. */
function isTimeout(error: unknown): boolean {
  return error instanceof GatewayError && error.code === 'GW_UPSTREAM_TIMEOUT';
}

function toName(value: unknown): string {
  return typeof value === 'string' ? value : 'unknown';
}

function ignoreGoodbye(): void {}

function parseUrl(text: string): URL {
  if (URL.canParse(text)) {
    const url = new URL(text);
    if (url.protocol === 'http:' || url.protocol === 'https:') return url;
  }
  throw new GatewayError('GW_INVALID_REQUEST', { detail: `url must be one of http or https, got ${text}` });
}
