// An upstream with one session, opened on its first use and replaced when it is lost: for discovery, and for the client that has
// upstream sessions of its own.
import { GatewayError } from '../errors.ts';
import type { CancelSignal } from '../mcp/ports.ts';
import { discover } from './discover.ts';
import type { RequestOptions, Upstream, UpstreamAnswer, UpstreamCatalog } from './upstream.ts';
import { FORGOTTEN, type Observe, type UpstreamSession } from './upstream-session.ts';

export interface LoneUpstreamOptions {
  url: string;
  open: (timeoutMs: number) => Promise<UpstreamSession>;
  /** From the call to the last byte of its answer, with a new session if one is needed. */
  timeoutMs: () => number;
  /** How long saying goodbye may take. */
  goodbyeMs: () => number;
  observe: Observe | undefined;
}

export class LoneUpstream implements Upstream {
  readonly #options: LoneUpstreamOptions;
  #session: UpstreamSession | undefined;
  #opening: Promise<UpstreamSession> | undefined;
  #isOver = false;

  constructor(options: LoneUpstreamOptions) {
    this.#options = options;
  }

  protected get timeoutMs(): number {
    return this.#options.timeoutMs();
  }

  /** The session, when it is open. */
  get session(): UpstreamSession | undefined {
    return this.#session?.isBroken ? undefined : this.#session;
  }

  async request(
    method: string,
    paramsJson: string | undefined,
    options?: RequestOptions,
    headers?: string[],
  ): Promise<UpstreamAnswer> {
    const startedAt = performance.now();
    const { timeoutMs, observe } = this.#options;
    const allMs = timeoutMs();
    const leftMs = () => allMs - (performance.now() - startedAt);
    try {
      for (let attempt = 1; ; attempt++) {
        const session = this.session ?? (await this.#open(leftMs()));
        const answer = await session.request(method, paramsJson, leftMs(), options, headers);
        if (answer === FORGOTTEN) {
          if (attempt === 1) continue;
          throw new GatewayError('GW_UPSTREAM_INVALID', {
            detail: `${this.#options.url}: it answered HTTP 404 in a new session`,
          });
        }
        observe?.(method, answer.ok ? 'ok' : 'rpc-error', (performance.now() - startedAt) / 1000);
        return answer;
      }
    } catch (error) {
      const code = error instanceof GatewayError ? error.code : 'aborted';
      observe?.(method, code, (performance.now() - startedAt) / 1000);
      throw error;
    }
  }

  async discover(signal?: CancelSignal): Promise<UpstreamCatalog> {
    const session = this.session ?? (await this.#open(this.#options.timeoutMs()));
    return discover(session, this, this.#options.url, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    const session = this.#session;
    this.#session = undefined;
    await session?.close(this.#options.goodbyeMs());
  }

  /** Single flight: whoever comes meanwhile waits for the same session. */
  #open(timeoutMs: number): Promise<UpstreamSession> {
    this.#opening ??= this.#replace(timeoutMs).finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #replace(timeoutMs: number): Promise<UpstreamSession> {
    // It is lost: there is nobody to say goodbye to.
    void this.#session?.close(0);
    this.#session = undefined;
    const session = await this.#options.open(timeoutMs);
    if (this.#isOver) {
      void session.close(this.#options.goodbyeMs());
      throw new GatewayError('GW_UPSTREAM_UNREACHABLE', { detail: `${this.#options.url}: its session is over` });
    }
    this.#session = session;
    return session;
  }
}
