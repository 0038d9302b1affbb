// Sessions of the Streamable HTTP transport: an id and the version agreed on. Bounded: the longest unused one goes first.
import { randomUUID } from 'node:crypto';
import type { ProtocolVersion } from './versions.ts';

/** Load generators open sessions and never end them. 10,000 of them hold about 2 MB. */
const maxSessions = 10_000;

export class Sessions {
  // A Map keeps the order of insertion: `find` moves what it finds to the end, so the first is the longest unused.
  readonly #versions = new Map<string, ProtocolVersion>();

  open(version: ProtocolVersion): string {
    if (this.#versions.size >= maxSessions) {
      for (const oldest of this.#versions.keys()) {
        this.#versions.delete(oldest);
        break;
      }
    }
    const id = randomUUID();
    this.#versions.set(id, version);
    return id;
  }

  /** The version of a session, or undefined when it has ended or never was. */
  find(id: string): ProtocolVersion | undefined {
    const version = this.#versions.get(id);
    if (version !== undefined) {
      this.#versions.delete(id);
      this.#versions.set(id, version);
    }
    return version;
  }

  end(id: string): boolean {
    return this.#versions.delete(id);
  }
}
