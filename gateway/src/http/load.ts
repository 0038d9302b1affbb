// What one worker has to do: its connections and its running requests, for back-pressure, for an even spread over workers, and for
// an end that drops nothing.
import type { ServerResponse } from 'node:http';
import type { Http2ServerResponse, Http2Session } from 'node:http2';
import type { Socket } from 'node:net';

declare module 'fastify' {
  interface FastifyInstance {
    load: Load;
  }
}

type Response = ServerResponse | Http2ServerResponse;

/** Its client has left, and its `close` has been told: whoever listens from now on hears nothing. */
export function isGone(response: Response): boolean {
  // HTTP/2's has no `destroyed`.
  return 'stream' in response ? response.stream.destroyed : response.destroyed;
}

export class Load {
  /** Requests that are being answered; streams that merely stand open are not among them. */
  running = 0;
  /** Requests since the start, the refused ones too. */
  served = 0;
  /** Those answered with 503 because of BACKPRESSURE. */
  refused = 0;
  /** From now on each answer closes its connection. */
  isDraining = false;
  /** So many answers close their connection, for another worker to take it over. */
  toShed = 0;
  readonly sockets = new Set<Socket>();
  /** Connections over which neighbours bring what is this worker's. */
  carried = 0;
  readonly sessions = new Set<Http2Session>();
  readonly #standing = new Set<Response>();

  addSocket(socket: Socket): void {
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
  }

  addSession(session: Http2Session): void {
    this.sessions.add(session);
    session.once('close', () => this.sessions.delete(session));
  }

  /** Streams that stand open. */
  get standing(): number {
    return this.#standing.size;
  }

  /** This answer is a stream that stands open until its client goes: it is not work. One that is over is counted already. */
  stand(response: Response): void {
    if (this.#standing.has(response) || isGone(response)) return;
    this.#standing.add(response);
    this.running--;
  }

  /** Its connection is closed, or free for the next request. */
  end(response: ServerResponse): void {
    if (this.#standing.size > 0 && this.#standing.delete(response)) return;
    this.running--;
  }

  /** The answer says `Connection: close`, so its client opens the next connection without losing a request. */
  release(response: ServerResponse): void {
    // An unannounced close would race with a request that is on its way already. HTTP/2 says GOAWAY instead.
    if (response.shouldKeepAlive !== true) return;
    response.shouldKeepAlive = false;
    if (!this.isDraining) this.toShed--;
  }
}
