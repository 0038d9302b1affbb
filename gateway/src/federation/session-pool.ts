// The sessions of one identity with one upstream. Each carries many requests at a time; another is opened only when all carry as
// many as they may.
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import type { CancelSignal } from '../mcp/ports.ts';
import { checkHealth } from './health-chain.ts';
import type { SessionSource } from './session-source.ts';
import type { UpstreamSession } from './upstream-session.ts';
import { WaitingLine, waitFor } from './wait.ts';

export type SessionPoolConfig = Pick<
  Config,
  | 'MCP_SESSION_POOL_MAX_PER_KEY'
  | 'MCP_SESSION_POOL_CALLS_PER_SESSION'
  | 'MCP_SESSION_POOL_TTL'
  | 'MCP_SESSION_POOL_HEALTH_CHECK_INTERVAL'
  | 'MCP_SESSION_POOL_HEALTH_CHECK_METHODS'
  | 'MCP_SESSION_POOL_HEALTH_CHECK_TIMEOUT'
  | 'MCP_SESSION_POOL_ACQUIRE_TIMEOUT'
  | 'MCP_SESSION_POOL_CLEANUP_TIMEOUT'
  | 'MCP_SESSION_POOL_TERMINATE_ON_CLOSE'
>;

/** Counted over all pools. */
export interface PoolCounts {
  created: number;
  reused: number;
  /** Requests that found a session at once. */
  hits: number;
  misses: number;
  waits: number;
  acquireTimeouts: number;
  createFailures: number;
  healthChecks: number;
  healthCheckFailures: number;
  expired: number;
  keysEvicted: number;
}

export interface SessionPoolOptions {
  url: string;
  config: SessionPoolConfig;
  /** @param leftMs what the first of those who wait for it has left */
  open: (leftMs: number) => Promise<UpstreamSession>;
  /** Asks a session that is suspect whether it is good. Never rejects. */
  verify: (session: UpstreamSession) => Promise<boolean>;
  counts: PoolCounts;
}

export class SessionPool implements SessionSource {
  /** When it last served somebody. */
  usedAtMs = performance.now();
  readonly #options: SessionPoolOptions;
  readonly #line = new WaitingLine<UpstreamSession | undefined>();
  readonly #checking = new Map<UpstreamSession, Promise<void>>();
  #sessions: UpstreamSession[] = [];
  #opening: Promise<UpstreamSession> | undefined;
  #isClosed = false;

  constructor(options: SessionPoolOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#sessions.length;
  }

  get inFlight(): number {
    return this.#sessions.reduce((sum, session) => sum + session.inFlight, 0);
  }

