// What waits for a reader: bounded in bytes and in time. A reader that stops reading costs the message that is on its way, 1 MB of
// further ones, and is let go in 20 s; one that is slow gets everything, however large a message is, as long as it takes a piece in
// that time and what comes meanwhile stays within the bound.

/** The way to the reader: an event stream, a WebSocket. */
export interface Sink {
  /** @param done called when the operating system has taken the piece, or with why it never will */
  write(piece: string | Buffer, isLast: boolean, done: (error?: Error | null) => void): void;
  /** Ends the connection at once: its reader is let go. */
  cut(): void;
}

/** With so much waiting behind the message that is being written, one more is too much. That one may be large: an answer has to get through. */
export const MAX_WAITING_BYTES = 1024 * 1024;
/** Pieces of this size show whether a slow reader reads at all. */
const PIECE_BYTES = 64 * 1024;
/** Well within 30 s: a slow reader takes a piece in less. */
const STALLED_MS = 20_000;

export class Outbox implements Disposable {
  readonly #sink: Sink;
  readonly #stalledMs: number;
  readonly #waiting: string[] = [];
  #waitingBytes = 0;
  /** Of the message that came last. */
  #lastBytes = 0;
  /** What is left of a message that goes out in pieces. */
  #rest: Buffer | undefined;
  #isWriting = false;
  #isJudging = false;
  #isOver = false;
  #whenSent: (() => void) | undefined;
  #stalled: NodeJS.Timeout | undefined;

  constructor(sink: Sink, stalledMs = STALLED_MS) {
    this.#sink = sink;
    this.#stalledMs = stalledMs;
  }

  send(message: string): void {
    if (this.#isOver || this.#whenSent !== undefined) return;
    if (!this.#isWriting) {
      this.#write(message);
      return;
    }
    this.#lastBytes = Buffer.byteLength(message);
    this.#waitingBytes += this.#lastBytes;
    this.#waiting.push(message);
    if (this.#isTooMuch() && !this.#isJudging) {
      this.#isJudging = true;
      setImmediate(judge, this);
    }
  }

  /** Nothing more is taken. @param whenSent called when all that was has gone out */
  end(whenSent: () => void): void {
    if (this.#isOver || this.#whenSent !== undefined) return;
    this.#whenSent = whenSent;
    if (!this.#isWriting) whenSent();
  }

  /** The connection is gone. */
  [Symbol.dispose](): void {
    this.#isOver = true;
    clearTimeout(this.#stalled);
    this.#waiting.length = 0;
    this.#waitingBytes = 0;
    this.#rest = undefined;
  }

  /** What came in one turn of the event loop is judged after it: until then nothing of it can have been taken. */
  judge(): void {
    this.#isJudging = false;
    if (this.#isTooMuch()) this.#cut();
  }

  #isTooMuch(): boolean {
    return this.#waitingBytes - this.#lastBytes > MAX_WAITING_BYTES;
  }

  #cut(): void {
    this[Symbol.dispose]();
    this.#sink.cut();
  }

  #write(message: string | Buffer): void {
    let piece = message;
    this.#rest = undefined;
    if (message.length > PIECE_BYTES) {
      const whole = typeof message === 'string' ? Buffer.from(message) : message;
      piece = whole.subarray(0, PIECE_BYTES);
      if (whole.length > PIECE_BYTES) this.#rest = whole.subarray(PIECE_BYTES);
    }
    this.#isWriting = true;
    this.#stalled = setTimeout(giveUp, this.#stalledMs, this).unref();
    this.#sink.write(piece, this.#rest === undefined, this.#taken);
  }

  giveUp(): void {
    this.#cut();
  }

  #taken = (error?: Error | null): void => {
    clearTimeout(this.#stalled);
    // Its close comes, and ends the rest.
    if (error || this.#isOver) return;
    const next = this.#rest ?? this.#waiting.shift();
    if (next === undefined) {
      this.#isWriting = false;
      this.#whenSent?.();
      return;
    }
    if (typeof next === 'string') this.#waitingBytes -= Buffer.byteLength(next);
    this.#write(next);
  };
}

function judge(outbox: Outbox): void {
  outbox.judge();
}

function giveUp(outbox: Outbox): void {
  outbox.giveUp();
}
