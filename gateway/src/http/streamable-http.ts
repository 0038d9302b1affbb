// MCP's Streamable HTTP on /mcp (everything) and /servers/:id/mcp (one virtual server).
// https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#streamable-http
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify';
import { anonymous } from '../auth/index.ts';
import type { Config } from '../config.ts';
import { GatewayError, toJsonRpcError } from '../errors.ts';
import { type Incoming, RESPONSE, type RpcMessage, readMessage, toErrorText } from '../mcp/messages.ts';
import type { McpPorts } from '../mcp/ports.ts';
import { rpcCodes } from '../mcp/rpc-error.ts';
import { isStateless } from '../mcp/stateless/envelope.ts';
import {
  allowsBatch,
  assumedVersion,
  isSupportedVersion,
  negotiateVersion,
  type ProtocolVersion,
  statelessVersion,
  supportedVersions,
} from '../mcp/versions.ts';
import { readAccept } from './accept.ts';
import {
  answerBatch,
  answerMessage,
  type Entrance,
  parseText,
  type Refusal,
  sendResult,
  toRefusal,
} from './answer-text.ts';
import { answerErrorsAsJsonRpc } from './error-handler.ts';
import { sendJson, takeJsonAsText } from './json-body.ts';
import type { Session, Sessions } from './sessions.ts';
import { startSseStream } from './sse-stream.ts';
import type { AnswerStateless } from './stateless.ts';

export interface StreamableHttpOptions {
  ports: McpPorts;
  sessions: Sessions;
  answerStateless: AnswerStateless;
  hasServer: (serverId: string) => Promise<boolean>;
  config: Pick<Config, 'SSE_KEEPALIVE_INTERVAL'>;
}

/** Of the route's own pattern: `/mcp` has none. */
interface Path {
  id?: string;
}

