// MCP sessions: bounded in number, forgotten when idle, each of one user and one path.
// https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#session-management
import { randomUUID } from 'node:crypto';
import { GatewayError } from '../errors.ts';
import type { ProtocolVersion } from '../mcp/versions.ts';
import type { Cancellable } from './caller.ts';
import type { SseStream } from './sse-stream.ts';

export interface Session {
  id: string;
  /** Whose it is: another user does not find it. */
  subject: string;
  serverId: string | undefined;
  protocolVersion: ProtocolVersion;
  /** Running requests, by id. */
  calls: Cancellable;
  /** The GET stream, while one is open. */
  stream: SseStream | undefined;
  usedAtMs: number;
}

export interface SessionsOptions {
  max: number;
  ttlMs: number;
  /** Monotonic: a changed wall clock ends no session. */
  nowMs: () => number;
}

export class Sessions implements Disposable {
  /** Least recently used first. */
  readonly #sessions = new Map<string, Session>();
  readonly #options: SessionsOptions;
  readonly #sweeper: NodeJS.Timeout;

  constructor(options: SessionsOptions) {
    this.#options = options;
    const everyMs = Math.min(30_000, Math.max(20, options.ttlMs / 2));
    this.#sweeper = setInterval(() => this.sweep(), everyMs).unref();
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** When there are too many, the one unused for longest goes: its client is told to initialise anew. @throws GW_TOO_MANY_SESSIONS when all are busy */
  open(subject: string, serverId: string | undefined, protocolVersion: ProtocolVersion): Session {
    if (this.#sessions.size >= this.#options.max) this.#evict();
    const session: Session = {
      id: randomUUID(),
      subject,
      serverId,
      protocolVersion,
      calls: new Map(),
      stream: undefined,
      usedAtMs: this.#options.nowMs(),
    };
    this.#sessions.set(session.id, session);
    return session;
  }

  /** @returns undefined when there is none, it is over, or it is another user's or another path's */
  find(id: string, subject: string, serverId: string | undefined): Session | undefined {
    const session = this.#sessions.get(id);
    if (session === undefined || session.subject !== subject || session.serverId !== serverId) return undefined;
    if (!this.#isAlive(session)) {
      this.close(session);
      return undefined;
    }
    this.touch(session);
    return session;
  }

  touch(session: Session): void {
    session.usedAtMs = this.#options.nowMs();
    this.#sessions.delete(session.id);
    this.#sessions.set(session.id, session);
  }

  close(session: Session): void {
    this.#sessions.delete(session.id);
    for (const caller of [...session.calls.values()]) caller.abort('its session ended');
    session.stream?.end();
  }

  sweep(): void {
    for (const session of this.#sessions.values()) if (!this.#isAlive(session)) this.close(session);
  }

  /** Ends every stream; running calls are left to finish. */
  [Symbol.dispose](): void {
    clearInterval(this.#sweeper);
    for (const session of this.#sessions.values()) session.stream?.end();
    this.#sessions.clear();
  }

  #isAlive(session: Session): boolean {
    return isBusy(session) || this.#options.nowMs() - session.usedAtMs < this.#options.ttlMs;
  }

  #evict(): void {
    for (const session of this.#sessions.values()) {
      if (!isBusy(session)) {
        this.close(session);
        return;
      }
    }
    throw new GatewayError('GW_TOO_MANY_SESSIONS', { detail: `all ${this.#options.max} sessions are busy` });
  }
}

function isBusy(session: Session): boolean {
  return session.stream !== undefined || session.calls.size > 0;
}
