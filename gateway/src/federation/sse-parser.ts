// Server-sent events as MCP's Streamable HTTP uses them: the `data` of each event, whole.
// https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
import { StringDecoder } from 'node:string_decoder';

/** Reads a stream in pieces as they come; characters and lines may be cut anywhere. Linear in the stream's length. */
export class SseParser {
  readonly #decoder = new StringDecoder('utf8');
  /** A line that has not ended yet, in pieces: a large event would otherwise be copied with every piece. */
  #pieces: string[] = [];
  #endsInCarriage = false;
  #data: string[] = [];
  #isFirst = true;

  /** The `data` of every event that this piece completes. */
  push(chunk: Buffer): string[] {
    let text = this.#decoder.write(chunk);
    if (text === '') return [];
    if (this.#isFirst && text.charCodeAt(0) === 0xfeff) text = text.slice(1);
    this.#isFirst = false;
    // The second half of a CRLF whose first half ended the line already.
    if (this.#endsInCarriage && text.startsWith('\n')) text = text.slice(1);
    this.#endsInCarriage = text.endsWith('\r');
    const events: string[] = [];
    const lines = text.split(/\r\n|\n|\r/);
    const rest = lines.pop() ?? '';
    for (const line of lines) {
      this.#pieces.push(line);
      this.#line(this.#pieces.length === 1 ? line : this.#pieces.join(''), events);
      this.#pieces = [];
    }
    if (rest !== '') this.#pieces.push(rest);
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
