// Cuts HTTP/1.1 messages, with `content-length` or in chunks, out of a connection's bytes, one character per byte: for the benches only.

export class MessageReader {
  readonly #onMessage: (head: string, body: string) => void;
  #rest = '';

  constructor(onMessage: (head: string, body: string) => void) {
    this.#onMessage = onMessage;
  }

  push(chunk: Buffer): void {
    this.#rest += chunk.toString('latin1');
    for (;;) {
      const headEnd = this.#rest.indexOf('\r\n\r\n');
      if (headEnd === -1) return;
      const head = this.#rest.slice(0, headEnd);
      const bodyStart = headEnd + 4;
      if (/\r\ntransfer-encoding: *chunked/i.test(head)) {
        const all = readChunks(this.#rest, bodyStart);
        if (all === undefined) return;
        this.#rest = this.#rest.slice(all.end);
        this.#onMessage(head, all.body);
        continue;
      }
      const bodyEnd = bodyStart + lengthOf(head);
      if (this.#rest.length < bodyEnd) return;
      const body = this.#rest.slice(bodyStart, bodyEnd);
      this.#rest = this.#rest.slice(bodyEnd);
      this.#onMessage(head, body);
    }
  }
}

function lengthOf(head: string): number {
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  return length === undefined ? 0 : Number(length);
}

/** Undefined while the last chunk (RFC 9112 §7.1) is not there. Trailers are not known here. */
function readChunks(text: string, start: number): { body: string; end: number } | undefined {
  let body = '';
  for (let at = start; ; ) {
    const lineEnd = text.indexOf('\r\n', at);
    if (lineEnd === -1) return undefined;
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    at = lineEnd + 2;
    if (text.length < at + size + 2) return undefined;
    body += text.slice(at, at + size);
    at += size + 2;
    if (size === 0) return { body, end: at };
  }
}
