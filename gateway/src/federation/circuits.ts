// A circuit breaker for each URL: identities and gateways that share one share its failures.
import type { Config } from '../config.ts';
import { shownUrl } from '../shown-url.ts';
import { createAddressGuard, type SsrfConfig } from '../ssrf.ts';
import { parseUrl } from './address.ts';
import { CircuitBreaker, type CircuitState } from './circuit-breaker.ts';
import { knock, knockForAnswer } from './knock.ts';

export type CircuitConfig = SsrfConfig &
  Pick<Config, 'MCP_SESSION_POOL_CIRCUIT_BREAKER_THRESHOLD' | 'MCP_SESSION_POOL_CIRCUIT_BREAKER_RESET'>;

export interface CircuitReport {
  state: CircuitState;
  consecutive_failures: number;
  trips: number;
  retry_after_seconds: number;
}

export class Circuits implements Disposable {
  readonly #config: CircuitConfig;
  readonly #byUrl = new Map<string, CircuitBreaker>();

  constructor(config: CircuitConfig) {
    this.#config = config;
  }

  /** @throws GW_UPSTREAM_CIRCUIT_OPEN at once, or what `attempt` throws */
  run<T>(url: string, attempt: () => Promise<T>): Promise<T> {
    return this.of(url).run(attempt);
  }

  of(url: string): CircuitBreaker {
    let breaker = this.#byUrl.get(url);
    if (breaker === undefined) {
      breaker = new CircuitBreaker({
        url: shownUrl(url),
        threshold: () => this.#config.MCP_SESSION_POOL_CIRCUIT_BREAKER_THRESHOLD,
        resetMs: () => this.#config.MCP_SESSION_POOL_CIRCUIT_BREAKER_RESET * 1000,
        knock: (wanted) => {
          const { lookup } = createAddressGuard(this.#config);
          return wanted === 'port' ? knock(parseUrl(url), lookup) : knockForAnswer(parseUrl(url), lookup);
        },
      });
      this.#byUrl.set(url, breaker);
    }
    return breaker;
  }

  /** By URL, without the query, which may hold a key. */
  report(): Record<string, CircuitReport> {
    const report: Record<string, CircuitReport> = {};
    for (const [url, { state, failures, trips, retryAfterSeconds }] of this.#byUrl) {
      const name = shownUrl(url);
      const isWorse = report[name] === undefined || report[name].state === 'closed';
      if (!isWorse) continue;
      report[name] = { state, consecutive_failures: failures, trips, retry_after_seconds: retryAfterSeconds };
    }
    return report;
  }

  /** Of upstreams that are gone and never failed nothing is to be remembered. */
  sweep(): void {
    for (const [url, breaker] of this.#byUrl)
      if (breaker.state === 'closed' && breaker.failures === 0 && breaker.trips === 0) this.#byUrl.delete(url);
  }

  [Symbol.dispose](): void {
    for (const breaker of this.#byUrl.values()) breaker[Symbol.dispose]();
  }
}
