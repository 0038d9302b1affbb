// An upstream as the rest of the gateway sees it: takes a session, sends the request, and again where that may help.
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import type { CancelSignal } from '../mcp/ports.ts';
import type { CallLimit } from './call-limit.ts';
import { discover } from './discover.ts';
import { isIdempotent, type RetryBudget, type RetryConfig, retryDelayMs } from './retry.ts';
import type { SessionSource } from './session-source.ts';
import type { RequestOptions, RequestTarget, Upstream, UpstreamAnswer, UpstreamCatalog } from './upstream.ts';
import { FORGOTTEN, type Observe } from './upstream-session.ts';

export interface SessionUpstreamOptions {
  url: string;
  source: SessionSource;
  config: Pick<Config, 'TOOL_TIMEOUT'> & RetryConfig;
  /** Shared by all that reach the same upstream. */
  limit: CallLimit;
  budget: RetryBudget;
  /** Headers that go with a request because of who asks; undefined: those that its session was opened with. */
  headersOf: (options: RequestOptions | undefined) => readonly string[] | undefined;
  observe: Observe | undefined;
}

export class SessionUpstream implements Upstream {
  readonly #options: SessionUpstreamOptions;

  constructor(options: SessionUpstreamOptions) {
    this.#options = options;
  }

  async request(
    method: string,
    paramsJson: string | undefined,
    options?: RequestOptions,
    target?: RequestTarget,
  ): Promise<UpstreamAnswer> {
    const { url, config, source, limit, budget, headersOf, observe } = this.#options;
    const startedAt = performance.now();
    const allMs = config.TOOL_TIMEOUT * 1000;
    const signal = options?.signal;
    const isLimited = method === 'tools/call';
    let hasEntered = false;
    try {
      if (isLimited) {
        const turn = limit.enter(url, allMs, signal);
        if (turn !== undefined) await turn;
        hasEntered = true;
      }
      budget.earn();
      const headers = headersOf(options);
      let isRenewed = false;
      let leftMs = allMs;
      for (let attempt = 1; ; ) {
        let waitMs = 0;
        // A session that cannot be opened is the circuit breaker's business: that is not tried again here.
        const session = source.take() ?? (await source.acquire(leftMs, signal));
        try {
          leftMs = startedAt + allMs - performance.now();
          const answer = await session.request(method, paramsJson, leftMs, options, headers, target);
          if (answer !== FORGOTTEN) {
            observe?.(method, answer.ok ? 'ok' : 'rpc-error', (performance.now() - startedAt) / 1000);
            return answer;
          }
          if (isRenewed) throw notFound(url);
          isRenewed = true;
        } catch (error) {
          waitMs = this.#delayMs(error, attempt++, method, target);
          leftMs = startedAt + allMs - performance.now() - waitMs;
          if (waitMs === 0 || leftMs <= 0 || signal?.aborted) throw error;
        } finally {
          source.release(session, performance.now());
        }
        if (waitMs > 0) await pause(waitMs, signal);
      }
    } catch (error) {
      observe?.(method, toCode(error), (performance.now() - startedAt) / 1000);
      throw error;
    } finally {
      if (hasEntered) limit.leave();
    }
  }

  async discover(signal?: CancelSignal): Promise<UpstreamCatalog> {
    const { source, url, config } = this.#options;
    const session = source.take() ?? (await source.acquire(config.TOOL_TIMEOUT * 1000, signal));
    source.release(session, performance.now());
    return discover(session, this, url, signal);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#options.source.close();
  }

  /** How long to wait before the next attempt; 0: there is none. */
  #delayMs(error: unknown, attempt: number, method: string, target: RequestTarget | undefined): number {
    const { config, budget, observe } = this.#options;
    const delayMs = retryDelayMs(error, attempt, config);
    if (delayMs === undefined || !isIdempotent(method, target?.json) || !budget.spend()) return 0;
    observe?.(`${method} retry`, toCode(error), 0);
    return delayMs;
  }
}

function toCode(error: unknown): string {
  return error instanceof GatewayError ? error.code : 'aborted';
}

function notFound(url: string): GatewayError {
  return new GatewayError('GW_UPSTREAM_INVALID', { detail: `${url}: it does not know a session that was just opened` });
}

/** @throws the signal's reason */
function pause(delayMs: number, signal: CancelSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      if (signal?.aborted) reject(signal.reason);
      else resolve();
    };
    const timer = setTimeout(end, delayMs);
    signal?.addEventListener('abort', end);
  });
}
