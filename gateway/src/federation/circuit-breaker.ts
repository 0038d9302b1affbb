// Leaves an upstream alone to which no session can be opened: after a number of failures in a row nobody tries for a while, then
// one does for all. Calls that fail in an open session do not count: one slow tool among fast ones says nothing of the others. What
// counts beside openings that fail is what stands in their place: a session in which a call found no answer and that does not
// answer to its check either: it has to be opened anew.
import { GatewayError } from '../errors.ts';

export type CircuitState = 'closed' | 'open' | 'half_open';

export interface CircuitBreakerOptions {
  url: string;
  threshold: () => number;
  resetMs: () => number;
  /**
   * Is it there again? Asked while the circuit is open: `port`, because it took no connections; `answer`, because it took them and
   * said nothing.
   */
  knock: (wanted: 'port' | 'answer') => Promise<boolean>;
  /** Monotonic milliseconds. */
  nowMs?: () => number;
}

/** An upstream that was restarted, or thawed, is back long before `resetMs`. */
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
  /** Probes in a row that a knock had promised to be good: something answers there that is not the upstream. */
  #deceived = 0;

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

  /** Counts what stands in the place of a failed opening. */
  failed(error: unknown): void {
    this.failures++;
    if (this.#openedAtMs === undefined ? this.failures >= this.#options.threshold() : this.#leftMs() <= 0) {
      this.#open(error);
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#knocking);
  }

  #close(): void {
    this.failures = 0;
    this.#deceived = 0;
    this.#isProbing = false;
    this.#openedAtMs = undefined;
    clearTimeout(this.#knocking);
  }

  #fail(error: unknown): void {
    this.failures++;
    const isProbe = this.#isProbing;
    this.#isProbing = false;
    // Of several that were under way when it opened, the later ones do not open it again.
    if (!isProbe && (this.#openedAtMs !== undefined || this.failures < this.#options.threshold())) return;
    this.#open(error);
  }

  #open(error: unknown): void {
    this.#openedAtMs = this.#nowMs();
    this.trips++;
    clearTimeout(this.#knocking);
    const code = error instanceof GatewayError ? error.code : undefined;
    if (code === 'GW_UPSTREAM_UNREACHABLE') this.#knockLater('port');
    else if (code === 'GW_UPSTREAM_TIMEOUT') this.#knockLater('answer');
  }

  #knockLater(wanted: 'port' | 'answer'): void {
    const waitMs = KNOCK_EVERY_MS * 2 ** Math.min(this.#deceived, 16);
    this.#knocking = setTimeout(() => void this.#knock(wanted), waitMs).unref();
  }

  async #knock(wanted: 'port' | 'answer'): Promise<void> {
    const openedAtMs = this.#openedAtMs;
    if (openedAtMs === undefined || this.#leftMs() <= 0) return;
    const isThere = await this.#options.knock(wanted);
    if (this.#openedAtMs !== openedAtMs) return;
    if (!isThere) {
      this.#knockLater(wanted);
      return;
    }
    this.#deceived++;
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
