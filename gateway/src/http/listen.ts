// `subscriptions/listen`: a POST whose answer stays open and tells what changes. Its state is the stream's, nobody else's.
// https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/subscriptions
import { endRefused, type Identity } from '../auth/index.ts';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import type { RpcRequest } from '../mcp/messages.ts';
import type { ListChange } from '../mcp/ports.ts';
import {
  readFilter,
  type SubscriptionFilter,
  toAcknowledged,
  toClosed,
  toTagged,
} from '../mcp/stateless/subscription.ts';
import type { Answering } from './exchange-ports.ts';
import { isGone } from './load.ts';
import { ResourceWatch, type WatchOptions } from './resource-watch.ts';
import { SseStream, type SseStreamOptions } from './sse-stream.ts';

export interface ListenersOptions extends Pick<WatchOptions, 'sessions' | 'ports'> {
  /** The registry's: `listener` is told after each write that lists can show. @returns what takes it back */
  onListChanged: (listener: (change: ListChange) => void, isWanted: () => boolean) => () => void;
  config: SseStreamOptions['config'] & Pick<Config, 'MAX_SESSIONS'>;
}

interface Asking {
  serverId: string | undefined;
  identity: Identity;
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
  #isOver = false;

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
  open(request: RpcRequest, { serverId, identity }: Asking, reply: Answering): void {
    if (isGone(reply.raw)) return void reply.hijack();
    const { config } = this.#options;
    const filter = readFilter(request);
    if (this.#open.size >= config.MAX_SESSIONS) {
      throw new GatewayError('GW_TOO_MANY_SESSIONS', { detail: `${config.MAX_SESSIONS} streams are open` });
    }
    reply.server.load.stand(reply.raw);
    const { resourceSubscriptions: uris = [], ...lists } = filter;
    const { idJson } = request;
    const early: string[] = [];
    let say = (text: string): void => void early.push(text);
    const watch =
      uris.length === 0
        ? undefined
        : new ResourceWatch({
            ...this.#options,
            identity,
            serverId,
            updated: (method, params) => say(toTagged(idJson, method, params)),
          });
    const stream = new SseStream(reply, {
      config,
      onKeepAlive: () => endRefused(reply.server.readmit, identity, () => stream.end()),
    });
    const listener: Listener = { idJson, serverId, filter: lists, stream };
    let isOver = false;
    reply.raw.on('close', () => {
      isOver = true;
      this.#open.delete(listener);
      watch?.[Symbol.dispose]();
    });
    // The acknowledgement is the first message: what is told before it waits for it.
    const begin = (honoured: SubscriptionFilter): void => {
      if (isOver) return;
      stream.send(toAcknowledged(idJson, honoured));
      if (this.#isOver) {
        close(listener);
        return;
      }
      this.#open.add(listener);
      for (const text of early) stream.send(text);
      say = (text) => stream.send(text);
    };
    if (watch === undefined) begin(lists);
    else void watch.subscribe(uris).then((resourceSubscriptions) => begin({ ...lists, resourceSubscriptions }));
  }

  /** The gateway stops: every client is told that it was meant. */
  [Symbol.dispose](): void {
    this.#unwatch();
    this.#isOver = true;
    for (const listener of this.#open) close(listener);
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

function close({ stream, idJson }: Listener): void {
  stream.send(toClosed(idJson));
  stream.end();
}
