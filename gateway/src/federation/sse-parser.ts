// Server-sent events as MCP uses them: type and `data` of each event, and where a broken stream goes on.
// https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
import { StringDecoder } from 'node:string_decoder';

export interface SseEvent {
  /** `message` when the event names none. */
  type: string;
  data: string;
}

/** Reads a stream in pieces as they come; characters and lines may be cut anywhere. Linear in the stream's length. */
export class SseParser {
  /** Of the last event that had one: `Last-Event-ID` when the stream is asked for again. */
  lastEventId: string | undefined;
  /** How long the server wants to be left alone before that. */
  retryMs: number | undefined;
  readonly #decoder = new StringDecoder('utf8');
  /** A line that has not ended yet, in pieces: a large event would otherwise be copied with every piece. */
  #pieces: string[] = [];
  #endsInCarriage = false;
  #data: string[] = [];
  #type = 'message';
  #isFirst = true;

  /** Every event that this piece completes. */
  push(chunk: Buffer): SseEvent[] {
    let text = this.#decoder.write(chunk);
    if (text === '') return [];
    if (this.#isFirst && text.charCodeAt(0) === 0xfeff) text = text.slice(1);
    this.#isFirst = false;
    // The second half of a CRLF whose first half ended the line already.
    if (this.#endsInCarriage && text.startsWith('\n')) text = text.slice(1);
    this.#endsInCarriage = text.endsWith('\r');
    const events: SseEvent[] = [];
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

  #line(line: string, events: SseEvent[]): void {
    if (line === '') {
      if (this.#data.length > 0) events.push({ type: this.#type, data: this.#data.join('\n') });
      this.#data = [];
      this.#type = 'message';
    } else if (line === 'data') {
      this.#data.push('');
    } else if (line.startsWith('data:')) {
      this.#data.push(fieldOf(line, 5));
    } else if (line.startsWith('event:')) {
      this.#type = fieldOf(line, 6);
    } else if (line.startsWith('id:')) {
      const id = fieldOf(line, 3);
      if (!id.includes('\0')) this.lastEventId = id;
    } else if (line.startsWith('retry:')) {
      const retryMs = fieldOf(line, 6);
      if (/^\d{1,9}$/.test(retryMs)) this.retryMs = Number(retryMs);
    }
  }
}

function fieldOf(line: string, from: number): string {
  return line.slice(line.charCodeAt(from) === 32 ? from + 1 : from);
}
