// The HTTP+SSE transport of 2024-11-05: a GET that stays open carries all that goes to the client, POSTs what comes from it.
// https://modelcontextprotocol.io/specification/2024-11-05/basic/transports#http-with-sse
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify';
import { anonymous, endRefused } from '../auth/index.ts';
import { GatewayError } from '../errors.ts';
import { readAccept } from './accept.ts';
import { sendResult } from './answer-text.ts';
import type { ClientSession } from './client-session.ts';
import { answerErrorsAsJsonRpc } from './error-handler.ts';
import { takeJsonAsText } from './json-body.ts';
import { isGone } from './load.ts';
import { createRequireServer, type HasServer } from './require-server.ts';
import { SessionWire, type WireOptions } from './session-wire.ts';
import type { Sessions } from './sessions.ts';
import { SseStream, type SseStreamOptions } from './sse-stream.ts';

export interface SseTransportOptions extends WireOptions {
  sessions: Sessions;
  hasServer: HasServer;
  config: WireOptions['config'] & SseStreamOptions['config'];
}

interface Open {
  wire: SessionWire;
  stream: SseStream;
}

export const sseTransportRoutes: FastifyPluginCallback<SseTransportOptions> = (app, options, done) => {
  const { sessions, hasServer, config } = options;
  const open = new Map<ClientSession, Open>();
  takeJsonAsText(app);
  answerErrorsAsJsonRpc(app, options.ports.failed);

  function get(request: FastifyRequest, reply: FastifyReply): undefined {
    const { accept } = request.headers;
    if (accept !== undefined && !readAccept(accept).sse) {
      throw new GatewayError('GW_NOT_ACCEPTABLE', { detail: 'accept text/event-stream' });
    }
    if (isGone(reply.raw)) return void reply.hijack();
    const identity = request.identity ?? anonymous;
    const serverId = toServerId(request);
    const session = sessions.open(identity, serverId);
    const release = session.hold();
    reply.server.load.stand(reply.raw);
    const stream = new SseStream(reply, {
      config,
      onKeepAlive() {
        sessions.touch(session);
        endRefused(app.readmit, identity, () => stream.end());
      },
    });
    open.set(session, { wire: new SessionWire(options, session, stream), stream });
    stream.onClose(() => {
      open.delete(session);
      release();
      sessions.close(session);
    });
    const path = serverId === undefined ? '/message' : `/servers/${encodeURIComponent(serverId)}/message`;
    stream.sendRaw(`event: endpoint\ndata: ${path}?session_id=${session.id}\n\n`);
  }

  function post(request: FastifyRequest, reply: FastifyReply): undefined {
    const { session_id: id } = request.query as { session_id?: string };
    const identity = request.identity ?? anonymous;
    const session = sessions.find(String(id), identity, toServerId(request));
    const known = session && open.get(session);
    if (known === undefined) throw new GatewayError('GW_SESSION_NOT_FOUND', { detail: `session ${id}` });
    sendResult(reply, known.wire.receive(request.body, request.headers, identity));
  }

  const requireServer = createRequireServer(hasServer);
  for (const base of ['', '/servers/:id']) {
    const preHandler = base === '' ? [] : [requireServer];
    app.get(`${base}/sse`, { preHandler, exposeHeadRoute: false }, get);
    app.post(`${base}/message`, { preHandler }, post);
  }
  // A stream has no end of its own; what runs may end, and be told.
  app.addHook('preClose', (closed) => {
    for (const { wire, stream } of open.values()) wire.drain(() => stream.end());
    closed();
  });
  done();
};

function toServerId(request: FastifyRequest): string | undefined {
  return (request.params as { id?: string }).id;
}
