// What upstreams ask of a client: sent out under ids of the gateway's own, answered by responses that come in some other way.
import { randomUUID } from 'node:crypto';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import type { RpcResponse } from '../mcp/messages.ts';
import type { CancelSignal, ForwardedAnswer } from '../mcp/ports.ts';
import { RpcError, rpcCodes } from '../mcp/rpc-error.ts';
import type { Outlet } from './sse-stream.ts';

export type ClientRequestSettings = Pick<
  Config,
  'MCPGATEWAY_ELICITATION_ENABLED' | 'MCPGATEWAY_ELICITATION_TIMEOUT' | 'MCPGATEWAY_ELICITATION_MAX_CONCURRENT'
>;

interface Waiting {
  resolve: (answer: ForwardedAnswer) => void;
  reject: (error: unknown) => void;
}

/** Those of one session: an id is known to nobody else, and means nothing in another session. */
export class ClientRequests {
  readonly #settings: ClientRequestSettings;
  readonly #waiting = new Map<string, Waiting>();

  constructor(settings: ClientRequestSettings) {
    this.#settings = settings;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /**
   * @param open the way out, asked for when something goes out
   * @throws GW_CLIENT_… when it is gone, takes too long or has too many already; the signal's reason
   */
  request(
    open: () => Outlet,
    method: string,
    paramsJson: string | undefined,
    signal: CancelSignal,
  ): Promise<ForwardedAnswer> {
    const { MCPGATEWAY_ELICITATION_TIMEOUT: timeout, MCPGATEWAY_ELICITATION_MAX_CONCURRENT: most } = this.#settings;
    if (method === 'elicitation/create' && !this.#settings.MCPGATEWAY_ELICITATION_ENABLED) {
      const message = 'elicitation is switched off at the gateway (MCPGATEWAY_ELICITATION_ENABLED)';
      return Promise.reject(new RpcError(rpcCodes.methodNotFound, message));
    }
    if (signal.aborted) return Promise.reject(signal.reason);
    if (this.#waiting.size >= most) {
      const detail = `${most} requests wait for its answers already`;
      return Promise.reject(new GatewayError('GW_CLIENT_UNREACHABLE', { detail }));
    }
    const outlet = open();
    return new Promise((resolve, reject) => {
      const idJson = JSON.stringify(randomUUID());
      const release = (): void => {
        this.#waiting.delete(idJson);
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
      };
      const giveUp = (error: unknown, reason: string): void => {
        release();
        outlet.send(toNotificationText('notifications/cancelled', `{"requestId":${idJson},"reason":"${reason}"}`));
        reject(error);
      };
      const onAbort = (): void => giveUp(signal.reason, 'cancelled by the server');
      const timer = setTimeout(() => {
        const detail = `no answer to ${method} in ${timeout} s`;
        giveUp(new GatewayError('GW_CLIENT_TIMEOUT', { detail }), 'timed out');
      }, timeout * 1000).unref();
      this.#waiting.set(idJson, {
        resolve: (answer) => {
          release();
          resolve(answer);
        },
        reject: (error) => {
          release();
          reject(error);
        },
      });
      signal.addEventListener('abort', onAbort);
      outlet.send(toRequestText(idJson, method, paramsJson));
    });
  }

  /** Answers that nobody waits for (any more) are dropped. */
  take({ answersId, answer }: RpcResponse): void {
    this.#waiting.get(answersId)?.resolve(answer);
  }

  /** Nobody will answer any more. */
  end(): void {
    for (const { reject } of [...this.#waiting.values()]) {
      reject(new GatewayError('GW_CLIENT_UNREACHABLE', { detail: 'its session has ended' }));
    }
  }
}

export function toNotificationText(method: string, paramsJson: string | undefined): string {
  const params = paramsJson === undefined ? '' : `,"params":${paramsJson}`;
  return `{"jsonrpc":"2.0","method":${JSON.stringify(method)}${params}}`;
}

function toRequestText(idJson: string, method: string, paramsJson: string | undefined): string {
  const params = paramsJson === undefined ? '' : `,"params":${paramsJson}`;
  return `{"jsonrpc":"2.0","id":${idJson},"method":${JSON.stringify(method)}${params}}`;
}
