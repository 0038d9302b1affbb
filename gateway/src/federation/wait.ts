// Waiting for what several wait for, each for its own time.
import { GatewayError } from '../errors.ts';
import type { CancelSignal } from '../mcp/ports.ts';

/**
 * @param drop takes what comes after nobody waits for it any more
 * @throws GW_UPSTREAM_TIMEOUT, the signal's reason, or what the promise rejects with
 */
export function waitFor<T>(
  promise: Promise<T>,
  timeoutMs: number,
  signal: CancelSignal | undefined,
  url: string,
  drop?: (value: T) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let isOver = false;
    const leave = () => {
      isOver = true;
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
    const onAbort = () => {
      leave();
      reject(signal?.reason);
    };
    const timer = setTimeout(
      () => {
        leave();
        const detail = `${url} opened no session in ${Math.round(timeoutMs)} ms`;
        reject(new GatewayError('GW_UPSTREAM_TIMEOUT', { detail }));
      },
      Math.max(1, timeoutMs),
    );
    promise.then(
      (value) => {
        if (isOver) drop?.(value);
        else {
          leave();
          resolve(value);
        }
      },
      (error: unknown) => {
        if (isOver) return;
        leave();
        reject(error);
      },
    );
    if (signal?.aborted) onAbort();
    else signal?.addEventListener('abort', onAbort);
  });
}

/** First come, first served, each for its own time. */
export class WaitingLine<T> {
  readonly #waiting = new Set<(value: T) => void>();

  get length(): number {
    return this.#waiting.size;
  }

  /** @param toError made when the time is over. @throws it, or the signal's reason */
  join(timeoutMs: number, signal: CancelSignal | undefined, toError: () => Error): Promise<T> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting.delete(serve);
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
      };
      const serve = (value: T) => {
        leave();
        resolve(value);
      };
      const onAbort = () => {
        leave();
        reject(signal?.reason);
      };
      const timer = setTimeout(
        () => {
          leave();
          reject(toError());
        },
        Math.max(1, timeoutMs),
      );
      if (signal?.aborted) {
        onAbort();
        return;
      }
      signal?.addEventListener('abort', onAbort);
      this.#waiting.add(serve);
    });
  }

  /** Serves the one that waits for longest. @returns whether there was one */
  serve(value: T): boolean {
    for (const serve of this.#waiting) {
      serve(value);
      return true;
    }
    return false;
  }
}
