// Cuts HTTP/1.1 messages with `content-length` out of a connection's bytes. Bodies are taken as ASCII: for the benches only.

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
