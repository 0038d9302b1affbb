// A session per request, closed after it: what MCP_SESSION_POOL_ENABLED=false stands for.
import type { CancelSignal } from '../mcp/ports.ts';
import type { SessionSource } from './session-source.ts';
import type { UpstreamSession } from './upstream-session.ts';
import { waitFor } from './wait.ts';

export interface FreshSessionsOptions {
  url: string;
  open: (timeoutMs: number) => Promise<UpstreamSession>;
  goodbyeMs: () => number;
}

export class FreshSessions implements SessionSource {
  readonly #options: FreshSessionsOptions;

  constructor(options: FreshSessionsOptions) {
    this.#options = options;
  }

  take(): undefined {
    return undefined;
  }

  acquire(timeoutMs: number, signal: CancelSignal | undefined): Promise<UpstreamSession> {
    const opening = this.#options.open(timeoutMs);
    const drop = (session: UpstreamSession) => this.release(session);
    return waitFor(opening, timeoutMs, signal, this.#options.url, drop);
  }

  release(session: UpstreamSession): void {
    void session.close(this.#options.goodbyeMs());
  }

  async close(): Promise<void> {}
}
