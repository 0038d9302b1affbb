// `subscriptions/listen`: a POST whose answer stays open and tells what changes. Its state is the stream's, nobody else's.
// https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/subscriptions
import type { FastifyReply } from 'fastify';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import type { RpcRequest } from '../mcp/messages.ts';
import type { CallerIdentity, ListChange } from '../mcp/ports.ts';
import {
  readFilter,
  type SubscriptionFilter,
  toAcknowledged,
  toClosed,
  toTagged,
} from '../mcp/stateless/subscription.ts';
import { SseStream, type SseStreamOptions } from './sse-stream.ts';

export interface ListenersOptions {
  /** The registry's: `listener` is told after each write that lists can show. @returns what takes it back */
  onListChanged: (listener: (change: ListChange) => void, isWanted: () => boolean) => () => void;
  config: SseStreamOptions['config'] & Pick<Config, 'MAX_SESSIONS'>;
}

interface Asking {
  serverId: string | undefined;
  identity: CallerIdentity;
}

interface Listener {
  idJson: string;
  serverId: string | undefined;
  filter: SubscriptionFilter;
  stream: SseStream;
}

/** All streams of one gateway process: one listener to the registry serves them all. */
export class Listeners implements Disposable {
  readonly #options: ListenersOptions;
  readonly #open = new Set<Listener>();
  readonly #unwatch: () => void;

  constructor(options: ListenersOptions) {
    this.#options = options;
    this.#unwatch = options.onListChanged(
      (change) => this.#tell(change),
      () => this.#open.size > 0,
    );
  }

  get size(): number {
    return this.#open.size;
  }

  /** @throws RpcError -32602 for a filter that is none, GW_TOO_MANY_SESSIONS */
  open(request: RpcRequest, { serverId }: Asking, reply: FastifyReply): void {
    const { config } = this.#options;
    const filter = readFilter(request);
    if (this.#open.size >= config.MAX_SESSIONS) {
      throw new GatewayError('GW_TOO_MANY_SESSIONS', { detail: `${config.MAX_SESSIONS} streams are open` });
    }
    reply.server.load.stand(reply.raw);
    const stream = new SseStream(reply, { config });
    const { resourceSubscriptions: _uris, ...honoured } = filter;
    const listener: Listener = { idJson: request.idJson, serverId, filter: honoured, stream };
    stream.send(toAcknowledged(request.idJson, honoured));
    this.#open.add(listener);
    reply.raw.on('close', () => this.#open.delete(listener));
  }

  /** The gateway stops: every client is told that it was meant. */
  [Symbol.dispose](): void {
    this.#unwatch();
    for (const { stream, idJson } of this.#open) {
      stream.send(toClosed(idJson));
      stream.end();
    }
    this.#open.clear();
  }

  #tell({ kinds, serverId }: ListChange): void {
    for (const listener of this.#open) {
      // What one virtual server shows changes nothing elsewhere.
      if (serverId !== undefined && serverId !== listener.serverId) continue;
      const { idJson, filter, stream } = listener;
      for (const kind of kinds) {
        if (filter[`${kind}ListChanged`]) stream.send(toTagged(idJson, `notifications/${kind}/list_changed`, {}));
      }
    }
  }
}
