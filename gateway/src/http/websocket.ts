// MCP over a WebSocket on /ws (everything) and /servers/:id/ws (one virtual server): not in the specification, so as its
// SDKs do it: subprotocol `mcp`, a JSON-RPC message per text frame, a session per connection.
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify';
import { type WebSocket, WebSocketServer } from 'ws';
import { anonymous, endRefused, type Identity } from '../auth/index.ts';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import type { ClientSession } from './client-session.ts';
import { createRequireServer, type HasServer } from './require-server.ts';
import { SessionWire, toUnanswered, type WireOptions } from './session-wire.ts';
import type { Sessions } from './sessions.ts';
import { Upgrades } from './upgrades.ts';
import { closeCodes, WebSocketConnection } from './websocket-connection.ts';

export interface WebSocketOptions extends WireOptions {
  sessions: Sessions;
  hasServer: HasServer;
  config: WireOptions['config'] & Pick<Config, 'MAX_REQUEST_BYTES' | 'WEBSOCKET_PING_INTERVAL'>;
}

interface Open {
  wire: SessionWire;
  connection: WebSocketConnection;
}

export const websocketRoutes: FastifyPluginCallback<WebSocketOptions> = (app, options, done) => {
  const { sessions, hasServer, config } = options;
  const open = new Set<Open>();
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    // A compressor per connection would cost more memory than all the rest of it.
    perMessageDeflate: false,
    autoPong: false,
    maxPayload: config.MAX_REQUEST_BYTES,
    handleProtocols: (offered) => (offered.has('mcp') ? 'mcp' : false),
  });
  const upgrades = new Upgrades(app, server);

  function get(request: FastifyRequest, reply: FastifyReply): undefined {
    const { headers } = request;
    const identity = request.identity ?? anonymous;
    const serverId = (request.params as { id?: string }).id;
    if (headers.upgrade === undefined) {
      reply.header('upgrade', 'websocket');
      throw new GatewayError('GW_UPGRADE_REQUIRED', { detail: 'send a WebSocket handshake' });
    }
    // Before the handshake: who cannot be served gets an HTTP answer.
    const session = sessions.open(identity, serverId);
    const kept = withoutHandshake(headers);
    let isOpen = false;
    const accepted = upgrades.accept(request, reply, (socket) => {
      isOpen = true;
      connect(socket, session, kept, identity);
    });
    // Its client left while it was looked up, or its handshake is none: nothing else would end the session.
    if (!isOpen) sessions.close(session);
    if (accepted === undefined) {
      throw new GatewayError('GW_UPGRADE_REQUIRED', { detail: 'send a WebSocket handshake over HTTP/1.1' });
    }
  }

  function connect(socket: WebSocket, session: ClientSession, headers: IncomingHttpHeaders, identity: Identity): void {
    const connection = new WebSocketConnection(socket);
    const wire = new SessionWire(options, session, connection);
    const one: Open = { wire, connection };
    const release = session.hold();
    open.add(one);
    /** Messages that came while the database is asked who sends them. */
    let waiting: Promise<void> | undefined;
    const leave = (reason: string) => connection.close(closeCodes.policy, reason);
    function take(text: string, refused: GatewayError | undefined): void {
      if (refused?.code === 'GW_UNAUTHORIZED') {
        leave(refused.detail);
        return;
      }
      const refusal = refused === undefined ? wire.receive(text, headers, identity) : toUnanswered(text, refused);
      if (refusal !== undefined && refusal.text !== '') connection.send(refusal.text);
    }
    const pings = setInterval(() => {
      sessions.touch(session);
      if (connection.ping()) endRefused(app.readmit, identity, leave);
    }, config.WEBSOCKET_PING_INTERVAL * 1000).unref();
    socket.on('message', (data, isBinary) => {
      if (socket.readyState !== socket.OPEN) return;
      if (isBinary) return connection.close(closeCodes.unsupported, 'messages are text');
      const text = String(data);
      const refused = waiting === undefined ? app.readmit(identity) : waiting.then(() => app.readmit(identity));
      if (!(refused instanceof Promise)) return take(text, refused);
      // In their order, and no more of them than are here already.
      socket.pause();
      const turn = refused.then((later) => {
        take(text, later);
        if (waiting !== turn) return;
        waiting = undefined;
        socket.resume();
      });
      waiting = turn;
    });
    // What breaks the protocol is told to the peer by `ws` itself, which then closes the connection.
    socket.on('error', leaveToClose);
    socket.on('close', () => {
      clearInterval(pings);
      open.delete(one);
      release();
      sessions.close(session);
    });
  }

  const requireServer = createRequireServer(hasServer);
  app.get('/ws', { exposeHeadRoute: false }, get);
  app.get('/servers/:id/ws', { exposeHeadRoute: false, preHandler: [requireServer] }, get);
  // What runs may end, and be told.
  app.addHook('preClose', (closed) => {
    for (const { wire, connection } of open) {
      wire.drain(() => connection.close(closeCodes.goingAway, 'the gateway stops'));
    }
    closed();
  });
  done();
};

/** What passes on to upstreams, without what held for the handshake alone. */
function withoutHandshake(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(
    Object.entries(headers).filter(
      ([name]) => !name.startsWith('sec-websocket') && name !== 'upgrade' && name !== 'connection',
    ),
  );
}

function leaveToClose(): void {}
