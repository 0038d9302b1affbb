// The stateful sessions of MCP clients: bounded in number, forgotten when idle, each of one user and one path.
// https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#session-management
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import type { CallerIdentity } from '../mcp/ports.ts';
import type { ProtocolVersion } from '../mcp/versions.ts';
import type { ClientRequestSettings } from './client-requests.ts';
import { ClientSession, type ClientSessionOptions } from './client-session.ts';
import type { EventLogOptions } from './event-log.ts';
import { SessionStream } from './session-stream.ts';

export interface SessionsOptions {
  config: ClientRequestSettings & Pick<Config, 'MAX_SESSIONS' | 'SESSION_TTL' | 'MESSAGE_TTL'>;
  /** Monotonic: a changed wall clock ends no session. */
  nowMs: () => number;
  /** Told of what went wrong at the end of a session. */
  failed: (error: unknown) => void;
  /** An upstream has told a session that this resource is another now. */
  resourceUpdated?: (uri: string) => void;
  /** Of this process: what the ids of its sessions end with. */
  mark?: string | undefined;
}

/** What is known of a session that was another process'. */
export interface TakenOver {
  id: string;
  identity: CallerIdentity;
  serverId: string | undefined;
  protocolVersion: ProtocolVersion;
  capabilities: Record<string, unknown>;
  logLevel: string | undefined;
}

/** What a session keeps of its streams for clients that come back. */
const KEPT_EVENTS = 1_000;
const KEPT_BYTES = 1024 * 1024;
/** A session that was used within this time makes no room for another: a flood of new ones is refused. */
const YOUNG_MS = 60_000;
/** Sessions that are ended at a time: each may have to tell its upstreams. */
const ENDED_AT_ONCE = 20;
const SWEEP_AT_MOST_MS = 30_000;
const SWEEP_AT_LEAST_MS = 20;

export class Sessions implements Disposable {
  /** Least recently used first. */
  readonly #sessions = new Map<string, ClientSession>();
  readonly #options: SessionsOptions;
  readonly #events: EventLogOptions;
  readonly #toEnd: ClientSession[] = [];
  /** Another process has them now; what runs in them here may end. */
  readonly #leaving = new Set<ClientSession>();
  #ending = 0;
  #sweeper: NodeJS.Timeout | undefined;

  constructor(options: SessionsOptions) {
    const { config, nowMs } = options;
    this.#options = options;
    this.#events = {
      maxEvents: KEPT_EVENTS,
      maxBytes: KEPT_BYTES,
      ttlMs: () => config.MESSAGE_TTL * 1000,
      nowMs,
    };
    this.#planSweep();
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** When there are too many, the one unused for longest goes: its client is told to initialise anew. @throws GW_TOO_MANY_SESSIONS when all are busy or young */
  open(identity: CallerIdentity, serverId: string | undefined): ClientSession {
    return this.#add({ identity, serverId, mark: this.#options.mark });
  }

  /** The caller has made sure that it is this user's, and that nobody else has it (any more). @throws as `open` */
  takeOver({ id, identity, serverId, protocolVersion, capabilities, logLevel }: TakenOver): ClientSession {
    const session = this.#add({ identity, serverId, id });
    session.agree(protocolVersion, capabilities);
    session.logLevel = logLevel;
    return session;
  }

  has(id: string): boolean {
    return this.#sessions.has(id);
  }

  /** Another process has taken it over: its client goes there for the next request, and at once for its standing stream. */
  letGo(id: string): void {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    this.#sessions.delete(id);
    this.#leaving.add(session);
    const { standing } = session;
    if (standing instanceof SessionStream) session.endStream(standing);
  }

  /** @returns undefined when there is none, it is over, or it is another user's or another path's */
  find(id: string, identity: CallerIdentity, serverId: string | undefined): ClientSession | undefined {
    const session = this.#sessions.get(id);
    if (session === undefined || session.identity.sub !== identity.sub || session.serverId !== serverId) {
      return undefined;
    }
    if (!this.#isAlive(session)) {
      this.close(session);
      return undefined;
    }
    this.touch(session);
    return session;
  }

  all(): Iterable<ClientSession> {
    return this.#sessions.values();
  }

  touch(session: ClientSession): void {
    if (session.isOver) return;
    session.usedAtMs = this.#options.nowMs();
    this.#sessions.delete(session.id);
    this.#sessions.set(session.id, session);
  }

  /** It is not found any more; its end follows, not too many at a time. */
  close(session: ClientSession): void {
    if (this.#sessions.delete(session.id)) this.#end(session);
  }

  #add(own: Pick<ClientSessionOptions, 'identity' | 'serverId' | 'mark' | 'id'>): ClientSession {
    if (this.#sessions.size >= this.#options.config.MAX_SESSIONS) this.#evict();
    const { config: settings, nowMs, resourceUpdated } = this.#options;
    const session = new ClientSession({ ...own, settings, events: this.#events, nowMs, resourceUpdated });
    this.#sessions.set(session.id, session);
    return session;
  }

  #end(session: ClientSession): void {
    session.cut();
    this.#toEnd.push(session);
    this.#endNext();
  }

  sweep(): void {
    for (const session of this.#leaving) {
      if (session.isBusy) continue;
      this.#leaving.delete(session);
      this.#end(session);
    }
    for (const session of this.#sessions.values()) {
      if (this.#isAlive(session)) session.expireEvents();
      else this.close(session);
    }
  }

  /** Ends every stream; running calls are left to finish. */
  [Symbol.dispose](): void {
    clearTimeout(this.#sweeper);
    for (const session of [...this.#sessions.values(), ...this.#leaving]) session.endStreams();
    this.#sessions.clear();
  }

  /** The time to live may be changed while the gateway runs. */
  #planSweep(): void {
    const everyMs = Math.max(SWEEP_AT_LEAST_MS, (this.#options.config.SESSION_TTL * 1000) / 2);
    this.#sweeper = setTimeout(
      () => {
        this.sweep();
        this.#planSweep();
      },
      Math.min(SWEEP_AT_MOST_MS, everyMs),
    ).unref();
  }

  #endNext(): void {
    while (this.#ending < ENDED_AT_ONCE) {
      const session = this.#toEnd.shift();
      if (session === undefined) return;
      this.#ending++;
      void session.tellEnd().then((failures) => {
        for (const failure of failures) this.#options.failed(failure);
        this.#ending--;
        this.#endNext();
      });
    }
  }

  #isAlive(session: ClientSession): boolean {
    return session.isBusy || this.#options.nowMs() - session.usedAtMs < this.#options.config.SESSION_TTL * 1000;
  }

  #evict(): void {
    const youngest = this.#options.nowMs() - Math.min(YOUNG_MS, this.#options.config.SESSION_TTL * 1000);
    for (const session of this.#sessions.values()) {
      // Least recently used first: those that follow are younger still.
      if (session.usedAtMs > youngest) break;
      if (!session.isBusy) {
        this.close(session);
        return;
      }
    }
    throw new GatewayError('GW_TOO_MANY_SESSIONS', {
      detail: `all ${this.#options.config.MAX_SESSIONS} sessions are in use`,
    });
  }
}
