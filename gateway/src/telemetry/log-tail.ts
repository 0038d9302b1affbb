// The last lines of the log in memory, for the admin pages. They come after `redact`: no secret is in them.
const LINES_MAX = 500;
const LINE_MAX_CHARACTERS = 4000;

export interface TailLine {
  /** Counts all lines since the start. */
  seq: number;
  text: string;
}

export class LogTail {
  readonly #lines: TailLine[] = [];
  #last = 0;

  /** Never throws. */
  add(line: string): void {
    this.#lines.push({ seq: ++this.#last, text: line.slice(0, LINE_MAX_CHARACTERS) });
    if (this.#lines.length > LINES_MAX) this.#lines.shift();
  }

  /** Those behind `seq`, the oldest first. */
  after(seq: number): TailLine[] {
    return this.#lines.filter((line) => line.seq > seq);
  }
}
