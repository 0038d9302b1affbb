// Where a request gets the upstream session that carries it. Implementations: session-pool.ts (shared by the requests of one
// identity), lone-session.ts (one for its owner), fresh-sessions.ts (one per request).
import type { CancelSignal } from '../mcp/ports.ts';
import type { UpstreamSession } from './upstream-session.ts';

export interface SessionSource {
  /** One that is there and good, or undefined: on the request path, and synchronous. Give it back with `release`. */
  take(): UpstreamSession | undefined;
  /**
   * One that has to be opened, checked or waited for. Give it back with `release`.
   * @throws GW_UPSTREAM_BUSY, GW_UPSTREAM_CIRCUIT_OPEN, and what opening throws; the signal's reason when it aborts
   */
  acquire(timeoutMs: number, signal: CancelSignal | undefined): Promise<UpstreamSession>;
  release(session: UpstreamSession, nowMs: number): void;
  /** Requests that are under way may end. Never rejects. */
  close(): Promise<void>;
}