  take(): UpstreamSession | undefined {
    // Who waits already comes first.
    if (this.#line.length > 0) return undefined;
    const session = this.#pick(performance.now());
    if (session !== undefined) this.#options.counts.hits++;
    return session;
  }

  async acquire(timeoutMs: number, signal: CancelSignal | undefined): Promise<UpstreamSession> {
    const { url, config, counts } = this.#options;
    const untilMs = performance.now() + timeoutMs;
    counts.misses++;
    for (;;) {
      const nowMs = performance.now();
      const session = this.#pick(nowMs);
      if (session !== undefined) return session;
      const idle = this.#sessions.find((one) => this.#isToBeChecked(one, nowMs));
      if (idle !== undefined) {
        await waitFor(this.#check(idle), untilMs - nowMs, signal, url);
      } else if (this.#sessions.length < config.MCP_SESSION_POOL_MAX_PER_KEY) {
        await waitFor(this.#open(untilMs - nowMs), untilMs - nowMs, signal, url);
      } else {
        const handed = await this.#wait(
          Math.min(untilMs - nowMs, config.MCP_SESSION_POOL_ACQUIRE_TIMEOUT * 1000),
          signal,
        );
        if (handed !== undefined) return handed;
      }
    }
  }

  release(session: UpstreamSession, nowMs: number): void {
    session.inFlight--;
    session.usedAtMs = nowMs;
    this.usedAtMs = nowMs;
    if (session.isRetired) {
      if (session.inFlight === 0) this.#end(session);
    } else if (session.isBroken) {
      this.#retire(session);
    } else if (session.isSuspect) {
      // At once: whoever comes next need not wait for it as long.
      void this.#check(session);
    }
    if (this.#line.length > 0) this.#serveLine(nowMs);
  }

  /** Closes what is too old or lost and serves nobody. */
  sweep(nowMs: number): void {
    for (const session of [...this.#sessions])
      if (session.isBroken || this.#isExpired(session, nowMs)) this.#retire(session);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const sessions = this.#sessions;
    this.#sessions = [];
    for (const session of sessions) session.isRetired = true;
    // Those that carry something are closed when it has ended.
    const idle = sessions.filter((session) => session.inFlight === 0);
    await Promise.all(idle.map((session) => session.close(this.#goodbyeMs())));
  }

  /** What it hands out counts as in flight. */
  #pick(nowMs: number): UpstreamSession | undefined {
    const { config, counts } = this.#options;
    for (const session of this.#sessions) {
      if (session.isBroken || this.#isExpired(session, nowMs)) {
        this.#retire(session);
        return this.#pick(nowMs);
      }
      if (session.inFlight >= config.MCP_SESSION_POOL_CALLS_PER_SESSION || this.#isToBeChecked(session, nowMs))
        continue;
      session.inFlight++;
      session.usedAtMs = nowMs;
      this.usedAtMs = nowMs;
      counts.reused++;
      return session;
    }
    return undefined;
  }

  /** Single flight: whoever comes meanwhile waits for the same session. */
  #open(timeoutMs: number): Promise<UpstreamSession> {
    this.#opening ??= this.#add(timeoutMs).finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #add(timeoutMs: number): Promise<UpstreamSession> {
    const { url, open, counts } = this.#options;
    try {
      const session = await open(timeoutMs);
      counts.created++;
      // The one it was opened for is not a reuse.
      counts.reused--;
      if (this.#isClosed) {
        void session.close(this.#goodbyeMs());
        throw new GatewayError('GW_UPSTREAM_UNREACHABLE', { detail: `${url}: its pool was closed` });
      }
      this.#sessions.push(session);
      return session;
    } catch (error) {
      counts.createFailures++;
      throw error;
    }
  }

  #wait(timeoutMs: number, signal: CancelSignal | undefined): Promise<UpstreamSession | undefined> {
    const { url, config, counts } = this.#options;
    counts.waits++;
    return this.#line.join(timeoutMs, signal, () => {
      counts.acquireTimeouts++;
      const { MCP_SESSION_POOL_MAX_PER_KEY: max, MCP_SESSION_POOL_CALLS_PER_SESSION: calls } = config;
      return new GatewayError('GW_UPSTREAM_BUSY', {
        detail: `${url}: ${max} sessions with ${calls} calls each were in use for ${Math.round(timeoutMs)} ms`,
      });
    });
  }

  #serveLine(nowMs: number): void {
    while (this.#line.length > 0) {
      const session = this.#pick(nowMs);
      if (session !== undefined) {
        this.#line.serve(session);
      } else {
        // There is room for another session: one of those who wait opens it.
        if (this.#sessions.length < this.#options.config.MCP_SESSION_POOL_MAX_PER_KEY) this.#line.serve(undefined);
        return;
      }
    }
  }

  #isExpired(session: UpstreamSession, nowMs: number): boolean {
    return nowMs - session.openedAtMs >= this.#options.config.MCP_SESSION_POOL_TTL * 1000;
  }

  #isToBeChecked(session: UpstreamSession, nowMs: number): boolean {
    if (session.isSuspect) return true;
    if (session.inFlight > 0) return false;
    return nowMs - session.usedAtMs >= this.#options.config.MCP_SESSION_POOL_HEALTH_CHECK_INTERVAL * 1000;
  }

  #check(session: UpstreamSession): Promise<void> {
    let checking = this.#checking.get(session);
    if (checking === undefined) {
      checking = this.#runCheck(session).finally(() => this.#checking.delete(session));
      this.#checking.set(session, checking);
    }
    return checking;
  }

  async #runCheck(session: UpstreamSession): Promise<void> {
    const { config, verify, counts } = this.#options;
    counts.healthChecks++;
    const timeoutMs = config.MCP_SESSION_POOL_HEALTH_CHECK_TIMEOUT * 1000;
    const isGood = session.isSuspect
      ? await verify(session)
      : (await checkHealth(session, config.MCP_SESSION_POOL_HEALTH_CHECK_METHODS, timeoutMs)) === 'good';
    const nowMs = performance.now();
    if (isGood) {
      session.usedAtMs = nowMs;
    } else {
      counts.healthCheckFailures++;
      session.isLost = true;
      this.#retire(session);
    }
    if (this.#line.length > 0) this.#serveLine(nowMs);
  }

  /** It gets no further requests, and is closed when those that it carries have ended. */
  #retire(session: UpstreamSession): void {
    if (session.isRetired) return;
    session.isRetired = true;
    if (!session.isBroken) this.#options.counts.expired++;
    this.#sessions = this.#sessions.filter((one) => one !== session);
    if (session.inFlight === 0) this.#end(session);
  }

  #end(session: UpstreamSession): void {
    void session.close(this.#goodbyeMs());
  }

  #goodbyeMs(): number {
    const { config } = this.#options;
    return config.MCP_SESSION_POOL_TERMINATE_ON_CLOSE ? config.MCP_SESSION_POOL_CLEANUP_TIMEOUT * 1000 : 0;
  }
}
