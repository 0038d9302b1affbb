// Sessions that outlive their process: each is written down while it lives, and who is asked for one that it does not have brings the
// request to whom it belongs, or, when that one has ended, takes the session over. Never another user's, nor another path's.
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyReply, FastifyRequest, preHandlerHookHandler } from 'fastify';
import { anonymous } from '../auth/index.ts';
import type { SessionRecord, SessionRecords } from '../cache/session-records.ts';
import type { Config } from '../config.ts';
import type { CallerIdentity, McpPorts } from '../mcp/ports.ts';
import { isSupportedVersion, statelessVersion } from '../mcp/versions.ts';
import type { ClientSession } from './client-session.ts';
import type { SessionCarrier } from './session-carrier.ts';
import type { Sessions } from './sessions.ts';
import { subscribeSession } from './subscribe-session.ts';

export interface SharedSessionsOptions {
  sessions: Sessions;
  records: SessionRecords;
  carrier: SessionCarrier;
  ports: McpPorts;
  config: Pick<Config, 'SESSION_TTL'>;
}

/** Others may take it over between two looks; after so many the client is asked to begin anew. */
const ATTEMPTS = 3;
const RENEW_AT_MOST_MS = 30_000;
const RENEW_AT_LEAST_MS = 20;
/** What a request wants of Redis meanwhile waits behind no more than these. */
const RENEWED_AT_ONCE = 100;

export class SharedSessions implements Disposable {
  readonly #options: SharedSessionsOptions;
  /** Those of this process, with when they were used when that was last written down. */
  readonly #written = new Map<ClientSession, number>();
  #renewal: NodeJS.Timeout | undefined;
  #isDisposed = false;

  constructor(options: SharedSessionsOptions) {
    this.#options = options;
    options.records.onTaken((id) => options.sessions.letGo(id));
    this.#planRenewal();
  }

  /** From now on others can take it over. Waits for Redis a tenth of a second at most. */
  async share(session: ClientSession): Promise<void> {
    this.#own(session);
    await this.#write(session);
  }

  /** Its client has ended it: nobody brings it back. */
  async forget(session: ClientSession): Promise<void> {
    await this.#options.records.remove(session.id);
  }

  /** A `preHandler` of the routes that take session ids. */
  get bring(): preHandlerHookHandler {
    return (request, reply, done) => {
      const id = request.headers['mcp-session-id'];
      if (typeof id !== 'string' || this.#options.sessions.has(id)) return done();
      if (request.headers['mcp-protocol-version'] === statelessVersion) return done();
      this.#bring(id, request, reply).then((isCarried) => {
        if (!isCarried) done();
      }, done);
    };
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    clearTimeout(this.#renewal);
  }

  /** @returns whether somebody else answers the request; else the session is here, or there is none for this user */
  async #bring(id: string, request: FastifyRequest, reply: FastifyReply): Promise<boolean> {
    const { records, carrier, sessions, config } = this.#options;
    const identity = request.identity ?? anonymous;
    const { id: serverId } = request.params as { id?: string };
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const found = await records.read(id);
      if (found === undefined || sessions.has(id)) return false;
      const { owner, record } = found;
      const { protocolVersion, capabilities, logLevel } = record;
      if (record.identity !== toHash(identity) || record.serverId !== serverId) return false;
      if (!isSupportedVersion(protocolVersion)) return false;
      if (owner !== carrier.home.mark && (await this.#carry(id, owner, request, reply))) return true;
      if (!(await records.take(id, owner, record, config.SESSION_TTL * 1000))) continue;
      if (sessions.has(id)) return false;
      const session = sessions.takeOver({ id, identity, serverId, protocolVersion, capabilities, logLevel });
      this.#own(session);
      for (const uri of record.subscriptions ?? []) this.#subscribe(session, uri, request.headers);
      return false;
    }
    return false;
  }

  #own(session: ClientSession): void {
    this.#written.set(session, session.usedAtMs);
    session.onChange = () => void this.#write(session);
    // Not when the process stops: then another one may go on with it.
    session.onEnd(() => {
      this.#written.delete(session);
      // It may be back here, while the one that it was before ends.
      return this.#options.sessions.has(session.id) ? undefined : this.#options.records.remove(session.id);
    });
  }

  /** Its upstream session was the other process': that one's subscriptions ended with it. */
  #subscribe(session: ClientSession, uri: string, headers: IncomingHttpHeaders): void {
    const { ports } = this.#options;
    // Whatever comes of it, it is written down for the next.
    session.subscriptions.add(uri);
    subscribeSession(session, uri, ports, headers).catch((error) => ports.failed('resources/subscribe', error));
  }

  async #carry(id: string, mark: string, request: FastifyRequest, reply: FastifyReply): Promise<boolean> {
    const { carrier } = this.#options;
    if (carrier.hasArrived(request.raw) || !carrier.reaches(mark)) return false;
    const text = typeof request.body === 'string' ? request.body : '';
    return await carrier.hand(id, { mark, request: request.raw, response: reply.raw, text }, () => reply.hijack());
  }

  async #write(session: ClientSession): Promise<void> {
    const { records, sessions, config } = this.#options;
    // One that another process has now is not written over.
    if (!this.#written.has(session) || !sessions.has(session.id)) return;
    this.#written.set(session, session.usedAtMs);
    const isOwn = await records.keep(session.id, toRecord(session), config.SESSION_TTL * 1000);
    if (isOwn === false) sessions.letGo(session.id);
    // Next time again.
    if (isOwn === undefined && this.#written.has(session)) this.#written.set(session, Number.NEGATIVE_INFINITY);
  }

  /** A record ends a time to live after the last use, or later by one turn of this. */
  async #renew(): Promise<void> {
    const due = [...this.#written].filter(([session, usedAtMs]) => session.isBusy || session.usedAtMs > usedAtMs);
    for (let at = 0; at < due.length; at += RENEWED_AT_ONCE) {
      await Promise.all(due.slice(at, at + RENEWED_AT_ONCE).map(([session]) => this.#write(session)));
    }
  }

  #planRenewal(): void {
    const everyMs = Math.max(RENEW_AT_LEAST_MS, (this.#options.config.SESSION_TTL * 1000) / 3);
    const renew = async () => {
      await this.#renew();
      if (!this.#isDisposed) this.#planRenewal();
    };
    this.#renewal = setTimeout(renew, Math.min(RENEW_AT_MOST_MS, everyMs)).unref();
  }
}

function toRecord(session: ClientSession): SessionRecord {
  const { identity, serverId, protocolVersion, clientCapabilities, logLevel, subscriptions } = session;
  return {
    identity: toHash(identity),
    ...(serverId === undefined ? {} : { serverId }),
    protocolVersion,
    capabilities: clientCapabilities,
    ...(logLevel === undefined ? {} : { logLevel }),
    ...(subscriptions.size === 0 ? {} : { subscriptions: [...subscriptions] }),
  };
}

function toHash({ sub }: CallerIdentity): string {
  return createHash('sha256').update(sub).digest('hex');
}
