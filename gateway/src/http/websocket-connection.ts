// One WebSocket as the way to a client: messages out, signs of life, and an end with a reason.
import type { WebSocket } from 'ws';
import { Outbox } from './outbox.ts';
import type { Outlet } from './sse-stream.ts';

/** RFC 6455 §7.4.1. */
export const closeCodes = { goingAway: 1001, unsupported: 1003, policy: 1008, tryAgainLater: 1013 } as const;

/** A peer that does not answer a goodbye is cut off. */
const GOODBYE_MS = 2_000;

/** Pings of a peer are answered while no more than this waits for it: a piece of a message is less. */
const MAX_PONGS_BYTES = 128 * 1024;

export class WebSocketConnection implements Outlet {
  readonly #socket: WebSocket;
  readonly #outbox: Outbox;
  #isAlive = true;

  /** @param stalledMs a reader that takes nothing for so long has stopped reading */
  constructor(socket: WebSocket, stalledMs?: number) {
    this.#socket = socket;
    // A large message goes out in fragments (RFC 6455 §5.4): whoever reads gets it whole.
    const write = (piece: string | Buffer, isLast: boolean, done: (error?: Error) => void) =>
      socket.send(piece, { binary: false, fin: isLast }, done);
    this.#outbox = new Outbox({ write, cut: () => socket.terminate() }, stalledMs);
    // Answered here rather than by `ws`: a reader that stops reading could have answers pile up.
    socket.on('ping', (data) => {
      if (socket.bufferedAmount < MAX_PONGS_BYTES) socket.pong(data);
    });
    socket.on('pong', () => {
      this.#isAlive = true;
    });
    socket.on('close', () => this.#outbox[Symbol.dispose]());
  }

  send(json: string): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#outbox.send(json);
  }

  /** @returns false for a peer that did not answer the last one: it is cut off */
  ping(): boolean {
    if (!this.#isAlive) {
      this.#socket.terminate();
      return false;
    }
    this.#isAlive = false;
    this.#socket.ping();
    return true;
  }

  /** What was sent reaches the client first. */
  close(code: number, reason: string): void {
    this.#outbox.end(() => this.#socket.close(code, reason));
    setTimeout(terminate, GOODBYE_MS, this.#socket).unref();
  }
}

function terminate(socket: WebSocket): void {
  socket.terminate();
}
