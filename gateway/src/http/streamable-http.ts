// MCP's Streamable HTTP on /mcp (everything) and /servers/:id/mcp (one virtual server).
// https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#streamable-http
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify';
import { anonymous } from '../auth/index.ts';
import type { Config } from '../config.ts';
import { GatewayError, toJsonRpcError } from '../errors.ts';
import { type Incoming, type RpcMessage, readMessage, toErrorText } from '../mcp/messages.ts';
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
import { answerBatch, answerMessage, parseText, type Refusal, sendResult, toRefusal } from './answer-text.ts';
import type { ClientSession } from './client-session.ts';
import { answerErrorsAsJsonRpc } from './error-handler.ts';
import type { Answering, Asked } from './exchange-ports.ts';
import type { FastDoor } from './fast-door.ts';
import { sendJson, takeJsonAsText } from './json-body.ts';
import { PostEntrance } from './post-entrance.ts';
import { createRequireServer, type HasServer } from './require-server.ts';
import type { Sessions } from './sessions.ts';
import type { SharedSessions } from './shared-sessions.ts';
import { openStandingStream } from './standing-stream.ts';
import type { AnswerStateless } from './stateless.ts';

export interface StreamableHttpOptions {
  ports: McpPorts;
  /** Undefined: no session is given out, and any worker serves any request. */
  sessions: Sessions | undefined;
  /** Undefined: sessions end with their process. */
  shared?: SharedSessions | undefined;
  answerStateless: AnswerStateless;
  /** Takes the POST routes too. */
  fastDoor?: Pick<FastDoor, 'serve'> | undefined;
  hasServer: HasServer;
  config: Pick<
    Config,
    | 'JSON_RESPONSE_ENABLED'
    | 'SSE_KEEPALIVE_ENABLED'
    | 'SSE_KEEPALIVE_INTERVAL'
    | 'MCPGATEWAY_ELICITATION_ENABLED'
    | 'MCPGATEWAY_TOOL_CANCELLATION_ENABLED'
  >;
}

/** Of the route's own pattern: `/mcp` has none. */
interface Path {
  id?: string;
}

