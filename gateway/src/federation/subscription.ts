// What an upstream of the stateless revision tells of its own accord: on the answer to `subscriptions/listen`, which says all that is
// wanted. Another wish is another request; the one before ends when the new one is acknowledged, so that nothing is missed.
// https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/subscriptions
import { isObject } from '../mcp/messages.ts';
import type { ClientPeer } from '../mcp/ports.ts';
import { metaKeys } from '../mcp/stateless/envelope.ts';
import type { HttpWire } from './http-wire.ts';
import type { Inbox } from './wire.ts';

export interface SubscriptionOptions {
  wire: Pick<HttpWire, 'subscribe'>;
  /** As the upstream stated them: what it does not tell is not asked for. */
  capabilities: Record<string, unknown>;
  /** The request, with everything that each request must say. */
  toRequest: (paramsJson: string) => { headers: readonly string[]; body: string };
  peer: ClientPeer | undefined;
  listChanged: ((kind: string) => void) | undefined;
}

const kinds = ['tools', 'resources', 'prompts'] as const;
const LIST_CHANGED = /^notifications\/(tools|resources|prompts)\/list_changed$/;

export class Subscription implements Disposable {
  readonly #options: SubscriptionOptions;
  readonly #uris = new Set<string>();
  readonly #streams = new Set<Disposable>();

  constructor(options: SubscriptionOptions) {
    this.#options = options;
    this.#renew();
  }

  /** @returns false: the upstream does not tell of updated resources */
  follow(uri: string): boolean {
    const { resources } = this.#options.capabilities;
    if (!isObject(resources) || resources['subscribe'] !== true) return false;
    if (!this.#uris.has(uri)) {
      this.#uris.add(uri);
      this.#renew();
    }
    return true;
  }

  leave(uri: string): void {
    if (this.#uris.delete(uri)) this.#renew();
  }

  [Symbol.dispose](): void {
    for (const stream of this.#streams) stream[Symbol.dispose]();
    this.#streams.clear();
  }

  #renew(): void {
    const before = [...this.#streams];
    const end = () => {
      for (const stream of before.splice(0)) {
        this.#streams.delete(stream);
        stream[Symbol.dispose]();
      }
    };
    const filter = this.#toFilter();
    if (Object.keys(filter).length === 0) {
      end();
      return;
    }
    const { wire, toRequest } = this.#options;
    const paramsJson = JSON.stringify({ notifications: filter });
    const inbox: Inbox = {
      take: (message) => {
        if (message['method'] === 'notifications/subscriptions/acknowledged') end();
        else this.#tell(message);
        return undefined;
      },
    };
    this.#streams.add(wire.subscribe(() => toRequest(paramsJson), inbox));
  }

  #toFilter(): Record<string, unknown> {
    const filter: Record<string, unknown> = {};
    for (const kind of kinds) {
      const stated = this.#options.capabilities[kind];
      if (isObject(stated) && stated['listChanged'] === true) filter[`${kind}ListChanged`] = true;
    }
    if (this.#uris.size > 0) filter['resourceSubscriptions'] = [...this.#uris];
    return filter;
  }

  #tell({ method, id, params }: Record<string, unknown>): void {
    if (typeof method !== 'string' || id !== undefined) return;
    const { peer, listChanged } = this.#options;
    const changed = LIST_CHANGED.exec(method)?.[1];
    if (changed !== undefined) listChanged?.(changed);
    peer?.notify(method, isObject(params) ? JSON.stringify(withoutMark(params)) : undefined);
  }
}

/** The id is that of our request: it means nothing to our client. */
function withoutMark(params: Record<string, unknown>): Record<string, unknown> {
  const meta = params['_meta'];
  if (!isObject(meta)) return params;
  const { [metaKeys.subscriptionId]: _, ...kept } = meta;
  return { ...params, _meta: kept };
}
