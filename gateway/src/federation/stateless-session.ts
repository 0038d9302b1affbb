// An upstream of the stateless revision: each request says all there is to know, so that there is no session to open or to lose.
// What is kept here is what the gateway must know of it, and what a client with a session of its own has told us once.
// https://modelcontextprotocol.io/specification/2026-07-28/basic/index#statelessness
import { GatewayError } from '../errors.ts';
import { isObject } from '../mcp/messages.ts';
import { RpcError, rpcCodes } from '../mcp/rpc-error.ts';
import { metaKeys } from '../mcp/stateless/envelope.ts';
import { type ParamHeader, readParamHeaders } from '../mcp/stateless/param-headers.ts';
import { toEnvelope, toMetadataHeaders, withEnvelope } from '../mcp/stateless/write-envelope.ts';
import { statelessVersion } from '../mcp/versions.ts';
import { readAnswer } from './answer.ts';
import type { HttpWire } from './http-wire.ts';
import { giveInput } from './input-rounds.ts';
import { StatelessInbox } from './stateless-inbox.ts';
import { Subscription } from './subscription.ts';
import type { RequestOptions, RequestTarget, UpstreamAnswer } from './upstream.ts';
import { FORGOTTEN, type SessionOptions, toRequestText, toServerInfo, UpstreamSession } from './upstream-session.ts';
import type { WireAnswer } from './wire.ts';

export interface StatelessOptions extends SessionOptions {
  /** Headers of the caller that it is opened with, as pairs behind each other. */
  passed: readonly string[];
}

/** Errors that only a server of this revision gives. */
const modernCodes: ReadonlySet<unknown> = new Set([
  rpcCodes.headerMismatch,
  rpcCodes.missingClientCapability,
  rpcCodes.methodNotFound,
  rpcCodes.invalidParams,
]);
const done: UpstreamAnswer = { ok: true, resultJson: '{}' };
const none: ParamHeader[] = [];

/** @throws as `Upstream.request`; the wire is closed then */
export async function openStateless(wire: HttpWire, options: StatelessOptions): Promise<UpstreamSession> {
  const session = new StatelessSession(wire, options);
  try {
    await session.discover();
    return session;
  } catch (error) {
    await session.close();
    throw error;
  }
}

class StatelessSession extends UpstreamSession {
  override protocolVersion: string = statelessVersion;
  readonly #wire: HttpWire;
  readonly #options: StatelessOptions;
  readonly #inbox: StatelessInbox;
  /** By the tool as it is listed: one that was listed anew is another object. */
  readonly #paramHeaders = new WeakMap<RequestTarget, ParamHeader[]>();
  /** Of a client that has this session for itself. */
  #subscription: Subscription | undefined;
  #envelope: string;
  #lastId = 0;

  constructor(wire: HttpWire, options: StatelessOptions) {
    super();
    this.#wire = wire;
    this.#options = options;
    this.#inbox = new StatelessInbox(options.listChanged);
    this.#envelope = toEnvelope({ clientCapabilities: options.clientCapabilities, logLevel: undefined });
    wire.agree(undefined, statelessVersion);
  }

  get isBroken(): boolean {
    return this.isLost || this.#wire.isBroken;
  }