export const streamableHttpRoutes: FastifyPluginCallback<StreamableHttpOptions> = (app, options, done) => {
  const { ports, sessions, shared, answerStateless, hasServer, config } = options;
  takeJsonAsText(app);
  answerErrorsAsJsonRpc(app, ports.failed);

  /** @throws GW_SESSION_NOT_FOUND */
  function sessionOf(request: Asked): ClientSession | undefined {
    if (sessions === undefined) return undefined;
    const id = request.headers['mcp-session-id'];
    if (typeof id !== 'string') return undefined;
    const session = sessions.find(id, request.identity ?? anonymous, toServerId(request));
    if (session === undefined) throw new GatewayError('GW_SESSION_NOT_FOUND', { detail: `session ${id}` });
    return session;
  }

  function post(request: Asked, reply: Answering): undefined {
    const accepted = readAccept(request.headers.accept);
    if (!accepted.json && !accepted.sse) {
      return refuse(reply, 406, 'Not Acceptable: accept application/json or text/event-stream');
    }
    const body = parseText(request.body);
    if ('status' in body) return sendJson(reply, body.status, body.text);
    const { value, text } = body;
    const incoming = Array.isArray(value) ? undefined : readMessage(value, text);
    const single = incoming !== undefined && 'method' in incoming ? incoming : undefined;
    if (incoming !== undefined && isStateless(request.headers, single)) {
      return answerStateless(incoming, request, reply, accepted);
    }
    const asked = toInitialize(incoming);
    // A session id beside `initialize` is of a session that is over for this client.
    const session = asked === undefined ? sessionOf(request) : openSession(asked, request, reply);
    const version = asked === undefined ? readVersion(request, session) : assumedVersion;
    if (version === undefined) return refuseVersion(request, reply);
    const entrance = new PostEntrance(options, request, reply, toServerId(request), session, accepted.sse);
    const asJson = accepted.json && (config.JSON_RESPONSE_ENABLED || !accepted.sse);
    if (incoming === undefined) {
      if (!allowsBatch(version)) return refuse(reply, 400, `Invalid Request: ${version} has no batches`);
      return answer(reply, answerBatch(value as unknown[], text, entrance), entrance, asJson);
    }
    if ('error' in incoming) {
      const refusal = toRefusal(incoming.idJson, incoming.error);
      return sendJson(reply, refusal.status, refusal.text);
    }
    const result = answerMessage(incoming, entrance);
    if (shared === undefined || session === undefined || asked === undefined) answer(reply, result, entrance, asJson);
    // Its client may send the next request to another process.
    else
      answer(
        reply,
        shared.share(session).then(() => result),
        entrance,
        asJson,
      );
  }

  /** The session is told by the header alone; a client that does not send it back is served without one. */
  function openSession({ params }: RpcMessage, request: Asked, reply: Answering): ClientSession | undefined {
    const requested = params?.['protocolVersion'];
    if (sessions === undefined || typeof requested !== 'string') return undefined;
    const session = sessions.open(request.identity ?? anonymous, toServerId(request));
    session.agree(negotiateVersion(requested), params?.['capabilities']);
    reply.header('mcp-session-id', session.id);
    return session;
  }

  function answer(
    reply: Answering,
    result: string | undefined | Promise<Refusal | string | undefined>,
    entrance: PostEntrance,
    asJson: boolean,
  ): undefined {
    if (!(result instanceof Promise)) {
      if (asJson || result === undefined) sendResult(reply, result);
      else entrance.finish(result);
      return;
    }
    if (!asJson) entrance.stream();
    result.then(
      (answered) => {
        if (!entrance.isStreaming) sendResult(reply, answered);
        else entrance.finish(typeof answered === 'object' ? answered.text : answered);
      },
      (error) => {
        if (!entrance.isStreaming) return reply.send(error);
        ports.failed('sse', error);
        entrance.finish(toErrorText('null', toJsonRpcError(error)));
      },
    );
  }

  function get(request: FastifyRequest, reply: FastifyReply): undefined {
    if (request.headers['mcp-protocol-version'] === statelessVersion) return refuseVerb(reply);
    if (sessions === undefined) return refuseMethod(reply);
    if (request.headers.accept !== undefined && !readAccept(request.headers.accept).sse) {
      return refuse(reply, 406, 'Not Acceptable: accept text/event-stream');
    }
    const session = sessionOf(request);
    if (session === undefined) return refuse(reply, 400, 'Bad Request: Mcp-Session-Id is required');
    if (readVersion(request, session) === undefined) return refuseVersion(request, reply);
    const refusal = openStandingStream(request, reply, session, sessions, config);
    if (refusal !== undefined) refuse(reply, refusal.status, refusal.text);
  }

  function remove(request: Asked, reply: Answering): undefined {
    if (request.headers['mcp-protocol-version'] === statelessVersion) return refuseVerb(reply);
    if (sessions === undefined) return refuseMethod(reply);
    const session = sessionOf(request);
    if (session === undefined) return refuse(reply, 400, 'Bad Request: Mcp-Session-Id is required');
    sessions.close(session);
    if (shared === undefined) reply.code(204).send();
    else void shared.forget(session).then(() => reply.code(204).send());
  }

  const requireServer = createRequireServer(hasServer);
  for (const path of ['/mcp', '/servers/:id/mcp'] as const) {
    const preHandler = [...(path === '/mcp' ? [] : [requireServer]), ...(shared === undefined ? [] : [shared.bring])];
    app.post(path, { preHandler }, post);
    options.fastDoor?.serve(path, post);
    app.get(path, { preHandler, exposeHeadRoute: false }, get);
    app.delete(path, { preHandler }, remove);
  }
  done();
};

function toInitialize(incoming: Incoming | undefined): RpcMessage | undefined {
  if (incoming === undefined || !('method' in incoming)) return undefined;
  return incoming.method === 'initialize' && incoming.idJson !== undefined ? incoming : undefined;
}

/** @returns undefined for a version that we do not speak */
function readVersion(request: Asked, session: ClientSession | undefined): ProtocolVersion | undefined {
  const stated = request.headers['mcp-protocol-version'];
  if (stated === undefined) return session?.protocolVersion ?? assumedVersion;
  return isSupportedVersion(stated) ? stated : undefined;
}

function refuseVersion(request: Asked, reply: Answering): undefined {
  const stated = String(request.headers['mcp-protocol-version']);
  refuse(reply, 400, `Bad Request: MCP-Protocol-Version must be one of ${supportedVersions.join(', ')}, got ${stated}`);
}

/** Without sessions there is no stream to listen to and nothing to end. */
function refuseMethod(reply: Answering): undefined {
  reply.header('allow', 'POST');
  refuse(reply, 405, 'Method Not Allowed: this gateway keeps no sessions (USE_STATEFUL_SESSIONS)');
}

function refuse(reply: Answering, status: number, message: string): undefined {
  sendJson(reply, status, toErrorText('null', { code: rpcCodes.invalidRequest, message }));
}

/** The stateless revision has one verb: its streams are answers to POST. */
function refuseVerb(reply: Answering): undefined {
  reply.header('allow', 'POST');
  refuse(reply, 405, `Method Not Allowed: ${statelessVersion} has POST alone`);
}

function toServerId(request: Asked): string | undefined {
  return (request.params as Path).id;
}
