// GET of Streamable HTTP: the session's standing stream, or any stream of it from where the client stopped.
// https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#listening-for-messages-from-the-server
import type { FastifyReply, FastifyRequest } from 'fastify';
import { anonymous, endRefused } from '../auth/index.ts';
import type { ClientSession } from './client-session.ts';
import { isGone } from './load.ts';
import { SessionStream } from './session-stream.ts';
import type { Sessions } from './sessions.ts';
import { SseStream, type SseStreamOptions } from './sse-stream.ts';

interface Refused {
  status: number;
  text: string;
}

/** @returns why not */
export function openStandingStream(
  request: FastifyRequest,
  reply: FastifyReply,
  session: ClientSession,
  sessions: Sessions,
  config: SseStreamOptions['config'],
): Refused | undefined {
  if (isGone(reply.raw)) return void reply.hijack();
  const lastEventId = request.headers['last-event-id'];
  if (typeof lastEventId === 'string' && lastEventId !== '') {
    const resumed = session.resume(lastEventId);
    // An event of the process that had the session before is lost; a client that is refused would get no stream ever.
    if (resumed === undefined && !session.isTakenOver) {
      return { status: 400, text: 'Bad Request: what followed Last-Event-ID is not kept (any more)' };
    }
    if (resumed === undefined) return openNew(request, reply, session, sessions, config);
    const connection = connect(request, reply, session, sessions, config);
    if (resumed.stream !== undefined) resumed.stream.connect(connection, resumed.missed);
    else {
      for (const { id, json } of resumed.missed) connection.send(json, id);
      connection.end();
    }
    return undefined;
  }
  return openNew(request, reply, session, sessions, config);
}

/** Without an event id the client asks for what comes, not for what it missed. */
function openNew(
  request: FastifyRequest,
  reply: FastifyReply,
  session: ClientSession,
  sessions: Sessions,
  config: SseStreamOptions['config'],
): Refused | undefined {
  let { standing } = session;
  if (standing instanceof SessionStream && standing.isConnected) {
    return { status: 409, text: 'Conflict: the session has a stream already' };
  }
  const connection = connect(request, reply, session, sessions, config);
  if (!(standing instanceof SessionStream)) {
    standing = session.openStream();
    session.standing = standing;
  }
  if (standing instanceof SessionStream) {
    standing.connect(connection);
    standing.prime(session.protocolVersion);
  }
  return undefined;
}

/** It stands open for as long as its client likes: no work for BACKPRESSURE to count. */
function connect(
  request: FastifyRequest,
  reply: FastifyReply,
  session: ClientSession,
  sessions: Sessions,
  config: SseStreamOptions['config'],
): SseStream {
  const identity = request.identity ?? anonymous;
  const release = session.hold();
  reply.server.load.stand(reply.raw);
  const connection = new SseStream(reply, {
    config,
    headers: { 'mcp-session-id': session.id },
    onKeepAlive() {
      sessions.touch(session);
      endRefused(reply.server.readmit, identity, () => connection.end());
    },
  });
  connection.onClose(release);
  return connection;
}
