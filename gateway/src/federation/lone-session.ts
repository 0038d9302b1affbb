// One session for its owner, opened on its first use and replaced when it is lost: for discovery, and for the client that has
// upstream sessions of its own.
import { GatewayError } from '../errors.ts';
import type { CancelSignal } from '../mcp/ports.ts';
import type { SessionSource } from './session-source.ts';
import type { UpstreamSession } from './upstream-session.ts';
import { waitFor } from './wait.ts';

export interface LoneSessionOptions {
  url: string;
  open: (timeoutMs: number) => Promise<UpstreamSession>;
  /** Asks a session that is suspect whether it is good, and never rejects; undefined: it is taken to be. */
  verify?: (session: UpstreamSession) => Promise<boolean>;
  /** How long saying goodbye may take. */
  goodbyeMs: () => number;
}

export class LoneSession implements SessionSource {
  readonly #options: LoneSessionOptions;
  #session: UpstreamSession | undefined;
  #opening: Promise<UpstreamSession> | undefined;
  #isOver = false;

  constructor(options: LoneSessionOptions) {
    this.#options = options;
  }

  /** The one that is open, good or not. */
  get session(): UpstreamSession | undefined {
    return this.#session?.isBroken ? undefined : this.#session;
  }

  take(): UpstreamSession | undefined {
    const { session } = this;
    return session?.isSuspect && this.#options.verify !== undefined ? undefined : session;
  }

  /** Single flight: whoever comes meanwhile waits for the same session. */
  acquire(timeoutMs: number, signal: CancelSignal | undefined): Promise<UpstreamSession> {
    this.#opening ??= this.#replace(timeoutMs).finally(() => {
      this.#opening = undefined;
    });
    return waitFor(this.#opening, timeoutMs, signal, this.#options.url);
  }

  release(): void {}

  async close(): Promise<void> {
    this.#isOver = true;
    const session = this.#session;
    this.#session = undefined;
    await session?.close(this.#options.goodbyeMs());
  }

  async #replace(timeoutMs: number): Promise<UpstreamSession> {
    const untilMs = performance.now() + timeoutMs;
    const suspect = this.session;
    if (suspect !== undefined && (await this.#options.verify?.(suspect))) return suspect;
    void this.#session?.close(this.#options.goodbyeMs());
    this.#session = undefined;
    const session = await this.#options.open(untilMs - performance.now());
    if (this.#isOver) {
      void session.close(this.#options.goodbyeMs());
      throw new GatewayError('GW_UPSTREAM_UNREACHABLE', { detail: `${this.#options.url}: its session is over` });
    }
    this.#session = session;
    return session;
  }
}
