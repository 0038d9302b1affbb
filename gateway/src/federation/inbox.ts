// What an upstream sends of its own: notifications go to the client as they stand, requests too, and the client's answers back.
import { toJsonRpcError } from '../errors.ts';
import { memberText } from '../mcp/json-text.ts';
import type { CancelSignal, ClientPeer } from '../mcp/ports.ts';
import { RpcError, rpcCodes } from '../mcp/rpc-error.ts';
import type { Inbox } from './wire.ts';

export interface SessionInboxOptions {
  /** For what belongs to no request, and for all requests: undefined for a session that no client has for itself. */
  peer: ClientPeer | undefined;
  /** Sends our answer to a request of the upstream; failures are the sender's to bear. */
  answer: (body: string) => void;
  /** `tools`, `resources` or `prompts` of the upstream have changed. */
  listChanged: ((kind: string) => void) | undefined;
}

/** Bounds what an upstream can have us ask a client at a time. */
const MAX_ASKED = 100;
const LIST_CHANGED = /^notifications\/(tools|resources|prompts)\/list_changed$/;

export class SessionInbox implements Inbox, Disposable {
  readonly #options: SessionInboxOptions;
  /** By the id that the upstream gave. */
  readonly #asked = new Map<string, AskedSignal>();

  constructor(options: SessionInboxOptions) {
    this.#options = options;
  }

  take(message: Record<string, unknown>, text: string, peer: ClientPeer | undefined): Promise<void> | undefined {
    const { method, id, params } = message;
    if (typeof method !== 'string') return undefined;
    const paramsJson = params === undefined ? undefined : memberText(text, 'params', params);
    if (id !== undefined) return this.#ask(memberText(text, 'id', id), method, paramsJson, peer);
    if (method === 'notifications/cancelled') {
      const requestId = (params as { requestId?: unknown } | undefined)?.requestId;
      this.#asked.get(JSON.stringify(requestId))?.abort('the upstream cancelled its request');
      return undefined;
    }
    const changed = LIST_CHANGED.exec(method)?.[1];
    if (changed !== undefined) this.#options.listChanged?.(changed);
    (peer ?? this.#options.peer)?.notify(method, paramsJson);
    return undefined;
  }

  /** The session is over: the client need not go on thinking. */
  [Symbol.dispose](): void {
    for (const signal of [...this.#asked.values()]) signal.abort('the upstream session ended');
  }

  #ask(idJson: string, method: string, paramsJson: string | undefined, peer: ClientPeer | undefined) {
    const { peer: standing, answer } = this.#options;
    if (method === 'ping') {
      answer(`{"jsonrpc":"2.0","id":${idJson},"result":{}}`);
      return undefined;
    }
    // A session without a client of its own stated no capability: it can be asked nothing.
    if (standing === undefined || this.#asked.size >= MAX_ASKED) {
      const code = standing === undefined ? rpcCodes.methodNotFound : rpcCodes.internalError;
      const reason = standing === undefined ? `Method not found: ${method}` : 'too many requests at a time';
      answer(toError(idJson, { code, message: reason }));
      return undefined;
    }
    const signal = new AskedSignal();
    this.#asked.set(idJson, signal);
    const asked = (peer ?? standing).request(method, paramsJson, signal).then(
      (got) =>
        answer(got.ok ? `{"jsonrpc":"2.0","id":${idJson},"result":${got.resultJson}}` : toError(idJson, got.error)),
      (error: unknown) => {
        // Who has cancelled wants no answer (basic/utilities/cancellation).
        if (!signal.aborted)
          answer(toError(idJson, error instanceof RpcError ? error.toBody() : toJsonRpcError(error)));
      },
    );
    return asked.then(() => {
      if (this.#asked.get(idJson) === signal) this.#asked.delete(idJson);
    });
  }
}

class AskedSignal implements CancelSignal {
  aborted = false;
  reason: unknown;
  readonly #listeners = new Set<() => void>();

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.delete(listener);
  }

  abort(reason: string): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = new RpcError(rpcCodes.internalError, reason);
    for (const listener of [...this.#listeners]) listener();
  }
}

function toError(idJson: string, error: object): string {
  return `{"jsonrpc":"2.0","id":${idJson},"error":${JSON.stringify(error)}}`;
}