export const streamableHttpRoutes: FastifyPluginCallback<StreamableHttpOptions> = (app, options, done) => {
  const { ports, sessions, answerStateless, hasServer, config } = options;
  const keepAliveMs = config.SSE_KEEPALIVE_INTERVAL * 1000;
  takeJsonAsText(app);
  answerErrorsAsJsonRpc(app, ports.failed);

  async function requireServer(request: FastifyRequest): Promise<void> {
    const serverId = toServerId(request) ?? '';
    if (await hasServer(serverId)) return;
    throw new GatewayError('GW_NOT_FOUND', { detail: `no virtual server has the id ${serverId}` });
  }

  /** @throws GW_SESSION_NOT_FOUND */
  function sessionOf(request: FastifyRequest): Session | undefined {
    const id = request.headers['mcp-session-id'];
    if (typeof id !== 'string') return undefined;
    const session = sessions.find(id, toSubject(request), toServerId(request));
    if (session === undefined) throw new GatewayError('GW_SESSION_NOT_FOUND', { detail: `session ${id}` });
    return session;
  }

  function post(request: FastifyRequest, reply: FastifyReply): undefined {
    const accepted = readAccept(request.headers.accept);
    if (!accepted.json && !accepted.sse) {
      return refuse(reply, 406, 'Not Acceptable: accept application/json or text/event-stream');
    }
    const body = parseText(request.body);
    if ('status' in body) return sendJson(reply, body.status, body.text);
    const { value, text } = body;
    const incoming = Array.isArray(value) ? undefined : readMessage(value, text);
    const single = typeof incoming === 'object' && !('error' in incoming) ? incoming : undefined;
    if (incoming !== undefined && isStateless(request.headers, single)) {
      return answerStateless(incoming, request, reply, accepted);
    }
    const asked = toInitialize(incoming);
    // A session id beside `initialize` is of a session that is over for this client.
    const session = asked === undefined ? sessionOf(request) : undefined;
    const version = asked === undefined ? readVersion(request, session) : assumedVersion;
    if (version === undefined) return refuseVersion(request, reply);
    const entrance: Entrance = {
      ports,
      socket: request.raw.socket,
      serverId: toServerId(request),
      identity: request.identity ?? anonymous,
      headers: request.headers,
      allowToolNames: false,
      cancellable: session?.calls,
    };
    if (incoming === undefined) {
      if (!allowsBatch(version)) return refuse(reply, 400, `Invalid Request: ${version} has no batches`);
      return answer(reply, answerBatch(value as unknown[], text, entrance), accepted.json);
    }
    if (typeof incoming === 'object' && 'error' in incoming) {
      const refusal = toRefusal(incoming.idJson, incoming.error);
      return sendJson(reply, refusal.status, refusal.text);
    }
    if (asked !== undefined) openSession(asked, request, reply);
    answer(reply, answerMessage(incoming, entrance), accepted.json);
  }

  /** The session is told by the header alone; a client that does not send it back is served without one. */
  function openSession(message: RpcMessage, request: FastifyRequest, reply: FastifyReply): void {
    const requested = message.params?.['protocolVersion'];
    if (typeof requested !== 'string') return;
    const version = negotiateVersion(requested);
    reply.header('mcp-session-id', sessions.open(toSubject(request), toServerId(request), version).id);
  }

  function answer(
    reply: FastifyReply,
    result: string | undefined | Promise<Refusal | string | undefined>,
    asJson: boolean,
  ): undefined {
    if (!(result instanceof Promise)) {
      if (asJson || result === undefined) return sendResult(reply, result);
      return streamResult(reply, Promise.resolve(result));
    }
    if (!asJson) return streamResult(reply, result);
    result.then(
      (answered) => sendResult(reply, answered),
      (error) => reply.send(error),
    );
  }

  function streamResult(reply: FastifyReply, result: Promise<Refusal | string | undefined>): undefined {
    // What Fastify holds of the answer's head would be lost with the answer taken out of its hands.
    const sessionId = reply.getHeader('mcp-session-id');
    const stream = startSseStream(reply, sessionId === undefined ? {} : { 'mcp-session-id': sessionId }, keepAliveMs);
    result
      .then(
        (answered) => (typeof answered === 'object' ? answered.text : answered),
        (error) => {
          ports.failed('sse', error);
          return toErrorText('null', toJsonRpcError(error));
        },
      )
      .then((text) => {
        if (text !== undefined) stream.send(text);
        stream.end();
      });
  }

  function get(request: FastifyRequest, reply: FastifyReply): undefined {
    if (request.headers['mcp-protocol-version'] === statelessVersion) return refuseVerb(reply);
    if (request.headers.accept !== undefined && !readAccept(request.headers.accept).sse) {
      return refuse(reply, 406, 'Not Acceptable: accept text/event-stream');
    }
    const session = sessionOf(request);
    if (session === undefined) return refuse(reply, 400, 'Bad Request: Mcp-Session-Id is required');
    if (readVersion(request, session) === undefined) return refuseVersion(request, reply);
    if (session.stream !== undefined) return refuse(reply, 409, 'Conflict: the session has a stream already');
    const headers = { 'mcp-session-id': session.id };
    const stream = startSseStream(reply, headers, keepAliveMs, () => sessions.touch(session));
    session.stream = stream;
    reply.raw.on('close', () => {
      if (session.stream === stream) session.stream = undefined;
    });
  }

  function remove(request: FastifyRequest, reply: FastifyReply): undefined {
    if (request.headers['mcp-protocol-version'] === statelessVersion) return refuseVerb(reply);
    const session = sessionOf(request);
    if (session === undefined) return refuse(reply, 400, 'Bad Request: Mcp-Session-Id is required');
    sessions.close(session);
    reply.code(204).send();
  }

  for (const path of ['/mcp', '/servers/:id/mcp']) {
    const preHandler = path === '/mcp' ? [] : [requireServer];
    app.post(path, { preHandler }, post);
    app.get(path, { preHandler, exposeHeadRoute: false }, get);
    app.delete(path, { preHandler }, remove);
  }
  // Streams have no end of their own: they would hold up a graceful stop for ever.
  app.addHook('preClose', (closed) => {
    sessions[Symbol.dispose]();
    closed();
  });
  done();
};

function toInitialize(incoming: Incoming | undefined): RpcMessage | undefined {
  if (incoming === undefined || incoming === RESPONSE || 'error' in incoming) return undefined;
  return incoming.method === 'initialize' && incoming.idJson !== undefined ? incoming : undefined;
}

/** @returns undefined for a version that we do not speak */
function readVersion(request: FastifyRequest, session: Session | undefined): ProtocolVersion | undefined {
  const stated = request.headers['mcp-protocol-version'];
  if (stated === undefined) return session?.protocolVersion ?? assumedVersion;
  return isSupportedVersion(stated) ? stated : undefined;
}

function refuseVersion(request: FastifyRequest, reply: FastifyReply): undefined {
  const stated = String(request.headers['mcp-protocol-version']);
  refuse(reply, 400, `Bad Request: MCP-Protocol-Version must be one of ${supportedVersions.join(', ')}, got ${stated}`);
}

function refuse(reply: FastifyReply, status: number, message: string): undefined {
  sendJson(reply, status, toErrorText('null', { code: rpcCodes.invalidRequest, message }));
}

/** The stateless revision has one verb: its streams are answers to POST. */
function refuseVerb(reply: FastifyReply): undefined {
  reply.header('allow', 'POST');
  refuse(reply, 405, `Method Not Allowed: ${statelessVersion} has POST alone`);
}

function toServerId(request: FastifyRequest): string | undefined {
  return (request.params as Path).id;
}

function toSubject(request: FastifyRequest): string {
  return request.identity?.sub ?? '';
}
