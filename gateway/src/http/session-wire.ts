// A session whose messages all go one way in and one way out: the SSE transport, a WebSocket. It lives as long as the way out.
import type { IncomingHttpHeaders } from 'node:http';
import type { Config } from '../config.ts';
import { GatewayError, toJsonRpcError } from '../errors.ts';
import { type Incoming, isRequest, type RpcMessage, readMessage, toErrorText } from '../mcp/messages.ts';
import type { CallerIdentity, ClientPeer, McpPorts } from '../mcp/ports.ts';
import { rpcCodes } from '../mcp/rpc-error.ts';
import { isStateless } from '../mcp/stateless/envelope.ts';
import { allowsBatch, negotiateVersion, supportedVersions } from '../mcp/versions.ts';
import { answerBatch, answerMessage, type Entrance, parseText, type Refusal, toRefusal } from './answer-text.ts';
import type { Cancellable } from './caller.ts';
import type { ClientSession } from './client-session.ts';
import type { Outlet } from './sse-stream.ts';

export interface WireOptions {
  ports: McpPorts;
  config: Pick<Config, 'MCPGATEWAY_TOOL_CANCELLATION_ENABLED'>;
}

/** Requests of one connection that may run at a time; a batch counts as one. */
const MAX_RUNNING = 1_000;
const noHeaders: IncomingHttpHeaders = {};

export class SessionWire {
  readonly session: ClientSession;
  readonly #options: WireOptions;
  readonly #outlet: Outlet;
  #running = 0;
  #whenIdle: (() => void) | undefined;

  constructor(options: WireOptions, session: ClientSession, outlet: Outlet) {
    this.#options = options;
    this.session = session;
    this.#outlet = outlet;
    session.standing = outlet;
  }

  /**
   * Takes one message or batch; its answer goes out when it is there, in no order.
   * @param headers of the HTTP request that it came with
   * @param identity who sends this one: what the session's owner may do changes while it lasts
   * @returns why it was not taken
   */
  receive(text: unknown, headers: IncomingHttpHeaders, identity: CallerIdentity): Refusal | undefined {
    const body = parseText(text);
    if ('status' in body) return body;
    const { value, text: json } = body;
    const { session } = this;
    if (Array.isArray(value)) {
      if (!allowsBatch(session.protocolVersion)) return refuse(`${session.protocolVersion} has no batches`);
      if (this.#running >= MAX_RUNNING) return tooMany('null');
      this.#follow(answerBatch(value, json, this.#entrance(headers, identity)));
      return undefined;
    }
    const incoming = readMessage(value, json);
    if ('error' in incoming) return toRefusal(incoming.idJson, incoming.error);
    const refused = this.#refusal(incoming);
    if (refused !== undefined) return refused;
    if (this.#isIgnored(incoming)) return undefined;
    const answer = answerMessage(incoming, this.#entrance(headers, identity));
    if (answer instanceof Promise) this.#follow(answer);
    else if (answer !== undefined) this.#outlet.send(answer);
    return undefined;
  }

  /** Calls `then` as soon as nothing runs any more. */
  drain(then: () => void): void {
    if (this.#running === 0) then();
    else this.#whenIdle = then;
  }

  #refusal(incoming: Incoming): Refusal | undefined {
    if (!('method' in incoming)) return undefined;
    const { session } = this;
    const { idJson, method, params } = incoming;
    if (isStateless(noHeaders, incoming)) return refuseStateless(incoming);
    if (!isRequest(incoming)) return undefined;
    if (this.#running >= MAX_RUNNING) return tooMany(incoming.idJson);
    const requested = params?.['protocolVersion'];
    if (method === 'initialize' && idJson !== undefined && typeof requested === 'string') {
      session.agree(negotiateVersion(requested), params?.['capabilities']);
    }
    return undefined;
  }

  #isIgnored(incoming: Incoming): boolean {
    const { MCPGATEWAY_TOOL_CANCELLATION_ENABLED: isOn } = this.#options.config;
    return !isOn && 'method' in incoming && incoming.method === 'notifications/cancelled';
  }

  #entrance(headers: IncomingHttpHeaders, identity: CallerIdentity): Entrance {
    return new WireEntrance(this.#options.ports, this.session, headers, identity);
  }

  #follow(answer: Promise<Refusal | string | undefined>): void {
    this.#running++;
    answer
      .then(
        (answered) => {
          const text = typeof answered === 'object' ? answered.text : answered;
          if (text !== undefined) this.#outlet.send(text);
        },
        (error: unknown) => {
          this.#options.ports.failed('session', error);
          this.#outlet.send(toErrorText('null', toJsonRpcError(error)));
        },
      )
      .then(() => {
        this.#running--;
        if (this.#running === 0) this.#whenIdle?.();
      });
  }
}

/** One message's own: the headers are those that it came with. */
class WireEntrance implements Entrance {
  readonly ports: McpPorts;
  readonly session: ClientSession;
  readonly headers: IncomingHttpHeaders;
  readonly identity: CallerIdentity;
  readonly allowToolNames = false;
  /** The session ends with its connection, and aborts what runs in it. */
  readonly socket = undefined;
  readonly isResumable = false;

  constructor(ports: McpPorts, session: ClientSession, headers: IncomingHttpHeaders, identity: CallerIdentity) {
    this.ports = ports;
    this.session = session;
    this.headers = headers;
    this.identity = identity;
  }

  get serverId(): string | undefined {
    return this.session.serverId;
  }

  get peer(): ClientPeer {
    return this.session.peer;
  }

  get cancellable(): Cancellable {
    return this.session.calls;
  }
}

/** The stateless revision has no sessions, and this is one. */
function refuseStateless({ idJson }: RpcMessage): Refusal {
  const error = {
    code: rpcCodes.unsupportedVersion,
    message: 'Unsupported protocol version: this transport has sessions; POST to /mcp instead',
    data: { supported: supportedVersions },
  };
  return { status: 400, text: toErrorText(idJson ?? 'null', error) };
}

/** Of a message that is not looked into: its answer says so, and the connection stays. */
export function toUnanswered(text: string, error: GatewayError): Refusal | undefined {
  const body = parseText(text);
  if ('status' in body) return body;
  let idJson = 'null';
  if (!Array.isArray(body.value)) {
    const incoming = readMessage(body.value, body.text);
    if ('answersId' in incoming || incoming.idJson === undefined) return undefined;
    idJson = incoming.idJson;
  }
  return { status: error.status, text: toErrorText(idJson, toJsonRpcError(error)) };
}

function tooMany(idJson: string): Refusal {
  const error = new GatewayError('GW_TOO_MANY_CALLS', { detail: `${MAX_RUNNING} run on this connection` });
  return { status: error.status, text: toErrorText(idJson, toJsonRpcError(error)) };
}

function refuse(message: string): Refusal {
  return toRefusal('null', { code: rpcCodes.invalidRequest, message: `Invalid Request: ${message}` });
}
