// Leaves an upstream alone to which no session can be opened: after a number of failures in a row nobody tries for a while, then
// one does for all. Calls that fail in an open session do not count.
import { GatewayError } from '../errors.ts';

export type CircuitState = 'closed' | 'open' | 'half_open';

export interface CircuitBreakerOptions {
  url: string;
  threshold: () => number;
  resetMs: () => number;
  /** Does the upstream's port take connections? Asked while the circuit is open because it did not. */
  knock: () => Promise<boolean>;
  /** Monotonic milliseconds. */
  nowMs?: () => number;
}

/** An upstream that was restarted is back long before `resetMs`: its port tells. */
const KNOCK_EVERY_MS = 1_000;

export class CircuitBreaker implements Disposable {
  /** How often it opened. */
  trips = 0;
  failures = 0;
  readonly #options: CircuitBreakerOptions;
  readonly #nowMs: () => number;
  #openedAtMs: number | undefined;
  #isProbing = false;
  #knocking: NodeJS.Timeout | undefined;

  constructor(options: CircuitBreakerOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  get state(): CircuitState {
    if (this.#openedAtMs === undefined) return 'closed';
    return this.#isProbing || this.#leftMs() <= 0 ? 'half_open' : 'open';
  }

  /** Seconds until somebody may try again; 0 when that is now. */
  get retryAfterSeconds(): number {
    return this.state === 'open' ? Math.ceil(this.#leftMs() / 1000) : 0;
  }

  /** @throws GW_UPSTREAM_CIRCUIT_OPEN at once, or what `attempt` throws */
  async run<T>(attempt: () => Promise<T>): Promise<T> {
    if (this.#openedAtMs !== undefined) {
      if (this.#isProbing || this.#leftMs() > 0) throw this.#toError();
      this.#isProbing = true;
    }
    try {
      const made = await attempt();
      this.#close();
      return made;
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#knocking);
  }

  #close(): void {
    this.failures = 0;
    this.#isProbing = false;
    this.#openedAtMs = undefined;
    clearInterval(this.#knocking);
  }

  #fail(error: unknown): void {
    this.failures++;
    const isProbe = this.#isProbing;
    this.#isProbing = false;
    // Of several that were under way when it opened, the later ones do not open it again.
    if (!isProbe && (this.#openedAtMs !== undefined || this.failures < this.#options.threshold())) return;
    this.#openedAtMs = this.#nowMs();
    this.trips++;
    clearInterval(this.#knocking);
    if (error instanceof GatewayError && error.code === 'GW_UPSTREAM_UNREACHABLE') {
      this.#knocking = setInterval(() => void this.#knock(), KNOCK_EVERY_MS).unref();
    }
  }

  async #knock(): Promise<void> {
    const openedAtMs = this.#openedAtMs;
    if (openedAtMs === undefined || this.#leftMs() <= 0) {
      clearInterval(this.#knocking);
      return;
    }
    if (!(await this.#options.knock()) || this.#openedAtMs !== openedAtMs) return;
    clearInterval(this.#knocking);
    this.#openedAtMs = this.#nowMs() - this.#options.resetMs();
  }

  #leftMs(): number {
    return (this.#openedAtMs ?? 0) + this.#options.resetMs() - this.#nowMs();
  }

  #toError(): GatewayError {
    const retryAfterSeconds = Math.max(1, this.retryAfterSeconds);
    return new GatewayError('GW_UPSTREAM_CIRCUIT_OPEN', {
      detail: `${this.#options.url}: ${this.failures} attempts to open a session failed in a row; next attempt in ${retryAfterSeconds} s`,
      retryAfterSeconds,
    });
  }
}
