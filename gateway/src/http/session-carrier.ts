// A session lives in one process, and its id says in which: a request of it that comes to another one is carried there, over a
// socket that only this gateway's user can reach. The owner authenticates, judges, counts and logs it as its own; here nothing of it
// is read but its head. What came over the socket is never carried on, so nothing goes in circles.
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import {
  Agent,
  type ClientRequest,
  createServer,
  type IncomingMessage,
  request as openRequest,
  type Server,
  type ServerResponse,
} from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config.ts';
import { GatewayError, toJsonRpcError } from '../errors.ts';
import { toErrorText } from '../mcp/messages.ts';
import { ADDRESS_HEADER, toOwner, withoutConnection } from './carried-headers.ts';
import { toServerLimits } from './limits.ts';
import type { Load } from './load.ts';
import { markOf, type SessionHome, socketOf } from './session-home.ts';

type CarrierConfig = Parameters<typeof toServerLimits>[0] &
  Pick<Config, 'SSL' | 'MAX_REQUEST_BYTES' | 'USE_STATEFUL_SESSIONS'>;

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export interface Destination {
  /** Of the owner. */
  mark: string;
  request: IncomingMessage;
  response: ServerResponse;
  /** Of a POST, when it was read already; undefined: it streams through. */
  text?: string;
}

const QUERY = '?session_id=';
/** Idle connections to a neighbour are kept for so long. */
const IDLE_MS = 30_000;
/** A request that has found the door before it was closed arrives within this time. */
const ON_ITS_WAY_MS = 100;
/** Sessions known to be elsewhere than their ids say; the oldest is forgotten, and asked for again. */
const MOVED_MAX = 10_000;
export class SessionCarrier implements AsyncDisposable {
  readonly home: SessionHome;
  readonly #config: CarrierConfig;
  readonly #load: Load;
  readonly #suffix: string;
  readonly #agent = new Agent({ keepAlive: true, timeout: IDLE_MS });
  readonly #arrived = new WeakSet<IncomingMessage>();
  readonly #moved = new Map<string, string>();
  /** Streams that stand open, with what ends them. */
  readonly #standing = new Map<ServerResponse, () => void>();
  #door: Server | undefined;

  constructor(home: SessionHome, config: CarrierConfig, load: Load) {
    this.home = home;
    this.#config = config;
    this.#load = load;
    this.#suffix = `.${home.mark}`;
  }

  /** What this process answers goes to the handler: its own sessions', those of nobody, and all that has no session. */
  around(handler: Handler): Handler {
    return (request, response) => {
      const mark = this.#elsewhere(request);
      if (mark === undefined) return handler(request, response);
      this.#carry({ mark, request, response }, ignore, () => handler(request, response));
    };
  }

