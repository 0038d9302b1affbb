// How many tools of one upstream run at a time (per worker); calls beyond that wait their turn within their own time.
import { GatewayError } from '../errors.ts';
import type { CancelSignal } from '../mcp/ports.ts';
import { WaitingLine } from './wait.ts';

export class CallLimit {
  readonly #max: () => number;
  readonly #line = new WaitingLine<void>();
  #running = 0;

  /** @param max 0: no limit */
  constructor(max: () => number) {
    this.#max = max;
  }

  /** On the request path: undefined when the call may go at once. Either way `leave` ends it. */
  enter(url: string, timeoutMs: number, signal: CancelSignal | undefined): Promise<void> | undefined {
    const max = this.#max();
    if (max === 0 || (this.#running < max && this.#line.length === 0)) {
      this.#running++;
      return undefined;
    }
    return this.#line.join(timeoutMs, signal, () => {
      const detail = `${url}: ${max} calls at a time (TOOL_CONCURRENT_LIMIT) left no room for ${Math.round(timeoutMs)} ms`;
      return new GatewayError('GW_UPSTREAM_BUSY', { detail });
    });
  }

  leave(): void {
    // The place goes to the next in line as it stands.
    if (this.#line.length === 0 || !this.#line.serve()) this.#running--;
  }
}