  /** @throws as `Upstream.request` */
  async discover(): Promise<void> {
    const answer = await this.#ask(
      'server/discover',
      undefined,
      this.#options.openTimeoutMs,
      undefined,
      undefined,
      none,
    );
    if (answer === FORGOTTEN) throw this.#refused(new RpcError(rpcCodes.unsupportedVersion, statelessVersion));
    if (!answer.ok) throw this.#refused(new RpcError(answer.error.code, answer.error.message));
    const { supportedVersions, capabilities, serverInfo, _meta } = JSON.parse(answer.resultJson) as Record<
      string,
      unknown
    >;
    if (!Array.isArray(supportedVersions) || !supportedVersions.includes(statelessVersion)) {
      throw this.#refused(new RpcError(rpcCodes.unsupportedVersion, `it speaks ${JSON.stringify(supportedVersions)}`));
    }
    this.serverInfo = toServerInfo((isObject(_meta) ? _meta[metaKeys.serverInfo] : undefined) ?? serverInfo);
    this.capabilities = isObject(capabilities) ? capabilities : {};
    this.openedAtMs = performance.now();
    this.usedAtMs = this.openedAtMs;
  }

  async request(
    method: string,
    paramsJson: string | undefined,
    timeoutMs: number,
    options: RequestOptions | undefined,
    headers: readonly string[] | undefined,
    target?: RequestTarget,
  ): Promise<UpstreamAnswer | typeof FORGOTTEN> {
    // The revision took it out; this every server of it must answer.
    if (method === 'ping') return this.#ask('server/discover', undefined, timeoutMs, options, headers, none);
    if (method === 'logging/setLevel') return this.#setLevel(paramsJson);
    if (this.#subscription !== undefined && method.startsWith('resources/') && method.endsWith('subscribe')) {
      return subscribe(this.#subscription, method, paramsJson);
    }
    const wanted = method === 'tools/call' ? this.#wantedOf(target) : none;
    const startedAt = performance.now();
    const answer = await this.#ask(method, paramsJson, timeoutMs, options, headers, wanted);
    // A client that speaks the revision itself knows what to do with a result that is not complete.
    if (answer === FORGOTTEN || !answer.ok || answer.resultType === undefined || options?.stated !== undefined) {
      return answer;
    }
    let leftMs = startedAt + timeoutMs - performance.now();
    const standing = this.#options.peer;
    return giveInput(answer, {
      url: this.#options.url,
      paramsJson,
      peer: standing && (options?.peer ?? standing),
      signal: options?.signal,
      // No time runs while the client thinks.
      again: async (text) => {
        const againAt = performance.now();
        const next = await this.#ask(method, text, Math.max(1, leftMs), options, headers, wanted);
        leftMs -= performance.now() - againAt;
        if (next === FORGOTTEN) throw this.#refused(new RpcError(rpcCodes.unsupportedVersion, statelessVersion));
        return next;
      },
    });
  }

  /** There is nothing that a client may tell unasked: what our capabilities are, each request says. */
  notify(): void {}

  listen(): void {
    const { peer, passed, listChanged } = this.#options;
    this.#subscription ??= new Subscription({
      wire: this.#wire,
      capabilities: this.capabilities,
      toRequest: (paramsJson) => ({
        headers: [...passed, ...toMetadataHeaders('subscriptions/listen', undefined, none)],
        body: toRequestText(++this.#lastId, 'subscriptions/listen', withEnvelope(paramsJson, this.#envelope)),
      }),
      peer,
      listChanged,
    });
  }

  close(): Promise<void> {
    this.isLost = true;
    this.#subscription?.[Symbol.dispose]();
    return this.#wire.close(0);
  }

  async #ask(
    method: string,
    paramsJson: string | undefined,
    timeoutMs: number,
    options: RequestOptions | undefined,
    headers: readonly string[] | undefined,
    wanted: ParamHeader[],
  ): Promise<UpstreamAnswer | typeof FORGOTTEN> {
    const { url, passed, silenceMs, listChanged } = this.#options;
    const id = ++this.#lastId;
    const { heard } = this;
    const stated = options?.stated;
    const envelope = stated === undefined ? this.#envelope : toEnvelope(stated);
    try {
      // Who stops waiting closes the connection: that is what cancels here.
      const got = await this.#wire.request({
        id,
        body: toRequestText(id, method, withEnvelope(paramsJson, envelope)),
        headers: [...(headers ?? passed), ...toMetadataHeaders(method, paramsJson, wanted)],
        timeoutMs,
        silenceMs: silenceMs(),
        signal: options?.signal,
        inbox: this.#inbox,
        from: options,
      });
      this.heard++;
      if (got.status !== 200 && !isModern(got)) return this.#forget();
      const answer = readAnswer(got, id, url);
      if (answer.ok) return answer;
      const { code, message } = answer.error;
      if (code === rpcCodes.unsupportedVersion) return this.#forget();
      if (code !== rpcCodes.headerMismatch) return answer;
      // Our headers are wrong, so what we know of its tools is: no fault of our client.
      listChanged?.('tools');
      throw new GatewayError('GW_UPSTREAM_INVALID', { detail: `${url}: it refused our headers: ${message}` });
    } catch (error) {
      const code = error instanceof GatewayError ? error.code : undefined;
      if (code === 'GW_UPSTREAM_UNREACHABLE') this.isLost = true;
      if (code === 'GW_UPSTREAM_TIMEOUT' && this.heard === heard) this.isSuspect = true;
      throw error;
    }
  }

  /** It speaks this revision no more: nothing was carried out. */
  #forget(): typeof FORGOTTEN {
    this.isLost = true;
    return FORGOTTEN;
  }

  #setLevel(paramsJson: string | undefined): UpstreamAnswer {
    const { level } = JSON.parse(paramsJson ?? '{}') as { level?: unknown };
    const logLevel = typeof level === 'string' ? level : undefined;
    this.#envelope = toEnvelope({ clientCapabilities: this.#options.clientCapabilities, logLevel });
    return done;
  }

  #wantedOf(target: RequestTarget | undefined): ParamHeader[] {
    if (target?.json === undefined) return none;
    let wanted = this.#paramHeaders.get(target);
    if (wanted === undefined) {
      wanted = readParamHeaders(target.json);
      this.#paramHeaders.set(target, wanted);
    }
    return wanted;
  }

  #refused(cause: RpcError): GatewayError {
    const detail = `${this.#options.url}: it does not speak ${statelessVersion}: ${cause.code} ${cause.message}`;
    return new GatewayError('GW_UPSTREAM_INVALID', { detail, cause });
  }
}

/** The revision has no such requests: one stream tells all, and is asked for anew. */
function subscribe(subscription: Subscription, method: string, paramsJson: string | undefined): UpstreamAnswer {
  const { uri } = JSON.parse(paramsJson ?? '{}') as { uri?: unknown };
  const isOn = method === 'resources/subscribe';
  if (typeof uri === 'string' && !isOn) subscription.leave(uri);
  if (!isOn || (typeof uri === 'string' && subscription.follow(uri))) return done;
  return { ok: false, error: { code: rpcCodes.methodNotFound, message: `Method not found: ${method}` } };
}

/** A refusal that is none of this revision (of a server that was replaced by an older one, say) holds no error of it. */
function isModern({ status, text, value }: WireAnswer): boolean {
  if (status !== 400 && status !== 404) return true;
  const message = value ?? toJson(text);
  const error = isObject(message) ? message['error'] : undefined;
  return isObject(error) && (modernCodes.has(error['code']) || error['code'] === rpcCodes.unsupportedVersion);
}

function toJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? 'null');
  } catch {
    return undefined;
  }
}
