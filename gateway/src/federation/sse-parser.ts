// Server-sent events as MCP's Streamable HTTP uses them: the `data` of each event, whole.
// https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
import { StringDecoder } from 'node:string_decoder';

/** Reads a stream in pieces as they come; characters and lines may be cut anywhere. */
export class SseParser {
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';
  #data: string[] = [];
  #isFirst = true;

  /** The `data` of every event that this piece completes. */
  push(chunk: Buffer): string[] {
    let text = this.#rest + this.#decoder.write(chunk);
    if (this.#isFirst && text.length > 0) {
      this.#isFirst = false;
      if (text.charCodeAt(0) === 0xfeff) text = text.slice(1);
    }
    const events: string[] = [];
    let at = 0;
    for (;;) {
      const end = findLineEnd(text, at);
      // A CR that ends the piece may be half of a CRLF: wait for what follows.
      if (end === -1 || (text[end] === '\r' && end + 1 === text.length)) break;
      this.#line(text.slice(at, end), events);
      at = end + (text[end] === '\r' && text[end + 1] === '\n' ? 2 : 1);
    }
    this.#rest = text.slice(at);
    return events;
  }

  #line(line: string, events: string[]): void {
    if (line === '') {
      if (this.#data.length > 0) events.push(this.#data.join('\n'));
      this.#data = [];
    } else if (line === 'data') {
      this.#data.push('');
    } else if (line.startsWith('data:')) {
      this.#data.push(line.slice(line.charCodeAt(5) === 32 ? 6 : 5));
    }
  }
}

function findLineEnd(text: string, from: number): number {
  const feed = text.indexOf('\n', from);
  const carriage = text.indexOf('\r', from);
  if (feed === -1) return carriage;
  return carriage === -1 ? feed : Math.min(feed, carriage);
}
