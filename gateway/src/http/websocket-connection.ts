// One WebSocket as the way to a client: messages out, signs of life, and an end with a reason.
import type { WebSocket } from 'ws';
import { MAX_WAITING_BYTES, type Outlet } from './sse-stream.ts';

/** RFC 6455 §7.4.1. */
export const closeCodes = { goingAway: 1001, unsupported: 1003, policy: 1008, tryAgainLater: 1013 } as const;

/** A reader that takes nothing in this time has stopped reading. */
const STALLED_MS = 20_000;
/** A peer that does not answer a goodbye is cut off. */
const GOODBYE_MS = 2_000;

export class WebSocketConnection implements Outlet {
  readonly #socket: WebSocket;
  #isAlive = true;
  #stalled: NodeJS.Timeout | undefined;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('pong', () => {
      this.#isAlive = true;
    });
    socket.on('close', () => clearTimeout(this.#stalled));
  }

  send(json: string): void {
    const socket = this.#socket;
    if (socket.readyState !== socket.OPEN) return;
    // One message may be larger: but then nothing else waits behind it.
    if (socket.bufferedAmount > 0 && socket.bufferedAmount + json.length > MAX_WAITING_BYTES) {
      socket.terminate();
      return;
    }
    socket.send(json);
    if (socket.bufferedAmount > 0) this.#watch(socket.bufferedAmount);
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

  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
    setTimeout(terminate, GOODBYE_MS, this.#socket).unref();
  }

  #watch(before: number): void {
    if (this.#stalled !== undefined) return;
    this.#stalled = setTimeout(() => {
      this.#stalled = undefined;
      const now = this.#socket.bufferedAmount;
      if (now === 0) return;
      if (now >= before) this.#socket.terminate();
      else this.#watch(now);
    }, STALLED_MS).unref();
  }
}

function terminate(socket: WebSocket): void {
  socket.terminate();
}
