// What was sent on the streams of one session, so that a client whose connection broke can go on where it stopped.
// https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#resumability-and-redelivery

export interface LoggedEvent {
  id: string;
  json: string;
}

interface Kept extends LoggedEvent {
  stream: number;
  number: number;
  bytes: number;
  atMs: number;
}

/** What is kept of a stream; forgotten when it is over and nothing of it is kept. */
interface Known {
  kept: number;
  /** Number of the last event that is not kept any more. */
  lastDropped: number;
  isOver: boolean;
}

export interface EventLogOptions {
  maxEvents: number;
  maxBytes: number;
  ttlMs: () => number;
  /** Monotonic. */
  nowMs: () => number;
}

export class EventLog {
  readonly #options: EventLogOptions;
  readonly #streams = new Map<number, Known>();
  #events: Kept[] = [];
  /** Events before this one of `#events` are dropped. */
  #first = 0;
  #bytes = 0;
  #lastNumber: number;
  #lastStream: number;

  /** @param start above every number that was given out under the same session id elsewhere */
  constructor(options: EventLogOptions, start = 0) {
    this.#options = options;
    this.#lastNumber = start;
    this.#lastStream = start;
  }

  get size(): number {
    return this.#events.length - this.#first;
  }

  open(): number {
    const stream = ++this.#lastStream;
    this.#streams.set(stream, { kept: 0, lastDropped: 0, isOver: false });
    return stream;
  }

  /** The id of an event that holds nothing: from which a stream can be resumed before anything was sent on it. */
  prime(stream: number): string {
    return `${stream}-${++this.#lastNumber}`;
  }

  /** @returns the event's id */
  append(stream: number, json: string): string {
    const number = ++this.#lastNumber;
    const id = `${stream}-${number}`;
    const known = this.#streams.get(stream);
    if (known === undefined) return id;
    const bytes = Buffer.byteLength(json);
    this.#events.push({ id, json, stream, number, bytes, atMs: this.#options.nowMs() });
    known.kept++;
    this.#bytes += bytes;
    while (this.size > this.#options.maxEvents || this.#bytes > this.#options.maxBytes) this.#drop();
    this.expire();
    return id;
  }

  /** Nothing more will be sent on it. */
  close(stream: number): void {
    const known = this.#streams.get(stream);
    if (known === undefined) return;
    known.isOver = true;
    if (known.kept === 0) this.#streams.delete(stream);
  }

  /** @returns undefined when the id is none of ours, or when not all that followed it on its stream is kept */
  after(eventId: string): { stream: number; missed: LoggedEvent[] } | undefined {
    this.expire();
    const [, streamText, numberText] = /^(\d{1,15})-(\d{1,15})$/.exec(eventId) ?? [];
    const stream = Number(streamText);
    const number = Number(numberText);
    const known = this.#streams.get(stream);
    if (known === undefined || number > this.#lastNumber || number < known.lastDropped) return undefined;
    const missed = this.#events
      .slice(this.#first)
      .filter((event) => event.stream === stream && event.number > number)
      .map(({ id, json }) => ({ id, json }));
    return { stream, missed };
  }

  /** Lets go what is older than it may be. */
  expire(): void {
    const oldest = this.#options.nowMs() - this.#options.ttlMs();
    for (let event = this.#events[this.#first]; event !== undefined && event.atMs < oldest; ) {
      this.#drop();
      event = this.#events[this.#first];
    }
  }

  #drop(): void {
    const event = this.#events[this.#first++];
    if (event === undefined) return;
    this.#bytes -= event.bytes;
    const known = this.#streams.get(event.stream);
    if (known !== undefined) {
      known.kept--;
      known.lastDropped = event.number;
      if (known.isOver && known.kept === 0) this.#streams.delete(event.stream);
    }
    // Not at every drop: moving the rest up costs as much as there is of it.
    if (this.#first > 64 && this.#first * 2 > this.#events.length) {
      this.#events = this.#events.slice(this.#first);
      this.#first = 0;
    } else {
      event.json = '';
    }
  }
}
