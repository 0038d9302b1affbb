// WebSocket handshakes go through the router like any request, so that its hooks judge them: who asks, from which page, for
// what. Only then the connection changes hands. @fastify/websocket would add two hooks to every route of the gateway.
import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { WebSocket, WebSocketServer } from 'ws';

interface Pending {
  socket: Duplex;
  head: Buffer;
}

export class Upgrades {
  readonly #pending = new WeakMap<IncomingMessage, Pending>();
  readonly #sockets: WebSocketServer;

  constructor(app: FastifyInstance, sockets: WebSocketServer) {
    this.#sockets = sockets;
    app.server.on('upgrade', (raw: IncomingMessage, socket: Duplex, head: Buffer) => {
      if (raw.headers.upgrade?.toLowerCase() !== 'websocket') return serveWithoutUpgrade(app, raw, socket, head);
      // Node takes its own listener away before it hands over the socket.
      socket.on('error', destroy);
      this.#pending.set(raw, { socket, head });
      const response = new ServerResponse(raw);
      // The answer to a request that is refused: nothing else may follow on this connection.
      response.shouldKeepAlive = false;
      response.assignSocket(socket as Parameters<typeof response.assignSocket>[0]);
      response.on('finish', () => socket.end());
      app.routing(raw, response);
    });
  }

  /** @returns undefined when the request is an ordinary one */
  accept(request: FastifyRequest, reply: FastifyReply, opened: (socket: WebSocket) => void): true | undefined {
    const pending = this.#pending.get(request.raw);
    if (pending === undefined) return undefined;
    this.#pending.delete(request.raw);
    const { socket, head } = pending;
    reply.hijack();
    const { raw } = reply;
    raw.removeAllListeners('finish');
    raw.detachSocket(socket as Parameters<typeof raw.detachSocket>[0]);
    this.#sockets.handleUpgrade(request.raw, socket, head, (webSocket) => {
      socket.removeListener('error', destroy);
      opened(webSocket);
    });
    // For what counts requests this one is over, and lets go of its objects: connections live long, and there are many.
    raw.statusCode = 101;
    raw.end();
    raw.emit('close');
    return true;
  }
}

/** What belongs to the offer, not to the request. `connection` is written anew. */
const ofUpgrade: ReadonlySet<string> = new Set([
  'connection',
  'upgrade',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
]);

/**
 * An upgrade that is not served here (`h2c`, which `curl --http2` offers with every request) is an offer to be passed over (RFC 9110
 * section 7.8). Once anybody listens for upgrades Node reads no body of such a request, so it is given to Node again without the
 * offer: its head, what had been read behind it, and the connection, which ends with the answer.
 */
function serveWithoutUpgrade(app: FastifyInstance, raw: IncomingMessage, socket: Duplex, head: Buffer): void {
  const lines = [`${raw.method} ${raw.url} HTTP/${raw.httpVersion}`];
  for (let at = 0; at < raw.rawHeaders.length; at += 2) {
    const name = raw.rawHeaders[at] ?? '';
    if (!ofUpgrade.has(name.toLowerCase())) lines.push(`${name}: ${raw.rawHeaders[at + 1]}`);
  }
  lines.push('connection: close', '', '');
  // Headers are bytes to Node, one per character.
  socket.unshift(Buffer.concat([Buffer.from(lines.join('\r\n'), 'latin1'), head]));
  app.server.emit(socket instanceof TLSSocket ? 'secureConnection' : 'connection', socket);
  socket.resume();
}

function destroy(this: Duplex): void {
  this.destroy();
}
