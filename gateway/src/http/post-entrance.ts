// One POST of Streamable HTTP: where its messages came in, and how what belongs to them goes out. The answer is JSON until an
// upstream has something to say before it; then it becomes an event stream, when the client takes one.
import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import { anonymous } from '../auth/index.ts';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import type { CallerIdentity, ClientPeer, McpPorts } from '../mcp/ports.ts';
import type { RequestTrace } from '../telemetry/request-trace.ts';
import type { Entrance } from './answer-text.ts';
import type { Cancellable } from './caller.ts';
import { toNotificationText } from './client-requests.ts';
import type { ClientSession } from './client-session.ts';
import type { Answering, Asked } from './exchange-ports.ts';
import { SessionStream } from './session-stream.ts';
import { SseStream, type SseStreamOptions } from './sse-stream.ts';

/** What all of them share. */
export interface Door {
  ports: McpPorts;
  config: SseStreamOptions['config'] & Pick<Config, 'MCPGATEWAY_TOOL_CANCELLATION_ENABLED'>;
}

export class PostEntrance implements Entrance {
  readonly ports: McpPorts;
  readonly identity: CallerIdentity;
  readonly headers: IncomingHttpHeaders;
  readonly socket: Socket;
  readonly serverId: string | undefined;
  readonly session: ClientSession | undefined;
  readonly cancellable: Cancellable | undefined;
  readonly allowToolNames = false;
  readonly trace: RequestTrace | undefined;
  readonly #door: Door;
  readonly #reply: Answering;
  readonly #acceptsSse: boolean;
  #stream: SseStream | SessionStream | undefined;
  #peer: ClientPeer | undefined;

  /** One object per request: it is on the request path. */
  constructor(
    door: Door,
    request: Asked,
    reply: Answering,
    serverId: string | undefined,
    session: ClientSession | undefined,
    acceptsSse: boolean,
  ) {
    this.ports = door.ports;
    this.identity = request.identity ?? anonymous;
    this.headers = request.headers;
    this.socket = request.raw.socket;
    this.trace = request.trace;
    this.serverId = serverId;
    this.session = session;
    this.cancellable = door.config.MCPGATEWAY_TOOL_CANCELLATION_ENABLED ? session?.calls : undefined;
    this.#door = door;
    this.#reply = reply;
    this.#acceptsSse = acceptsSse;
  }

  get isResumable(): boolean {
    return this.#stream instanceof SessionStream && this.#stream.isResumable;
  }

  get isStreaming(): boolean {
    return this.#stream !== undefined;
  }

  /** A client that takes no stream here is told by its session's standing one. */
  get peer(): ClientPeer | undefined {
    if (!this.#acceptsSse) return this.session?.peer;
    this.#peer ??= this.#createPeer();
    return this.#peer;
  }

  /** Makes the answer an event stream; the same one each time. */
  stream(): SseStream | SessionStream {
    this.#stream ??= this.#openStream();
    return this.#stream;
  }

  /** What is last on the stream: the answers. */
  finish(text: string | undefined): void {
    const stream = this.stream();
    if (text !== undefined) stream.send(text);
    if (this.session !== undefined && stream instanceof SessionStream) this.session.endStream(stream);
    else stream.end();
  }

  #createPeer(): ClientPeer {
    return {
      notify: (method, paramsJson) => {
        if (this.#canSend()) this.stream().send(toNotificationText(method, paramsJson));
      },
      request: (method, paramsJson, signal) => {
        if (this.session === undefined) return Promise.reject(unreachable('it has no session to answer in'));
        if (!this.#canSend()) return Promise.reject(unreachable('it closed the connection'));
        return this.session.ask(() => this.stream(), method, paramsJson, signal);
      },
    };
  }

  #canSend(): boolean {
    return this.#stream !== undefined || !(this.#reply.raw.destroyed || this.#reply.sent);
  }

  #openStream(): SseStream | SessionStream {
    const connection = new SseStream(this.#reply, { config: this.#door.config });
    if (this.session === undefined) return connection;
    const stream = this.session.openStream();
    stream.connect(connection);
    stream.prime(this.session.protocolVersion);
    return stream;
  }
}

function unreachable(detail: string): GatewayError {
  return new GatewayError('GW_CLIENT_UNREACHABLE', { detail });
}
