// MCP over a WebSocket on /ws (everything) and /servers/:id/ws (one virtual server): not in the specification, so as its
// SDKs do it: subprotocol `mcp`, a JSON-RPC message per text frame, a session per connection.
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify';
import { type WebSocket, WebSocketServer } from 'ws';
import { anonymous } from '../auth/index.ts';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import type { ClientSession } from './client-session.ts';
import { createRequireServer, type HasServer } from './require-server.ts';
import { SessionWire, type WireOptions } from './session-wire.ts';
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
    const isExpired = () => identity.expiresAt !== undefined && identity.expiresAt * 1000 <= Date.now();
    const kept = withoutHandshake(headers);
    const accepted = upgrades.accept(request, reply, (socket) => connect(socket, session, kept, isExpired));
    if (accepted === undefined) {
      sessions.close(session);
      throw new GatewayError('GW_UPGRADE_REQUIRED', { detail: 'send a WebSocket handshake over HTTP/1.1' });
    }
  }

  function connect(
    socket: WebSocket,
    session: ClientSession,
    headers: IncomingHttpHeaders,
    isExpired: () => boolean,
  ): void {
    const connection = new WebSocketConnection(socket);
    const wire = new SessionWire(options, session, connection);
    const one: Open = { wire, connection };
    const release = session.hold();
    open.add(one);
    const pings = setInterval(() => {
      sessions.touch(session);
      if (isExpired()) connection.close(closeCodes.policy, 'the token has expired');
      else connection.ping();
    }, config.WEBSOCKET_PING_INTERVAL * 1000).unref();
    socket.on('message', (data, isBinary) => {
      if (isBinary) return connection.close(closeCodes.unsupported, 'messages are text');
      if (isExpired()) return connection.close(closeCodes.policy, 'the token has expired');
      const refusal = wire.receive(String(data), headers);
      if (refusal !== undefined && refusal.text !== '') connection.send(refusal.text);
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