  /** From now on the neighbours can send what is this process'. */
  async open(server: Server): Promise<void> {
    const limits = toServerLimits(this.#config);
    // One header more than the client sent.
    const maxHeaderSize = (limits.maxHeaderSize ?? 16_384) + 1024;
    // An idle connection is the other side's to close: it would send the next request into ours.
    this.#door = createServer({ ...limits, maxHeaderSize, keepAliveTimeout: 0 }, (request, response) => {
      this.#arrived.add(request);
      this.#restoreConnection(request);
      server.emit('request', request, response);
    });
    this.#door.on('connection', (socket) => {
      this.#load.carried++;
      socket.once('close', () => this.#load.carried--);
    });
    // Exclusive: otherwise node:cluster would listen in the primary.
    this.#door.listen({ path: this.#path(this.home.mark), exclusive: true });
    await once(this.#door, 'listening');
  }

  /** Nothing new is sent here from now on; ends when what was on its way has arrived. */
  async leave(): Promise<void> {
    rmSync(this.#path(this.home.mark), { force: true });
    await sleep(ON_ITS_WAY_MS);
  }

  /** Streams have no end of their own; their clients come back to another process, and go on. */
  endStreams(): void {
    for (const end of [...this.#standing.values()]) end();
  }

  /** It came from a neighbour: here or nowhere. */
  hasArrived(request: IncomingMessage): boolean {
    return this.#arrived.has(request);
  }

  /** Whether that process takes requests, as far as the file system knows. */
  reaches(mark: string): boolean {
    return existsSync(this.#path(mark));
  }

  /**
   * Carries the request to a process that its session's id does not tell; from then on this one knows where that session is.
   * @param taken called before anything is answered
   * @returns false when nobody is there: nothing was answered
   */
  hand(sessionId: string, destination: Destination, taken: () => void): Promise<boolean> {
    return new Promise((resolve) => {
      const onTaken = (): void => {
        this.#learn(sessionId, destination.mark);
        taken();
        resolve(true);
      };
      this.#carry(destination, onTaken, () => resolve(false));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#door?.close();
    this.#door?.closeAllConnections();
    this.#agent.destroy();
  }

  #path(mark: string): string {
    return socketOf(this.home.folder, mark);
  }

  /** The owner's mark; undefined: it is answered here, if only to say that there is no such session. */
  #elsewhere(request: IncomingMessage): string | undefined {
    const id = this.#sessionOf(request);
    if (id === undefined || id.endsWith(this.#suffix) || this.#arrived.has(request)) return undefined;
    const mark = this.#moved.get(id) ?? markOf(id);
    if (mark === undefined || mark === this.home.mark) return undefined;
    // Refused here as anywhere; the neighbour would cut the connection while the rest is still coming.
    if (Number(request.headers['content-length'] ?? 0) > this.#config.MAX_REQUEST_BYTES) return undefined;
    if (this.reaches(mark)) return mark;
    this.#moved.delete(id);
    return undefined;
  }

  /** Without sessions the header means nothing; the SSE transport has some all the same. */
  #sessionOf({ headers, url = '' }: IncomingMessage): string | undefined {
    const named = this.#config.USE_STATEFUL_SESSIONS ? headers['mcp-session-id'] : undefined;
    if (named !== undefined) return typeof named === 'string' ? named : undefined;
    const at = url.indexOf(QUERY);
    return at < 0 ? undefined : url.slice(at + QUERY.length).split('&', 1)[0];
  }

  #learn(sessionId: string, mark: string): void {
    if (this.#moved.size >= MOVED_MAX) {
      for (const oldest of this.#moved.keys()) {
        this.#moved.delete(oldest);
        break;
      }
    }
    this.#moved.set(sessionId, mark);
  }

  /** Either `taken`, or, before a byte of the request was read, `notThere`. */
  #carry({ mark, request, response, text }: Destination, taken: () => void, notThere: () => void): void {
    const { method = 'GET', url: path = '/' } = request;
    const hasBody = method === 'POST';
    const headers = toOwner(request, hasBody);
    const outgoing = openRequest({ socketPath: this.#path(mark), agent: this.#agent, method, path, headers });
    let isTaken = false;
    const send = (): void => {
      isTaken = true;
      taken();
      if (response.destroyed) outgoing.destroy();
      if (text !== undefined) outgoing.end(text);
      else if (hasBody) this.#pipeBody(request, outgoing, response);
      else outgoing.end();
    };
    outgoing.once('socket', (socket) => {
      if (socket.connecting) socket.once('connect', send);
      else send();
    });
    let isAnswered = false;
    outgoing.once('response', (answer) => {
      isAnswered = true;
      this.#relay(method, answer, response);
    });
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      // Left behind by a process that was killed. Marks are used once: nobody is about to listen there.
      if (error.code === 'ECONNREFUSED') rmSync(this.#path(mark), { force: true });
      if (!isTaken) notThere();
      // The owner cut the connection, or has died: the client sees what it would have seen there.
      else if (!isAnswered) response.destroy();
    });
    // The client has gone, or everything was said: the owner aborts what still runs for nobody.
    response.once('close', () => {
      if (isTaken) outgoing.destroy();
    });
  }

  /** In chunks, whatever the client's framing was: no body can run over into the next request on that connection. */
  #pipeBody(request: IncomingMessage, outgoing: ClientRequest, response: ServerResponse): void {
    if (request.headers['content-length'] === undefined) {
      const most = this.#config.MAX_REQUEST_BYTES;
      let bytes = 0;
      request.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes <= most || response.headersSent) return;
        request.unpipe(outgoing);
        refuseLargeBody(response, most);
      });
    }
    request.pipe(outgoing);
  }

  #relay(method: string, answer: IncomingMessage, response: ServerResponse): void {
    if (response.headersSent || response.destroyed) return;
    response.writeHead(answer.statusCode ?? 502, withoutConnection(answer.headers));
    answer.once('close', () => {
      if (!answer.complete) response.destroy();
    });
    if (answer.headers['content-type']?.startsWith('text/event-stream') === true) {
      response.flushHeaders();
      // The answer to a POST is work that ends.
      if (method === 'GET') this.#stand(answer, response);
    }
    answer.pipe(response);
  }

  #stand(answer: IncomingMessage, response: ServerResponse): void {
    this.#load.stand(response);
    this.#standing.set(response, () => {
      answer.unpipe(response);
      response.end();
    });
    response.once('close', () => this.#standing.delete(response));
  }

  /** As if the client had come to this process. One request at a time is on a connection, so the address is that of the request. */
  #restoreConnection(request: IncomingMessage): void {
    const { rawHeaders, headers, socket } = request;
    const address = rawHeaders[0] === ADDRESS_HEADER ? rawHeaders.splice(0, 2)[1] : undefined;
    delete headers[ADDRESS_HEADER];
    Object.defineProperty(socket, 'remoteAddress', { value: address, configurable: true });
    if (this.#config.SSL) Object.assign(socket, { encrypted: true });
  }
}

function refuseLargeBody(response: ServerResponse, most: number): void {
  const error = new GatewayError('GW_BODY_TOO_LARGE', { detail: `it has more than ${most} bytes` });
  response.shouldKeepAlive = false;
  response.writeHead(error.status, { 'content-type': 'application/json; charset=utf-8' });
  response.end(toErrorText('null', toJsonRpcError(error)));
}

function ignore(): void {}
